// The preview and the paint over it, drawn from their history. Coordinates are the preview's pixels.

import { History } from "./history.js";

const PAINT = "#ff2d6f";
const GRID_PX = 64; // of the shorter side, on which holes are measured
const MOST_GRID_PX = 1024;
const LARGE_SHARE = 0.2; // of the shorter side: a square of paint as large as a face in a portrait
const CLICK_PX = 3; // how far a pointer may move in a click, in pixels of the preview

function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

export class Painting extends History {
  /**
   * @param {ImageBitmap | null} image The photo's preview; null where only the paint is wanted.
   * @param {number} width Of the preview.
   * @param {number} height
   */
  constructor(image, width, height) {
    super();
    this.original = image;
    this.size = { width, height };
    this.canvas = null; // the picture, once it differs from the original
    this.paint = null; // a canvas, once something was painted
    this.stroke = null; // the one that is being painted, which is not in `paint` yet
    this.looks = 0; // grows when picture or paint look different, but for the stroke
  }

  /** The photo as it is now. */
  get picture() {
    return this.canvas ?? this.original;
  }

  /** Draw over the picture. */
  changePicture(image, x, y) {
    const { original, size } = this;
    if (!this.canvas) {
      this.canvas = makeCanvas(size.width, size.height);
      this.canvas.getContext("2d").drawImage(original, 0, 0);
    }
    this.canvas.getContext("2d").drawImage(image, x, y);
    this.looks += 1;
  }

  /** Free the memory of a painting that is not shown any more. */
  release() {
    this.original?.close();
    for (const canvas of [this.canvas, this.paint]) if (canvas) canvas.width = 0;
  }

  /** Begin a change of the paint: it looks different from now on. Gives what draws on it. */
  beginPaint() {
    this.looks += 1;
    this.paint ??= makeCanvas(this.size.width, this.size.height);
    return this.paint.getContext("2d");
  }

  beginStroke(x, y, radius, erases) {
    this.stroke = { kind: "stroke", erases, radius, points: [[x, y]] };
  }

  extendStroke(x, y) {
    this.stroke.points.push([x, y]);
  }

  /** Record the stroke; one that stays outside of the photo is no paint. */
  endStroke() {
    const { stroke } = this;
    this.stroke = null;
    this.looks += 1;
    if (!stroke || !this.touches(stroke)) return;
    drawStroke(this.beginPaint(), stroke, 0);
    this.record(stroke);
  }

  touches({ radius, points }) {
    const { width, height } = this.size;
    const isNear = ([x, y], at) => {
      const [left, top] = points[Math.max(at - 1, 0)];
      const isBeside = Math.max(x, left) < -radius || Math.min(x, left) > width + radius;
      return !isBeside && Math.max(y, top) >= -radius && Math.min(y, top) <= height + radius;
    };
    return points.some(isNear);
  }

  cancelStroke() {
    this.stroke = null;
    this.looks += 1;
  }

  /** The stroke that was painted, without recording it; null where the pointer moved. */
  takeClick() {
    const { stroke } = this;
    const [[left, top]] = stroke.points;
    if (stroke.points.some(([x, y]) => Math.hypot(x - left, y - top) > CLICK_PX)) return null;
    this.cancelStroke();
    return stroke;
  }

  addStroke(stroke) {
    this.record(stroke);
    this.repaint();
  }

  /** Paint a closed polygon, or erase the paint in it. */
  addShape(points, erases) {
    if (!this.touches({ radius: 0, points: [...points, points[0]] })) return;
    this.record({ kind: "shape", points, erases });
  }

  /** Add a mask, which the server knows by a number, to the paint, or replace the paint by it. */
  addMask(overlay, number, { replaces = false, suggested = false, erases = false } = {}) {
    this.record({ kind: "mask", overlay, number, startsAnew: replaces, suggested, erases });
  }

  /** Draw the paint anew, as the history has it. */
  repaint() {
    if (!this.paint && this.layers.length === 0) return;
    const context = this.beginPaint();
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, this.size.width, this.size.height);
    for (const entry of this.layers) {
      if (entry.kind === "mask") this.drawMask(context, entry);
      else if (entry.kind === "shape") drawShape(context, entry);
      else drawStroke(context, entry, 0);
    }
  }

  drawMask(paint, { overlay, erases }) {
    const { width, height } = this.size;
    const tinted = makeCanvas(width, height);
    const context = tinted.getContext("2d");
    context.drawImage(overlay, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = PAINT;
    context.fillRect(0, 0, width, height);
    paint.globalCompositeOperation = erases ? "destination-out" : "source-over";
    paint.drawImage(tinted, 0, 0);
  }

  /** The rectangle outside which nothing is painted: [left, top, width, height]. */
  get bounds() {
    const { width, height } = this.size;
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (const { kind, erases, radius = 0, points } of this.layers) {
      if (kind === "mask") return [0, 0, width, height];
      for (const [x, y] of erases ? [] : points) {
        left = Math.min(left, x - radius - 1);
        top = Math.min(top, y - radius - 1);
        right = Math.max(right, x + radius + 1);
        bottom = Math.max(bottom, y + radius + 1);
      }
    }
    const clamp = (value, limit) => Math.min(Math.max(Math.floor(value), 0), limit);
    const [first, upper] = [clamp(left, width - 1), clamp(top, height - 1)];
    const across = Math.max(clamp(right + 1, width) - first, 1);
    return [first, upper, across, Math.max(clamp(bottom + 1, height) - upper, 1)];
  }

  /** Whether something is painted so thickly that a fill can only guess: not scratches, however many. */
  get hasLargeHole() {
    if (!this.paint) return false;
    const { width, height } = this.size;
    const factor = GRID_PX / Math.min(width, height);
    const [across, down] = [width, height].map((side) => Math.min(MOST_GRID_PX, Math.round(side * factor)));
    const context = makeCanvas(across, down).getContext("2d", { willReadFrequently: true });
    context.drawImage(this.paint, 0, 0, across, down);
    const { data } = context.getImageData(0, 0, across, down);
    // The side of the largest painted square whose last corner each pixel is.
    let above = new Uint16Array(across + 1);
    for (let y = 0; y < down; y += 1) {
      const row = new Uint16Array(across + 1);
      for (let x = 1; x <= across; x += 1) {
        if (data[4 * (y * across + x) - 1] < 128) continue;
        row[x] = 1 + Math.min(row[x - 1], above[x], above[x - 1]);
        if (row[x] >= LARGE_SHARE * GRID_PX) return true;
      }
      above = row;
    }
    return false;
  }

  /** The painted rectangle as a PNG file, white where there is paint, else black; and where it lies. */
  async maskFile() {
    const [left, top, width, height] = this.bounds;
    const mask = makeCanvas(width, height);
    const context = mask.getContext("2d");
    if (this.paint) context.drawImage(this.paint, -left, -top);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    const blob = await new Promise((resolve) => mask.toBlob(resolve, "image/png"));
    return { file: new File([blob], "mask.png", { type: "image/png" }), left, top };
  }

  /** @param {{x: number, y: number, image: string}[]} patches Changed rectangles of the preview. */
  async applyPatches(patches) {
    const images = await Promise.all(patches.map((patch) => loadImage(patch.image)));
    for (const [index, { x, y }] of patches.entries()) this.changePicture(images[index], x, y);
  }
}

/** Draw a stroke from one of its points on, in the preview's pixels. */
export function drawStroke(context, { erases, radius, points }, first) {
  context.globalCompositeOperation = erases ? "destination-out" : "source-over";
  context.strokeStyle = PAINT;
  context.lineWidth = 2 * radius;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...points[first]);
  for (const point of points.slice(first)) context.lineTo(...point);
  context.stroke();
}

function drawShape(context, { erases, points }) {
  context.globalCompositeOperation = erases ? "destination-out" : "source-over";
  context.fillStyle = PAINT;
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.fill();
}

/** The corners of a box between two opposite ones. */
export function boxOf([left, top], [right, bottom]) {
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

/**
 * The painting of a photo that the server has opened.
 *
 * @param {object} opened What it says of the photo.
 * @param {ImageBitmap} image The preview of the photo as it came.
 * @param {{current, done, undone} | undefined} before What was done to it.
 */
export function makePainting(opened, image, before) {
  const painting = new Painting(image, opened.previewWidth, opened.previewHeight);
  if (before?.current) painting.changePicture(before.current, 0, 0);
  if (before) painting.takeOver(before, opened.fills);
  return painting;
}

/** Load a picture from its address, ready to be drawn. */
export async function loadImage(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Load the preview of a photo from its data URL; it is decoded beside the page, which goes on answering meanwhile. */
export function loadPreview(address) {
  const [head, text] = address.split(",");
  // Fetching the address would take longer, and an image element forgets what it has decoded.
  const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (byte) => byte.codePointAt(0));
  return createImageBitmap(new Blob([bytes], { type: head.slice(5, head.indexOf(";")) }));
}
