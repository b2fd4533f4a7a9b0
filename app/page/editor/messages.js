// What the editor says, in the browser's language. The messages come from app/page/messages.

export class Messages {
  /** @param {Record<string, Record<string, string>>} messages By language, then by key. */
  constructor(messages) {
    this.language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
    this.texts = { ...messages.en, ...messages[this.language] };
  }

  /**
   * The text of a message.
   *
   * @param {string} key
   * @param {Record<string, unknown>} values `{name}` in the message is replaced by `values.name`.
   */
  format(key, values = {}) {
    return this.texts[key].replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /** Join sentences; Chinese has no space between them. */
  join(sentences) {
    return sentences.join(this.language === "zh" ? "" : " ");
  }

  /** Write the messages into a template: as text, as tooltips, as names for screen readers. */
  fillTemplate(root) {
    for (const node of root.querySelectorAll("[data-text]")) node.textContent = this.format(node.dataset.text);
    for (const node of root.querySelectorAll("[data-title]")) node.title = this.format(node.dataset.title);
    for (const node of root.querySelectorAll("[data-label]")) {
      node.setAttribute("aria-label", this.format(node.dataset.label));
    }
  }
}
