// The Repair tab's editor: the open photo, and what the page shows of it. The photo itself stays on the server.
//
// `fills.js` and `masks.js` hold what the server does with the photo; `buttons.js`, `pointers.js`, `keys.js` and
// `files.js` turn what a person does into calls.

import { Album } from "./album/album.js";
import { loseResult, takeResult } from "./album/batch.js";
import { listenForAlbum } from "./album/filmstrip.js";
import { enableButtons, listenForButtons } from "./buttons.js";
import { listenForFiles } from "./files.js";
import { fill, finishFill, loseFill } from "./fills.js";
import { followTour, listenForTour } from "./helping/tour.js";
import { finishVersions, hideOldVersions, listenForVersions } from "./helping/versions.js";
import { listenForKeys } from "./keys.js";
import { forgetWork, rememberSettings, restoreWork } from "./memory.js";
import { Messages } from "./messages.js";
import { listenForPointers } from "./photo/pointers.js";
import { Server, ServerError } from "./server.js";
import { listenForDials, offerModels } from "./shell/dials.js";
import { fillHelp } from "./shell/help.js";
import { layOut } from "./shell/layout.js";
import { listenForMenus } from "./shell/menus.js";
import { askBeforeLeaving } from "./shell/question.js";
import { Stage } from "./photo/stage.js";

export class Editor extends Stage {
  /** @param host What Gradio gives a component: {element, props, trigger, watch, server, upload}. */
  constructor({ element, props, trigger, server, upload }) {
    super(element);
    this.frame = element.closest("#repair-editor");
    this.messages = new Messages(props.messages);
    this.messages.fillTemplate(element);
    this.server = new Server(server, upload, this.messages);
    this.trigger = trigger;
    this.photo = null; // what the server said of the open photo
    this.painting = null;
    this.state = "empty"; // or "loading", "ready", "busy", "error"
    this.tool = "brush";
    this.job = 0; // number of the fill that was asked for, 0 = none
    this.isStopping = false;
    this.wishes = []; // what was asked for while the server was at work
    this.hasWarned = false; // that a large hole is guessed
    this.tour = null; // number of the step that is shown
    this.opening = 0; // number of the last photo that was to be opened
    this.album = new Album(this);
  }

  isChecked(name) {
    return this.find(`[data-name=${name}]`).checked;
  }

  get isIdle() {
    return this.photo !== null && !this.isStopping && (this.state === "ready" || this.state === "error");
  }

  get isShown() {
    return this.root.offsetParent !== null;
  }

  /** Show a message of app/page/messages in the status line. */
  say(key, values, notes = []) {
    window.remendStatus?.say(this.messages.join([this.messages.format(key, values), ...notes]));
  }

  /** Show an error, and let the person go on. */
  fail(error) {
    this.wishes = []; // they counted on what has failed
    this.tell(error);
    this.setState("error");
  }

  /** Show an error in the status line. */
  tell(error) {
    const isConnectionLost = error instanceof TypeError && /fetch|network/i.test(error.message);
    if (!(error instanceof ServerError) && !isConnectionLost) console.error(error);
    const text = isConnectionLost ? this.messages.format("lost") : String(error?.message ?? error);
    window.remendStatus?.say(text, true);
  }

  setState(next) {
    this.state = next;
    this.frame.dataset.state = next;
    this.root.dataset.state = next;
    this.root.classList.toggle("has-photo", this.photo !== null);
    enableButtons(this);
    this.find(".sensitivity").hidden = !this.painting?.isSuggestion;
    this.redraw();
    hideOldVersions(this);
    followTour(this);
    this.album.listen();
    queueMicrotask(() => this.grantWish());
  }

  /** Do something now, or when what is being done has ended; in the order of asking. */
  whenIdle(action) {
    this.wishes.push(action);
    this.grantWish();
  }

  grantWish() {
    if (!this.isIdle) return;
    this.wishes.shift()?.();
    if (this.wishes.length > 0) queueMicrotask(() => this.grantWish());
  }

  /** Do work that needs the server: the editor is busy meanwhile, and says what went wrong. */
  async whileBusy(work) {
    if (!this.isIdle) return;
    this.setState("busy");
    try {
      await work();
      this.setState("ready");
    } catch (error) {
      this.fail(error);
    }
  }

  /** A photo is to be opened, which overtakes those before; gives its number. */
  beginOpening(name) {
    this.opening += 1;
    this.setState("loading");
    this.say("opening", { name });
    return this.opening;
  }

  /** Show an item of the album, which the server has opened. */
  showPainting(item, painting, message) {
    const { name, width, height, previewWidth, previewHeight, notes } = item.opened;
    this.photo = item.opened;
    this.wishes = [];
    this.painting = painting;
    this.album.hold(item, painting);
    this.view.size = { width: previewWidth, height: previewHeight };
    this.view.fit();
    this.outline = null;
    this.divide(false);
    this.find(".facts").textContent = `${name} · ${width} × ${height}`;
    this.say(message ?? (painting.done.length > 0 ? "restored" : "opened"), {}, notes);
    this.setState("ready");
  }

  /** Close what is open. */
  leavePhoto() {
    this.photo = null;
    this.painting = null;
    this.opening += 1;
    this.find(".facts").textContent = "";
    this.album.clear().catch((error) => this.tell(error));
    forgetWork(this);
    this.setState("empty");
    this.view.clear();
  }

  /** Wait until nothing is being done with the photo. */
  async idle() {
    if (this.isIdle) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await this.idle();
  }

  /** Send the painted rectangle; gives the part of a message to the server that says where the paint is. */
  async sendPaint() {
    const { file, left, top } = await this.painting.maskFile();
    return { photo: this.photo.photo, mask: await this.server.send(file), left, top };
  }

  clearPaint() {
    if (!this.isIdle) return;
    this.painting.clear();
    this.say("opened");
    this.setState("ready");
  }

  /** Called at the end of a stroke or shape. */
  finishPainting() {
    this.say(this.painting.hasPaint ? this.hintAtPaint() : "opened");
    this.setState("ready");
    this.fillOnRelease();
  }

  /** What to say of the paint; what a fill cannot do, once. There is no finder of faces: it goes by the size. */
  hintAtPaint() {
    const isNews = !this.hasWarned && this.painting.hasLargeHole;
    this.hasWarned ||= isNews;
    if (isNews) return "painted_large";
    return this.tool === "box" || this.tool === "lasso" ? "painted_shape" : "painted";
  }

  fillOnRelease() {
    if (this.isChecked("on-release") && this.painting.hasPaint) fill(this);
  }

  /** Turn the box or lasso on the stage into paint, or remove the paint inside it. */
  addOutline(erases = false) {
    if (!this.outline) return;
    if (this.outline.length > 2) this.painting.addShape(this.outline, erases);
    this.outline = null;
    this.setState(this.state);
  }

  hasTool(name) {
    return this.root.querySelector(`[data-tool="${CSS.escape(name)}"]`) !== null;
  }

  /** @param {"brush" | "eraser" | "box" | "lasso"} tool */
  chooseTool(tool) {
    this.tool = tool;
    this.outline = null;
    this.setState(this.state);
  }
}

export function start(host) {
  const editor = new Editor(host);
  layOut(editor);
  listenForMenus(editor);
  fillHelp(editor);
  listenForDials(editor);
  offerModels(editor, host.props.models);
  listenForButtons(editor);
  listenForAlbum(editor);
  listenForVersions(editor);
  listenForTour(editor);
  listenForFiles(editor);
  listenForPointers(editor);
  listenForKeys(editor);
  new ResizeObserver(() => {
    if (editor.view.measure()) editor.redraw();
  }).observe(editor.canvas);
  host.watch("result", () => takeResult(host.props.result) || finishFill(editor, host.props.result));
  host.watch("versions", () => finishVersions(editor, host.props.versions));
  host.watch("models", () => offerModels(editor, host.props.models));
  window.addEventListener("remend-lost", ({ detail }) => {
    if (detail === "repair") loseFill(editor);
    if (detail === "album") loseResult(editor);
  });
  // For tests of the page and other scripts.
  window.remendEditor = { toScreen: (x, y) => editor.toScreen(x, y) };
  rememberSettings(editor);
  askBeforeLeaving(editor);
  restoreWork(editor);
}
