// What the editor says, in the browser's language. The messages come from app/page/messages.

export class Words {
  constructor(messages) {
    this.language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
    this.messages = { ...messages.en, ...messages[this.language] };
  }

  // The message of a key, with {name} replaced by values.name.
  say(key, values = {}) {
    return this.messages[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  // Sentences one after the other; Chinese has no space between them.
  join(sentences) {
    return sentences.join(this.language === "zh" ? "" : " ");
  }

  // Write the words into a template: as text, as tooltips, as names for screen readers.
  putInto(root) {
    for (const node of root.querySelectorAll("[data-word]")) node.textContent = this.say(node.dataset.word);
    for (const node of root.querySelectorAll("[data-title]")) node.title = this.say(node.dataset.title);
    for (const node of root.querySelectorAll("[data-label]")) {
      node.setAttribute("aria-label", this.say(node.dataset.label));
    }
  }
}
