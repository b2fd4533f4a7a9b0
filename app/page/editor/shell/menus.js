// Menus: a button that opens a panel with what is rarely needed.

export function listenForMenus(editor) {
  const { root } = editor;
  for (const opener of root.querySelectorAll("[data-menu]")) {
    const panel = panelOf(editor, opener);
    opener.setAttribute("aria-expanded", "false");
    opener.addEventListener("click", () => show(editor, opener, panel.hidden));
    panel.addEventListener("click", ({ target }) => {
      if (target.closest(".item:not(.stays)")) show(editor, opener, false);
    });
  }
  document.addEventListener("pointerdown", ({ target }) => {
    if (!target.closest?.(".menu")) closeMenus(editor);
  });
  root.addEventListener("keydown", (event) => {
    const opener = event.key === "Escape" && openOne(editor);
    if (!opener) return;
    event.stopPropagation(); // Esc closes the menu, and stops no work
    closeMenus(editor);
    opener.focus();
  });
}

export function closeMenus(editor) {
  for (const opener of editor.root.querySelectorAll("[data-menu]")) show(editor, opener, false);
}

const panelOf = (editor, opener) => editor.find(`[data-panel=${opener.dataset.menu}]`);
const openOne = (editor) => editor.find("[data-menu][aria-expanded=true]");

function show(editor, opener, isShown) {
  if (isShown) closeMenus(editor);
  panelOf(editor, opener).hidden = !isShown;
  opener.setAttribute("aria-expanded", String(isShown));
}
