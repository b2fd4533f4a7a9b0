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
  dialog.showModal();
  return new Promise((resolve) => {
    // The event "close" comes late: by then the next question may be open. Esc may come without "cancel".
    const listening = new AbortController();
    const answer = (discards) => {
      listening.abort();
      resolve(discards);
    };
    const { signal } = listening;
    dialog.addEventListener("submit", (event) => answer(event.submitter?.value === "discard"), { signal });
    dialog.addEventListener("cancel", () => answer(false), { signal });
    dialog.addEventListener("close", () => dialog.open || answer(false), { signal });
  });
}

/** Let the browser ask in its own words before the page is left or reloaded. */
export function askBeforeLeaving(editor) {
  window.addEventListener("beforeunload", (event) => {
    if (editor.painting?.hasUnsaved) event.preventDefault();
  });
}
