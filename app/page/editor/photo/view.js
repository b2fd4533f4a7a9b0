// The part of the photo that is seen: zoom, pan, and conversion between the page's pixels and the preview's.
// Positions on the page are those of pointer events (CSS pixels of the viewport).

const MARGIN = 14; // CSS pixels around a photo that is seen whole

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
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

  /**
   * Draw the picture and what lies over it.
   *
   * @param {CanvasImageSource} picture
   * @param {object} over Each may be missing.
   * @param {CanvasImageSource} over.paint
   * @param {{x: number, y: number, radius: number, label: string}} over.brush On the page.
   * @param {[number, number][]} over.outline A closed polygon in the preview's pixels.
   * @param {CanvasImageSource} over.original Shown in place of the picture left of the divider.
   * @param {number} over.divider 0 to 1 across the canvas.
   */
  draw(picture, { paint, brush, outline, original, divider } = {}) {
    const { canvas, context } = this;
    const sharpness = canvas.width / (canvas.getBoundingClientRect().width || 1);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    this.usePreviewPixels(sharpness);
    context.imageSmoothingEnabled = this.zoom * sharpness < 4; // beyond, people want to see pixels
    context.drawImage(picture, 0, 0);
    if (paint) {
      context.globalAlpha = 0.55;
      context.drawImage(paint, 0, 0);
      context.globalAlpha = 1;
    }
    if (original) this.drawOriginal(original, divider, sharpness);
    context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    if (brush) this.drawBrush(brush);
    if (outline) this.drawOutline(outline);
  }

  /** Let what is drawn next have coordinates in the preview's pixels. */
  usePreviewPixels(sharpness) {
    const scale = this.zoom * sharpness;
    this.context.setTransform(scale, 0, 0, scale, this.left * sharpness, this.top * sharpness);
  }

  drawOriginal(original, divider, sharpness) {
    const { canvas, context } = this;
    const across = divider * canvas.width;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(0, 0, across, canvas.height);
    context.clip();
    this.usePreviewPixels(sharpness);
    context.drawImage(original, 0, 0, this.size.width, this.size.height);
    context.restore();
    context.setTransform(1, 0, 0, 1, 0, 0);
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
