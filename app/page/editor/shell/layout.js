// Where the tools lie: in bars around the photo, or on a phone in a bar for the thumb, with a sheet for the rest.
//
// The same buttons move from place to place, so that each exists once.

const COMPACT = "(max-width: 700px), (max-height: 500px)";
const LYING = "(orientation: landscape)";
const THUMB = ["[data-tool=brush]", "[data-tool=eraser]", "#repair-undo", ".action"];
const REST = [".facts", ".film-tools", ".file", ".folder", "#repair-download", "#repair-upscale", "[data-do=versions]", "[data-do=suggest]"]
  .concat(["box", "lasso"].map((name) => `[data-tool=${name}]`), "[data-do=snap]", "[data-do=clear]", "#repair-redo")
  .concat(["fit", "divide", "original"].map((name) => `[data-do=${name}]`))
  .concat(["load", "save", "invert", "grow", "shrink", "copy"].map((name) => `.item[data-do=${name}]`))
  .concat(".slider:has(#repair-detail)", ".slider.model", ".slider:has(#repair-grow)")
  .concat(".row:has([data-name=format])", ".check:has([data-name=keep])", ".check:has([data-name=on-release])");

export function layOut(editor) {
  const { root } = editor;
  const [compact, lying] = [window.matchMedia(COMPACT), window.matchMedia(LYING)];
  const [phone, sheet, opener] = [".phone", ".sheet", ".sheet-opener"].map((name) => editor.find(name));
  const homes = new Map(); // by tool: what stands for it where it came from

  const moveTo = (place, selectors, before = null) => {
    for (const tool of selectors.map((selector) => editor.find(selector)).filter(Boolean)) {
      const home = document.createComment("");
      tool.before(home);
      homes.set(tool, home);
      place.insertBefore(tool, before);
    }
  };
  const arrange = () => {
    const isCompact = compact.matches;
    root.classList.toggle("lying", lying.matches);
    if (isCompact === root.classList.contains("compact")) return;
    root.classList.toggle("compact", isCompact);
    showSheet(editor, false);
    if (isCompact) {
      moveTo(phone, THUMB, opener);
      moveTo(sheet, REST);
    } else {
      for (const [tool, home] of homes) home.replaceWith(tool);
      homes.clear();
    }
  };
  for (const query of [compact, lying]) query.addEventListener("change", arrange);
  arrange();
  opener.addEventListener("click", () => showSheet(editor, sheet.hidden));
  // What opens a photo, a file or a comparison shall be seen: the sheet goes out of the way.
  sheet.addEventListener("click", ({ target }) => {
    if (target.closest(".tool, .item:not(.stays)") && !target.closest("[data-do=original]")) showSheet(editor, false);
  });
  sheet.addEventListener("change", ({ target }) => target.type === "file" && showSheet(editor, false));
  editor.canvas.addEventListener("pointerdown", () => showSheet(editor, false));
}

export function showSheet(editor, isShown) {
  editor.find(".sheet").hidden = !isShown;
  editor.find(".sheet-opener").setAttribute("aria-expanded", String(isShown));
}
