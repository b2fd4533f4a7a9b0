// What is seen of a photo, or of the paint on it, at the size of the screen: drawn anew only where something has
// changed. So painting costs the same on a photo of any size, and the paint's own pixels rest during a stroke.

import { drawStroke } from "./painting.js";

export class Layer {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d");
    this.clear();
  }

  /** Forget what it shows. */
  clear() {
    this.canvas.width = this.canvas.height = 1;
    this.shows = []; // the painting, its source, and where
    this.points = 0; // how many of the stroke that is being painted are drawn
  }

  /**
   * Show a picture as the view has it.
   *
   * @param {import("./view.js").View} view
   * @param {import("./painting.js").Painting} painting Whose picture it is.
   * @param {CanvasImageSource | null} source Null = nothing.
   */
  show(view, painting, source) {
    const { canvas, context } = this;
    const { width, height } = view.canvas;
    const wanted = [painting, source, painting.looks, view.zoom, view.left, view.top, width, height];
    if (wanted.every((value, at) => value === this.shows[at])) return;
    this.shows = wanted;
    this.points = 0;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, width, height);
    view.usePreviewPixels(context);
    context.imageSmoothingEnabled = view.zoom * view.sharpness < 4; // beyond, people want to see pixels
    if (source) context.drawImage(source, 0, 0);
  }

  /** Draw what is new of a stroke that is being painted. */
  addStroke(stroke) {
    const { length } = stroke.points;
    if (this.points < length) drawStroke(this.context, stroke, Math.max(this.points - 1, 0));
    this.points = length;
  }
}
