// The window onto the photo: zoom, pan, and the steps between the page's pixels and the preview's.
// Positions on the page are those of pointer events (CSS pixels of the viewport).

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

  // Take over the canvas's place on the page; false while it has none (another tab is open).
  measure() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !height) return false;
    const sharpness = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * sharpness);
    this.canvas.height = Math.round(height * sharpness);
    if (this.isFitted) this.fit();
    return true;
  }

  fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.zoom = Math.min(width / this.size.width, height / this.size.height, 8) || 1;
    this.left = (width - this.size.width * this.zoom) / 2;
    this.top = (height - this.size.height * this.zoom) / 2;
    this.isFitted = true;
  }

  // Zoom by a factor; the point of the photo under (x, y) stays where it is.
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

  toPreview(x, y) {
    const box = this.canvas.getBoundingClientRect();
    return [(x - box.left - this.left) / this.zoom, (y - box.top - this.top) / this.zoom];
  }

  toPage(x, y) {
    const box = this.canvas.getBoundingClientRect();
    return { x: box.left + this.left + x * this.zoom, y: box.top + this.top + y * this.zoom };
  }

  // Draw the picture and what lies over it: {paint, brush, outline, original, divider}, each may be missing.
  // Left of the divider (0 to 1 across the canvas) the original is shown in place of the picture.
  draw(picture, { paint, brush, outline, original, divider } = {}) {
    const context = this.context;
    const sharpness = this.canvas.width / (this.canvas.getBoundingClientRect().width || 1);
    const scale = this.zoom * sharpness;
    const toPhoto = () => context.setTransform(scale, 0, 0, scale, this.left * sharpness, this.top * sharpness);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    toPhoto();
    context.imageSmoothingEnabled = scale < 4; // beyond, people want to see pixels
    context.drawImage(picture, 0, 0);
    if (paint) {
      context.globalAlpha = 0.55;
      context.drawImage(paint, 0, 0);
      context.globalAlpha = 1;
    }
    if (original) {
      const across = divider * this.canvas.width;
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.beginPath();
      context.rect(0, 0, across, this.canvas.height);
      context.clip();
      toPhoto();
      context.drawImage(original, 0, 0, this.size.width, this.size.height);
      context.restore();
      context.setTransform(1, 0, 0, 1, 0, 0);
      this.twice(() => context.strokeRect(across, -9, 0, this.canvas.height + 18), sharpness);
    }
    context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    if (brush) this.drawBrush(brush);
    if (outline) this.drawOutline(outline);
  }

  drawBrush({ x, y, radius }) {
    const box = this.canvas.getBoundingClientRect();
    this.context.beginPath();
    this.context.arc(x - box.left, y - box.top, radius, 0, 2 * Math.PI);
    this.twice(() => this.context.stroke());
  }

  drawOutline(points) {
    this.context.beginPath();
    for (const [x, y] of points) this.context.lineTo(this.left + x * this.zoom, this.top + y * this.zoom);
    this.context.closePath();
    this.twice(() => this.context.stroke());
  }

  // Dark and broad, then light and narrow, so that one of them shows on any ground.
  twice(stroke, sharpness = 1) {
    for (const [colour, width] of [["#000a", 3], ["#fff", 1.2]]) {
      this.context.strokeStyle = colour;
      this.context.lineWidth = width * sharpness;
      stroke();
    }
  }
}
