// The Repair tab's editor: the open photo, and what the page shows of it. The photo itself stays on the server.
//
// `fills.js` and `masks.js` hold what the server does with the photo; `buttons.js`, `pointers.js`, `keys.js` and
// `files.js` turn what a person does into calls.

import { enableButtons, listenForButtons } from "./buttons.js";
import { listenForFiles } from "./files.js";
import { fill, finishFill, loseFill } from "./fills.js";
import { listenForKeys } from "./keys.js";
import { keepWork, rememberSettings, restoreWork } from "./memory.js";
import { Messages } from "./messages.js";
import { Painting } from "./painting.js";
import { listenForPointers } from "./pointers.js";
import { Server, ServerError } from "./server.js";
import { listenForDials, offerModels, showRing } from "./shell/dials.js";
import { fillHelp } from "./shell/help.js";
import { layOut } from "./shell/layout.js";
import { listenForMenus } from "./shell/menus.js";
import { askBeforeLeaving } from "./shell/question.js";
import { View } from "./view.js";

export class Editor {
  /** @param host What Gradio gives a component: {element, props, trigger, watch, server, upload}. */
  constructor({ element, props, trigger, server, upload }) {
    this.root = element;
    this.frame = element.closest("#repair-editor");
    this.messages = new Messages(props.messages);
    this.messages.fillTemplate(element);
    this.server = new Server(server, upload, this.messages);
    this.trigger = trigger;
    this.stage = this.find(".stage");
    this.canvas = this.find("canvas");
    this.sizeInput = this.find("#repair-size");
    this.dividerInput = this.find(".divider");
    this.view = new View(this.canvas);
    this.photo = null; // what the server said of the open photo
    this.painting = null;
    this.state = "empty"; // or "loading", "ready", "busy", "error"
    this.tool = "brush";
    this.job = 0; // number of the fill that was asked for, 0 = none
    this.isStopping = false;
    this.wishes = []; // what was asked for while the server was at work
    this.opening = 0; // number of the last photo that was to be opened
    this.hover = null; // where the pointer is
    this.showsSize = false; // the brush's size was changed a moment ago
    this.outline = null; // points of the box or lasso that is being drawn
    this.showsOriginal = false;
    this.spaceHeld = false;
    this.focusedByPointer = false;
    this.isDrawPlanned = false;
  }

  find(selector) {
    return this.root.querySelector(selector);
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

  get isDivided() {
    return !this.dividerInput.hidden;
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
    keepWork(this);
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

  redraw() {
    if (this.isDrawPlanned) return;
    this.isDrawPlanned = true;
    requestAnimationFrame(() => {
      this.isDrawPlanned = false;
      if (this.painting && this.canvas.width) this.draw();
    });
  }

  draw() {
    const { painting, view } = this;
    if (this.showsOriginal) {
      view.draw(painting.original);
    } else if (this.isDivided) {
      const divider = Number(this.dividerInput.value);
      view.draw(painting.picture, { original: painting.original, divider });
    } else {
      view.draw(painting.picture, { paint: painting.paint, brush: this.ring, outline: this.outline });
    }
    const percent = Math.round(view.zoom * this.previewScale * 100);
    this.find(".zoom").textContent = this.messages.format("in_percent", { count: percent });
  }

  /** The brush's ring where the pointer is, or in the middle of the stage while its size is changed. */
  get ring() {
    const isBrush = this.tool === "brush" || this.tool === "eraser";
    const showsBrush = (this.hover && isBrush && this.isIdle && !this.spaceHeld) || this.showsSize;
    if (!showsBrush) return null;
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const middle = { x: left + width / 2, y: top + height / 2 };
    const size = Number(this.sizeInput.value);
    const label = this.showsSize ? this.messages.format("in_pixels", { count: size }) : "";
    return { ...(this.hover ?? middle), radius: size / 2, label };
  }

  /** Pixels of the screen to one of the photo, where a pixel of the preview takes one of CSS. */
  get previewScale() {
    return (this.photo.previewWidth / this.photo.width) * (window.devicePixelRatio || 1);
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

  /** @param {{current, done, undone} | undefined} before What the page held before a reload. */
  showPhoto(opened, image, before) {
    const { name, width, height, previewWidth, previewHeight, notes } = opened;
    this.photo = opened;
    this.wishes = [];
    this.painting = new Painting(image, previewWidth, previewHeight);
    if (before?.current) this.painting.picture.getContext("2d").drawImage(before.current, 0, 0);
    if (before) this.painting.takeOver(before, opened.fills);
    this.view.size = { width: previewWidth, height: previewHeight };
    this.view.fit();
    this.outline = null;
    this.divide(false);
    this.find(".facts").textContent = `${name} · ${width} × ${height}`;
    this.say(before ? "restored" : "opened", {}, notes);
    this.setState("ready");
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
    this.say(this.painting.hasPaint ? "painted" : "opened");
    this.setState("ready");
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

  resizeBrush(factor) {
    const { value } = this.sizeInput;
    this.sizeInput.value = factor > 1 ? Math.ceil(value * factor) : Math.floor(value * factor);
    showRing(this);
  }

  showOriginal(isShown) {
    this.showsOriginal = isShown && this.painting !== null;
    this.redraw();
  }

  /** Show the original left of a line that can be moved, and the photo as it is now right of it. */
  divide(isDivided) {
    this.dividerInput.hidden = !isDivided;
    this.find("[data-do=divide]").setAttribute("aria-pressed", String(isDivided));
    this.redraw();
  }

  fit() {
    this.view.fit();
    this.redraw();
  }

  /** Zoom to so many pixels of the screen for one of the photo. */
  zoomTo(scale) {
    if (this.photo) this.zoomBy(scale / this.previewScale / this.view.zoom);
  }

  zoomBy(factor) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    this.view.zoomAt(left + width / 2, top + height / 2, factor);
    this.redraw();
  }

  setFocusedByPointer(isByPointer) {
    this.focusedByPointer = isByPointer;
    this.stage.classList.toggle("by-pointer", isByPointer);
  }

  holdSpace(isHeld) {
    this.spaceHeld = isHeld;
    this.root.classList.toggle("panning", isHeld);
    this.redraw();
  }

  /** Where a pixel of the photo lies on the page. */
  toScreen(x, y) {
    const { width, height, previewWidth, previewHeight } = this.photo;
    return this.view.toPage(((x + 0.5) * previewWidth) / width, ((y + 0.5) * previewHeight) / height);
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
  listenForFiles(editor);
  listenForPointers(editor);
  listenForKeys(editor);
  new ResizeObserver(() => {
    if (editor.view.measure()) editor.redraw();
  }).observe(editor.canvas);
  host.watch("result", () => finishFill(editor, host.props.result));
  host.watch("models", () => offerModels(editor, host.props.models));
  window.addEventListener("remend-lost", ({ detail }) => detail === "repair" && loseFill(editor));
  // For tests of the page and other scripts.
  window.remendEditor = { toScreen: (x, y) => editor.toScreen(x, y) };
  rememberSettings(editor);
  askBeforeLeaving(editor);
  restoreWork(editor);
}
