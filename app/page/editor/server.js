// The two things that the editor needs from the page around it: send a file, call a function of the server.

/** A sentence from the server, to be shown as it is. */
export class ServerError extends Error {}

export class Server {
  /**
   * @param {Record<string, (message: object) => Promise<any>>} functions What Python offers, by name.
   * @param {(file: File) => Promise<{path: string, url: string}>} upload
   * @param {import("./messages.js").Messages} messages
   */
  constructor(functions, upload, messages) {
    this.functions = functions;
    this.upload = upload;
    this.messages = messages;
    this.page = String(Math.random()); // a copy of this tab has another
  }

  /** Send a file; gives the path under which the server knows it. */
  async send(file) {
    const { path } = await this.upload(file);
    return path;
  }

  /** Call a function of the server; its answer, or a `ServerError`. */
  async call(name, message) {
    const answer = await this.functions[name]({ ...message, ...this.signature });
    if (!answer) throw new ServerError(this.messages.format("no_answer"));
    if (answer.error) throw new ServerError(answer.error);
    return answer;
  }

  /** What every message says of this page. */
  get signature() {
    return { language: this.messages.language, page: this.page };
  }

  /** The address of a file that the server has written for download. */
  addressOf(path) {
    return new URL(`gradio_api/file=${path.split("/").map(encodeURIComponent).join("/")}`, document.baseURI).href;
  }
}
