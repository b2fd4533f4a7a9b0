// The two things that the editor wants of the page it stands on: send a file, call a function.

export class Refusal extends Error {} // a sentence from the server, to be shown as it is

export class Server {
  constructor(functions, upload, words) {
    this.functions = functions;
    this.upload = upload;
    this.words = words;
    this.filesAddress = ""; // where the server hands out files
  }

  // Send a file; gives the name under which the server knows it.
  async send(file) {
    const sent = await this.upload(file);
    this.filesAddress = sent.url.slice(0, sent.url.indexOf("/file=") + "/file=".length);
    return sent.path;
  }

  async call(name, message) {
    const answer = await this.functions[name]({ ...message, language: this.words.language });
    if (!answer) throw new Refusal(this.words.say("no_answer"));
    if (answer.error) throw new Refusal(answer.error);
    return answer;
  }

  addressOf(path) {
    return this.filesAddress + path.split("/").map(encodeURIComponent).join("/");
  }
}
