// Questions that must be answered before something is lost.

/**
 * Ask whether the open photo, or the album, may go.
 *
 * @param {string} question Its message; the answers are those with _yes and _no behind.
 * @returns {Promise<boolean>} False also where a question is open already.
 */
export function askToDiscard(editor, question = "discard") {
  const dialog = editor.find(".question");
  if (dialog.open) return Promise.resolve(false);
  const { messages, photo } = editor;
  dialog.querySelector("p").textContent = messages.format(question, { name: photo?.name });
  for (const [value, answer] of [["keep", "no"], ["discard", "yes"]]) {
    dialog.querySelector(`[value=${value}]`).textContent = messages.format(`${question}_${answer}`);
  }
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
    if (editor.album.hasUnsaved) event.preventDefault();
  });
}
