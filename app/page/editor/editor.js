// The Repair tab's editor: what can be done to the open photo, and what the page shows of it.
//
// `start` is given what Gradio gives a component: {element, props, trigger, watch, server, upload}. Only
// Server uses the last two, so that the editor could stand on another page. The photo itself stays there.

import { listenForFiles, pickFile, saveAs } from "./files.js";
import { listenForKeys } from "./keys.js";
import { loadImage, Painting } from "./painting.js";
import { listenForPointers } from "./pointers.js";
import { Refusal, Server } from "./server.js";
import { View } from "./view.js";
import { Words } from "./words.js";

const MASK_STEP = 4; // pixels of the photo by which a mask grows or shrinks at a press

export class Editor {
  constructor({ element, props, trigger, server, upload }) {
    this.root = element;
    this.frame = element.closest("#repair-editor");
    this.words = new Words(props.messages);
    this.words.putInto(element);
    this.server = new Server(server, upload, this.words);
    this.trigger = trigger;
    this.stage = this.find(".stage");
    this.canvas = this.find("canvas");
    this.sizeInput = this.find(".size input");
    this.dividerInput = this.find(".divider");
    this.view = new View(this.canvas);
    this.photo = null; // what the server said of the open photo
    this.painting = null;
    this.state = "empty";
    this.tool = "brush";
    this.job = 0; // number of the last fill that was asked for
    this.opening = 0;
    this.hover = null; // where the pointer is
    this.outline = null; // of the box or lasso that is being drawn
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
    return this.photo !== null && (this.state === "ready" || this.state === "error");
  }

  get isShown() {
    return this.root.offsetParent !== null;
  }

  get isDivided() {
    return !this.dividerInput.hidden;
  }

  say(key, values) {
    window.remendSay?.(this.words.say(key, values));
  }

  fail(error) {
    const isLost = error instanceof TypeError && /fetch|network/i.test(error.message);
    if (!(error instanceof Refusal) && !isLost) console.error(error);
    window.remendSay?.(isLost ? this.words.say("lost") : String(error?.message ?? error), true);
    this.setState("error");
  }

  setState(next) {
    this.state = next;
    this.frame.dataset.state = this.root.dataset.state = next;
    this.root.classList.toggle("has-photo", this.photo !== null);
    const { isIdle, painting } = this;
    const enable = (selector, isEnabled) => {
      this.find(selector).disabled = !isEnabled;
    };
    for (const name of ["fill", "download", "upscale"]) enable(`#repair-${name}`, isIdle);
    enable("#repair-undo", isIdle && painting.done.length);
    enable("#repair-redo", isIdle && painting.undone.length);
    for (const name of ["fit", "original", "divide", "load", "suggest"]) enable(`[data-do=${name}]`, isIdle);
    for (const name of ["save", "grow", "shrink", "clear", "invert"]) {
      enable(`[data-do=${name}]`, isIdle && (painting.hasPaint || name === "invert"));
    }
    for (const button of this.root.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(this.tool === button.dataset.tool));
    }
    const suggestion = painting?.done.at(-1);
    this.find(".sensitivity").hidden = !suggestion?.suggested;
    this.redraw();
  }

  redraw() {
    if (this.isDrawPlanned) return;
    this.isDrawPlanned = true;
    requestAnimationFrame(() => {
      this.isDrawPlanned = false;
      const { painting, view, hover } = this;
      if (!painting || !this.canvas.width) return;
      if (this.showsOriginal) return view.draw(painting.original);
      if (this.isDivided) {
        const divider = Number(this.dividerInput.value);
        return view.draw(painting.picture, { original: painting.original, divider });
      }
      const isBrush = this.tool === "brush" || this.tool === "eraser";
      const showsBrush = hover && isBrush && this.isIdle && !this.spaceHeld;
      const brush = showsBrush ? { ...hover, radius: this.sizeInput.value / 2 } : null;
      view.draw(painting.picture, { paint: painting.paint, brush, outline: this.outline });
    });
  }

  // Do something that asks the server; the editor is busy meanwhile, and says what went wrong.
  async ask(work, state = "busy") {
    if (!this.isIdle) return;
    this.setState(state);
    try {
      await work();
      this.setState("ready");
    } catch (error) {
      this.fail(error);
    }
  }

  async openPhoto(file) {
    if (!file || this.state === "busy") return;
    const turn = ++this.opening;
    this.setState("loading");
    this.say("opening", { name: file.name });
    try {
      const path = await this.server.send(file);
      const opened = await this.server.call("open_photo", { path, replaces: this.photo?.photo });
      const image = await loadImage(opened.preview);
      if (turn !== this.opening) return;
      this.photo = opened;
      this.painting = new Painting(image, opened.previewWidth, opened.previewHeight);
      this.view.size = { width: opened.previewWidth, height: opened.previewHeight };
      this.view.fit();
      this.outline = null;
      this.divide(false);
      this.find(".facts").textContent = `${opened.name} · ${opened.width} × ${opened.height}`;
      window.remendSay?.(this.words.join([this.words.say("opened"), ...opened.notes]));
      this.setState("ready");
    } catch (error) {
      if (turn === this.opening) this.fail(error);
    }
  }

  async sendPaint() {
    const { file, left, top } = await this.painting.maskFile();
    return { photo: this.photo.photo, mask: await this.server.send(file), left, top };
  }

  async fill() {
    if (!this.isIdle) return;
    this.addOutline();
    if (!this.painting.hasPaint) return this.say("paint_first");
    this.setState("busy");
    this.say("filling");
    this.job += 1;
    try {
      const { language } = this.words;
      this.trigger("fill", { ...(await this.sendPaint()), job: this.job, language });
    } catch (error) {
      this.fail(error);
    }
  }

  // Called with what Python made of a fill.
  async finishFill(result) {
    window.remendShowProgress?.(true); // hidden while a stopped fill came to its end
    if (!result || result.job !== this.job || this.state !== "busy") return;
    try {
      if (result.error) throw new Refusal(result.error);
      if (!result.stopped) {
        const { patches } = await this.server.call("changes", { photo: this.photo.photo });
        await this.painting.applyPatches(patches);
        this.painting.recordFill(this.isChecked("keep"));
        this.say("filled");
      }
      this.setState("ready");
    } catch (error) {
      this.fail(error);
    }
  }

  async stop() {
    if (this.outline && this.isIdle) {
      this.outline = null;
      return this.redraw();
    }
    if (this.state !== "busy") return;
    const { job } = this;
    try {
      const { stopped } = await this.server.call("stop", { photo: this.photo.photo, job });
      if (!stopped) return; // the fill was faster; its result is on the way
      if (this.state !== "busy" || this.job !== job) return this.say("stopped"); // its end was told before
      window.remendShowProgress?.(false); // the server may still be ending it
      this.job += 1;
      this.say("stopped");
      this.setState("ready");
    } catch (error) {
      this.fail(error);
    }
  }

  // Undo and redo: steps of the paint are taken here, fills are taken back and brought back by the server.
  async step(name) {
    const entry = name === "undo" ? this.painting?.done.at(-1) : this.painting?.undone.at(-1);
    if (!entry) return;
    await this.ask(async () => {
      if (entry.kind === "fill") {
        const { patches } = await this.server.call(name, { photo: this.photo.photo });
        await this.painting.applyPatches(patches);
      }
      this.painting[name]();
      this.say(name === "undo" ? "taken_back" : "brought_back");
    });
  }

  async download() {
    await this.ask(async () => {
      const format = this.find("[data-name=format]").value;
      const { path, name } = await this.server.call("save", { photo: this.photo.photo, format });
      saveAs(this.server.addressOf(path), name);
      this.say("was_made", { name });
    });
  }

  // Hand the photo as it is now to the Upscale tab.
  upscale() {
    if (!this.isIdle) return;
    if (this.outline || this.painting.hasUnfilledPaint) return this.say("fill_first");
    this.trigger("upscale", { photo: this.photo.photo });
  }

  async loadMask() {
    const file = await pickFile("image/*,.tif,.tiff");
    if (!file) return;
    await this.ask(async () => {
      const path = await this.server.send(file);
      const { overlay } = await this.server.call("read_mask_file", { photo: this.photo.photo, path });
      this.painting.addMask(await loadImage(overlay));
      this.say("mask_loaded");
    });
  }

  async saveMask() {
    await this.ask(async () => {
      const { path, name } = await this.server.call("save_mask", await this.sendPaint());
      saveAs(this.server.addressOf(path), name);
      this.say("was_made", { name });
    });
  }

  // Invert the mask, or grow it by some pixels of the photo (shrink it by less than 0).
  async changeMask(change) {
    await this.ask(async () => {
      const message = { ...(await this.sendPaint()), ...change };
      const { overlay } = await this.server.call("change_mask", message);
      this.painting.addMask(await loadImage(overlay), { replaces: true });
      this.say("painted");
    });
  }

  // Lay what looks like damage over the photo as paint; a new sensitivity replaces the last suggestion.
  async suggest() {
    await this.ask(async () => {
      const sensitivity = Number(this.find("[data-name=sensitivity]").value);
      const answer = await this.server.call("suggest", { photo: this.photo.photo, sensitivity });
      const overlay = await loadImage(answer.overlay);
      if (this.painting.done.at(-1)?.suggested) this.painting.undo();
      this.painting.addMask(overlay, { suggested: true });
      this.say(answer.found ? "suggested" : "nothing_suggested");
    });
  }

  clearPaint() {
    if (!this.isIdle) return;
    this.painting.clear();
    this.say("opened");
    this.setState("ready");
  }

  // The end of a stroke or shape.
  finishPainting() {
    this.say(this.painting.hasPaint ? "painted" : "opened");
    this.setState("ready");
    if (this.isChecked("on-release") && this.painting.hasPaint) this.fill();
  }

  // Turn the box or lasso on the stage into paint.
  addOutline(erases = false) {
    if (!this.outline) return;
    if (this.outline.length > 2) this.painting.addShape(this.outline, erases);
    this.outline = null;
    this.setState(this.state);
  }

  choose(tool) {
    this.tool = tool;
    this.outline = null;
    this.setState(this.state);
  }

  resizeBrush(factor) {
    this.sizeInput.value = Math.round(this.sizeInput.value * factor);
    this.redraw();
  }

  showOriginal(isShown) {
    this.showsOriginal = isShown && this.painting !== null;
    this.redraw();
  }

  // Show the original left of a line that can be moved, and the photo as it is now right of it.
  divide(isDivided) {
    this.dividerInput.hidden = !isDivided;
    this.find("[data-do=divide]").setAttribute("aria-pressed", String(isDivided));
    this.redraw();
  }

  fit() {
    this.view.fit();
    this.redraw();
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
}

function listenForButtons(editor) {
  const actions = {
    "#repair-fill": () => editor.fill(),
    "#repair-undo": () => editor.step("undo"),
    "#repair-redo": () => editor.step("redo"),
    "#repair-download": () => editor.download(),
    "#repair-upscale": () => editor.upscale(),
    "[data-do=stop]": () => editor.stop(),
    "[data-do=fit]": () => editor.fit(),
    "[data-do=divide]": () => editor.divide(!editor.isDivided),
    "[data-do=load]": () => editor.loadMask(),
    "[data-do=save]": () => editor.saveMask(),
    "[data-do=invert]": () => editor.changeMask({ invert: true }),
    "[data-do=grow]": () => editor.changeMask({ grow: MASK_STEP }),
    "[data-do=shrink]": () => editor.changeMask({ grow: -MASK_STEP }),
    "[data-do=clear]": () => editor.clearPaint(),
    "[data-do=suggest]": () => editor.suggest(),
  };
  for (const [selector, act] of Object.entries(actions)) editor.find(selector).addEventListener("click", act);
  for (const button of editor.root.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", () => editor.choose(button.dataset.tool));
  }
  editor.sizeInput.addEventListener("input", () => editor.redraw());
  editor.dividerInput.addEventListener("input", () => editor.redraw());
  editor.find("[data-name=sensitivity]").addEventListener("change", () => editor.suggest());

  const original = editor.find("[data-do=original]");
  original.addEventListener("pointerdown", () => editor.showOriginal(true));
  original.addEventListener("keydown", ({ key }) => {
    if (key === " " || key === "Enter") editor.showOriginal(true);
  });
  for (const type of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) {
    original.addEventListener(type, () => editor.showOriginal(false));
  }
}

export function start(host) {
  const editor = new Editor(host);
  listenForButtons(editor);
  listenForFiles(editor);
  listenForPointers(editor);
  listenForKeys(editor);
  new ResizeObserver(() => editor.view.measure() && editor.redraw()).observe(editor.canvas);
  host.watch("result", () => editor.finishFill(host.props.result));
  // What the test of the page and other scripts may use: where a pixel of the photo lies on the page.
  window.remendEditor = {
    toScreen(x, y) {
      const { photo, view } = editor;
      return view.toPage(
        ((x + 0.5) * photo.previewWidth) / photo.width,
        ((y + 0.5) * photo.previewHeight) / photo.height,
      );
    },
  };
  editor.setState("empty");
}
