// The list of keys, on `?` or from the menu.

const KEYS = [
  ["Enter", "fill_title_plain"], ["Esc", "key_stop"], ["Ctrl+Z · Ctrl+Shift+Z", "key_history"], ["B · E · R · L", "key_tools"],
  ["[ · ]", "key_size"], ["Tab", "key_original"], ["D", "key_divider"], ["0 · 1", "key_zoom"], ["+ · −", "key_nearer"],
  ["Space", "key_pan"], ["← ↑ → ↓ · M", "key_box"], ["Ctrl+O · Ctrl+V", "key_open"], ["Ctrl+S · Ctrl+C", "key_save"],
  ["PageUp · PageDown", "key_album"], ["V", "key_versions"], ["?", "help"],
];

export function fillHelp(editor) {
  const list = editor.find(".help dl");
  for (const [keys, message] of KEYS) {
    const [term, meaning] = ["dt", "dd"].map((tag) => document.createElement(tag));
    for (const [at, one] of keys.split(" · ").entries()) {
      if (at > 0) term.append(" ");
      const key = document.createElement("kbd");
      key.textContent = one;
      term.append(key);
    }
    meaning.textContent = editor.messages.format(message);
    list.append(term, meaning);
  }
}

export function showHelp(editor) {
  const dialog = editor.find(".help");
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0; // the focus goes to the button below, which on a small screen scrolls the list away
}
