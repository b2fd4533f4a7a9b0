// The part of the photo that is seen: zoom, pan, and conversion between the page's pixels and the preview's.
// Positions on the page are those of pointer events (CSS pixels of the viewport).

import { Layer } from "./layer.js";

const PAINT_OPACITY = 0.55;
const MARGIN = 14; // CSS pixels around a photo that is seen whole

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.layers = { picture: new Layer(), paint: new Layer(), original: new Layer() };
    this.size = { width: 1, height: 1 }; // of the preview
    this.zoom = 1; // CSS pixels per pixel of the preview
    this.left = 0; // where the preview's corner lies in the canvas, in CSS pixels
    this.top = 0;
    this.isFitted = true;
  }

  /** Match the canvas's size on the page; false while it has none (another tab is open). */
  measure() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !height) return false;
    const sharpness = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * sharpness);
    this.canvas.height = Math.round(height * sharpness);
    if (this.isFitted) this.fit();
    return true;
  }

  clear() {
    this.canvas.width = Math.max(1, this.canvas.width); // setting it empties the canvas
    for (const layer of Object.values(this.layers)) layer.clear();
  }

  fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const room = Math.min(width, height) > 400 ? 2 * MARGIN : 0; // a small screen has none to give away
    this.zoom = Math.min((width - room) / this.size.width, (height - room) / this.size.height, 8) || 1;
    this.left = (width - this.size.width * this.zoom) / 2;
    this.top = (height - this.size.height * this.zoom) / 2;
    this.isFitted = true;
  }

  /** Zoom by a factor; the point of the photo under (x, y) stays where it is. */
  zoomAt(x, y, factor) {
    const box = this.canvas.getBoundingClientRect();
    const whole = Math.min(box.width / this.size.width, box.height / this.size.height);
    const zoom = Math.min(32, Math.max(Math.min(1, whole) / 2, this.zoom * factor));
    const ratio = zoom / this.zoom;
    this.left = x - box.left - (x - box.left - this.left) * ratio;
    this.top = y - box.top - (y - box.top - this.top) * ratio;
    this.zoom = zoom;
    this.isFitted = false;
  }

  pan(across, down) {
    this.left += across;
    this.top += down;
    this.isFitted = false;
  }

  /** The preview's pixel at a point of the page: [x, y]. */
  toPreview(x, y) {
    const box = this.canvas.getBoundingClientRect();
    return [(x - box.left - this.left) / this.zoom, (y - box.top - this.top) / this.zoom];
  }

  /** The point of the page at a pixel of the preview: {x, y}. */
  toPage(x, y) {
    const box = this.canvas.getBoundingClientRect();
    return { x: box.left + this.left + x * this.zoom, y: box.top + this.top + y * this.zoom };
  }

  /** Pixels of the canvas to one of CSS. */
  get sharpness() {
    return this.canvas.width / (this.canvas.getBoundingClientRect().width || 1);
  }

  /**
   * Draw a photo and what lies over it.
   *
   * @param {import("./painting.js").Painting} painting
   * @param {object} over
   * @param {"original" | "divided" | "painted"} over.as The photo as it came, both states, or the paint over it.
   * @param {number} over.divider 0 to 1 across the canvas: left of it is the original.
   * @param {{x: number, y: number, radius: number, label: string}} over.brush On the page; may be missing.
   * @param {[number, number][]} over.outline A closed polygon in the preview's pixels; may be missing.
   */
  draw(painting, { as, divider, brush, outline }) {
    const { canvas, context, layers, sharpness } = this;
    const { original, picture, paint, stroke } = painting;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    layers.picture.show(this, painting, as === "original" ? original : picture);
    context.drawImage(layers.picture.canvas, 0, 0);
    if (as === "divided") this.drawOriginal(painting, divider * canvas.width);
    if (as !== "painted") return;
    if (paint || stroke) {
      layers.paint.show(this, painting, paint);
      if (stroke) layers.paint.addStroke(stroke);
      context.globalAlpha = PAINT_OPACITY;
      context.drawImage(layers.paint.canvas, 0, 0);
      context.globalAlpha = 1;
    }
    context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    if (brush) this.drawBrush(brush);
    if (outline) this.drawOutline(outline);
  }

  /** Let what is drawn next have coordinates in the preview's pixels. */
  usePreviewPixels(context) {
    const { sharpness } = this;
    const scale = this.zoom * sharpness;
    context.setTransform(scale, 0, 0, scale, this.left * sharpness, this.top * sharpness);
  }

  drawOriginal(painting, across) {
    const { canvas, context, sharpness } = this;
    const layer = this.layers.original;
    layer.show(this, painting, painting.original);
    context.save();
    context.beginPath();
    context.rect(0, 0, across, canvas.height);
    context.clip();
    context.clearRect(0, 0, across, canvas.height);
    context.drawImage(layer.canvas, 0, 0);
    context.restore();
    this.strokeTwice(() => context.strokeRect(across, -9, 0, canvas.height + 18), sharpness);
  }

  drawBrush({ x, y, radius, label }) {
    const box = this.canvas.getBoundingClientRect();
    const { context } = this;
    const [left, top] = [x - box.left, y - box.top];
    context.beginPath();
    context.arc(left, top, radius, 0, 2 * Math.PI);
    this.strokeTwice(() => context.stroke());
    if (!label) return;
    context.font = "600 15px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = "#000c";
    context.strokeText(label, left, top);
    context.fillStyle = "#fff";
    context.fillText(label, left, top);
  }

  drawOutline(points) {
    this.context.beginPath();
    for (const [x, y] of points) this.context.lineTo(this.left + x * this.zoom, this.top + y * this.zoom);
    this.context.closePath();
    this.strokeTwice(() => this.context.stroke());
  }

  /** Dark and broad, then light and narrow, so that one of them shows on any background. */
  strokeTwice(stroke, sharpness = 1) {
    for (const [colour, width] of [["#000a", 3], ["#fff", 1.2]]) {
      this.context.strokeStyle = colour;
      this.context.lineWidth = width * sharpness;
      stroke();
    }
  }
}
