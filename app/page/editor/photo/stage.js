// What the stage shows of the open photo: how near, compared with what, with which ring of the brush.

import { showRing } from "../shell/dials.js";
import { View } from "./view.js";

export class Stage {
  constructor(element) {
    this.root = element;
    this.stage = this.find(".stage");
    this.canvas = this.find("canvas");
    this.sizeInput = this.find("#repair-size");
    this.dividerInput = this.find(".divider");
    this.zoomOutput = this.find(".zoom");
    this.view = new View(this.canvas);
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

  get isDivided() {
    return !this.dividerInput.hidden;
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
    const { painting, view, zoomOutput } = this;
    const divider = Number(this.dividerInput.value);
    const as = this.showsOriginal ? "original" : this.isDivided ? "divided" : "painted";
    view.draw(painting, { as, divider, brush: this.ring, outline: this.outline });
    const percent = Math.round(view.zoom * this.previewScale * 100);
    const told = this.messages.format("in_percent", { count: percent });
    if (zoomOutput.textContent !== told) zoomOutput.textContent = told; // writing it would lay the page out anew
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

  /** Give the keys to the photo, after the pointer was used. */
  focusStage() {
    this.stage.focus({ preventScroll: true });
    this.setFocusedByPointer(true);
  }

  /** Whether what the lasso circles shall be cut out along its own edge. */
  get snaps() {
    return this.find("[data-do=snap]").ariaPressed === "true";
  }

  snapTo(isOn) {
    this.find("[data-do=snap]").ariaPressed = String(isOn);
    if (isOn) this.chooseTool("lasso");
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
