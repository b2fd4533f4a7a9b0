// Questions that must be answered before something is lost.

/**
 * Ask whether the open photo may go.
 *
 * @returns {Promise<boolean>} False also where a question is open already.
 */
export function askToDiscard(editor) {
  const dialog = editor.find(".question");
  if (dialog.open) return Promise.resolve(false);
  dialog.querySelector("p").textContent = editor.messages.format("discard", { name: editor.photo.name });
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "discard"), { once: true });
  });
}

/** Let the browser ask in its own words before the page is left or reloaded. */
export function askBeforeLeaving(editor) {
  window.addEventListener("beforeunload", (event) => {
    if (editor.painting?.hasUnsaved) event.preventDefault();
  });
}
