// The status line `#status`: one sentence a tab, of which the open tab's is shown.
//
// Gradio runs this file as the body of a function of `element`, `props` and `watch`, before any module is loaded, so
// that the line can speak at once. Python writes a sentence as the component's value, the editor's script through
// `window.remendStatus`; both end in the same property, so that neither overwrites the other unseen. A sentence
// about another tab, such as the end of a long work, waits until that tab is opened.

const messages = props.messages[navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en"];

const spanOf = (tab, text, isError = false) => {
  const span = document.createElement("span");
  span.textContent = text;
  span.dataset.tab = tab;
  if (isError) span.className = "error";
  return span.outerHTML;
};

const lastSentences = {
  repair: spanOf("repair", messages.begin),
  upscale: spanOf("upscale", messages.choose_photo),
  models: spanOf("models", messages.models_say),
};
let openTab = "repair";

const show = () => {
  if (props.value !== lastSentences[openTab]) props.value = lastSentences[openTab];
};

const NUMBERS = 1000; // of one millisecond, so that two browsers hardly ever choose the same
let lastNumber = 0;

window.remendStatus = {
  /** The number of a piece of work, above all before it, also above those of the page before a reload. */
  nextNumber() {
    lastNumber = Math.max(lastNumber + 1, Date.now() * NUMBERS + Math.floor(Math.random() * NUMBERS));
    return lastNumber;
  },
  /** Show a sentence about the Repair tab. */
  say(text, isError = false) {
    lastSentences.repair = spanOf("repair", text, isError);
    show();
  },
  /** Show the last sentence of the tab that was opened: "repair", "upscale" or "models". */
  showTab(tab) {
    openTab = tab;
    show();
  },
};

watch("value", () => {
  const tab = /data-tab="(\w+)"/.exec(props.value)?.[1];
  if (tab) lastSentences[tab] = props.value;
  show();
});
setTimeout(show); // Gradio puts the first value in after this script
