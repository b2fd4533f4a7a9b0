// Where the Upscale tab looks at a photo, and what is painted to be kept out of the enhancement.
//
// Strokes have the photo's pixels. They go to the server as the component's value, with every job; Python reads them
// in app/page/upscaling/kept_out.py.

import { Messages } from "../messages.js";

const PAINT = "#ff2d6f";
const STEP = 0.3; // of the brush's radius: points nearer than this say nothing new
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Place {
  /** @param host What Gradio gives a component: {element, props, trigger, watch}. */
  constructor({ element, props, trigger, watch }) {
    this.root = element;
    this.props = props;
    this.trigger = trigger;
    this.messages = new Messages(props.messages);
    this.messages.fillTemplate(element);
    [this.easel, this.image, this.canvas, this.ring, this.frame, this.choice, this.size] = [
      ".easel", "img", "canvas", ".ring", ".frame", ".choice", "#keep-size",
    ].map((name) => element.querySelector(name));
    this.mode = "look"; // or "keep", "erase"
    this.strokes = {}; // by path of the photo
    this.stroke = null; // the one that is being painted
    this.at = null; // where the ring is, in the photo's pixels
    this.listen();
    watch("shown", () => this.show());
    watch("frame", () => this.placeFrame());
    this.show();
  }

  get own() {
    return (this.strokes[this.props.shown.path] ??= []);
  }

  /** Half the brush in pixels of the photo; where a large screen zooms the tab, the brush is zoomed, too. */
  get radius() {
    return ((this.size.value / 2) * this.props.shown.width) / (this.image.offsetWidth || 1);
  }

  listen() {
    const { root, easel } = this;
    for (const button of root.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => this.choose(button.dataset.mode));
    }
    root.querySelector("[data-do=undo]").addEventListener("click", () => this.change(() => this.own.pop()));
    root.querySelector("[data-do=clear]").addEventListener("click", () => this.change(() => (this.own.length = 0)));
    this.size.addEventListener("input", () => this.tellSize());
    this.choice.addEventListener("change", () => this.turn());
    easel.addEventListener("pointerdown", (event) => this.press(event));
    easel.addEventListener("pointermove", (event) => this.move(event));
    easel.addEventListener("pointerup", () => this.release());
    easel.addEventListener("pointercancel", () => this.drop());
    easel.addEventListener("pointerleave", () => this.stroke || this.moveRing(null));
    easel.addEventListener("click", (event) => this.mode === "look" && this.look(this.pointOf(event)));
    easel.addEventListener("keydown", (event) => this.pressKey(event));
    this.image.addEventListener("load", () => this.draw());
    this.tellSize();
  }

  /** Show the photo that the server has chosen, with what is painted on it. */
  show() {
    const { shown } = this.props;
    this.stroke = null;
    this.easel.classList.toggle("empty", !shown);
    if (!shown) return;
    const paths = new Set(shown.photos.map(({ path }) => path));
    for (const path of Object.keys(this.strokes)) if (!paths.has(path)) delete this.strokes[path];
    this.easel.style.setProperty("--ratio", shown.width / shown.height);
    this.image.src = shown.image;
    this.image.alt = shown.name;
    this.choice.replaceChildren(...shown.photos.map(({ path, name }) => new Option(name, path)));
    this.choice.value = shown.path;
    this.choice.hidden = shown.photos.length < 2;
    this.placeFrame();
    this.tell();
  }

  /** Another photo of the list shall be shown. */
  turn() {
    this.props.value = { looked: this.choice.value, strokes: this.strokes };
    this.trigger("turn");
  }

  placeFrame() {
    const { shown, frame } = this.props;
    if (!shown) return;
    const { width, height, part } = shown;
    const [across, down] = frame ?? [0.5, 0.5];
    const [wide, tall] = [Math.min(part, width), Math.min(part, height)];
    const percent = (share) => `${100 * share}%`;
    Object.assign(this.frame.style, {
      left: percent((across * (width - wide)) / width),
      top: percent((down * (height - tall)) / height),
      width: percent(wide / width),
      height: percent(tall / height),
    });
  }

  choose(mode) {
    this.mode = mode;
    this.easel.classList.toggle("paints", mode !== "look");
    for (const button of this.root.querySelectorAll("[data-mode]")) {
      button.ariaPressed = String(button.dataset.mode === mode);
    }
    this.moveRing(null);
  }

  tellSize() {
    const count = this.size.value;
    this.root.querySelector("output").textContent = this.messages.format("in_pixels", { count });
    this.size.setAttribute("aria-valuetext", this.messages.format("spoken_pixels", { count }));
    this.moveRing(this.at);
  }

  /** The photo's pixel under the pointer: [x, y]. */
  pointOf({ clientX, clientY }) {
    const { left, top, width } = this.image.getBoundingClientRect();
    const scale = this.props.shown.width / (width || 1);
    return [(clientX - left) * scale, (clientY - top) * scale].map((value) => Math.round(value * 10) / 10);
  }

  look([x, y]) {
    this.trigger("look", { x, y });
  }

  press(event) {
    if (this.mode === "look" || event.button !== 0 || !this.props.shown) return;
    event.preventDefault();
    this.easel.focus({ preventScroll: true });
    this.easel.setPointerCapture(event.pointerId);
    this.begin(this.pointOf(event));
  }

  begin(point) {
    const radius = Math.max(0.5, this.radius);
    this.stroke = { radius, erases: this.mode === "erase", points: [point] };
    this.draw();
  }

  move(event) {
    if (this.mode === "look") return;
    if (event.pointerType !== "touch") this.moveRing(this.pointOf(event));
    if (!this.stroke) return;
    for (const step of event.getCoalescedEvents?.() ?? [event]) {
      const [x, y] = this.pointOf(step);
      const [before, above] = this.stroke.points.at(-1);
      if (Math.hypot(x - before, y - above) >= STEP * this.stroke.radius) this.stroke.points.push([x, y]);
    }
    this.draw();
  }

  release() {
    const { stroke } = this;
    this.stroke = null;
    if (stroke) this.change(() => this.own.push(stroke));
  }

  drop() {
    this.stroke = null;
    this.draw();
  }

  /** Without a pointer: arrows move the brush, Space paints where it is. */
  pressKey(event) {
    const { shown } = this.props;
    const step = ARROWS[event.key];
    if (this.mode === "look" || !shown || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!step && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = this.at ?? [shown.width / 2, shown.height / 2];
    if (step) {
      const far = this.radius;
      const within = (value, most) => Math.min(Math.max(value, 0), most);
      this.moveRing([within(x + step[0] * far, shown.width), within(y + step[1] * far, shown.height)]);
    } else {
      this.begin([x, y]);
      this.release();
    }
  }

  moveRing(point) {
    this.at = point;
    this.ring.hidden = !point || this.mode === "look";
    if (!point) return;
    const { width, height } = this.props.shown;
    const side = `${this.size.value}px`;
    const [left, top] = [`${(100 * point[0]) / width}%`, `${(100 * point[1]) / height}%`];
    Object.assign(this.ring.style, { left, top, width: side, height: side });
  }

  /** Change the strokes, and let the server know. */
  change(work) {
    work();
    this.tell();
    this.trigger("painted");
  }

  tell() {
    this.props.value = { looked: this.props.shown.path, strokes: structuredClone(this.strokes) };
    for (const name of ["undo", "clear"]) {
      this.root.querySelector(`[data-do=${name}]`).disabled = this.own.length === 0;
    }
    this.draw();
  }

  draw() {
    const { canvas, image } = this;
    canvas.width = image.naturalWidth || 1;
    canvas.height = image.naturalHeight || 1;
    if (!this.props.shown) return;
    const factor = canvas.width / this.props.shown.width;
    const context = canvas.getContext("2d");
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = PAINT;
    for (const { radius, erases, points } of [...this.own, ...(this.stroke ? [this.stroke] : [])]) {
      context.globalCompositeOperation = erases ? "destination-out" : "source-over";
      context.lineWidth = 2 * radius * factor;
      context.beginPath();
      context.moveTo(points[0][0] * factor, points[0][1] * factor);
      for (const [x, y] of points) context.lineTo(x * factor, y * factor);
      context.stroke();
    }
  }
}
