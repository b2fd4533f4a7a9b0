// Mouse, pen and fingers on the stage: paint, outline, move the divider, pan, pinch, zoom by wheel.

import { snapOutline, tracePiece } from "../masks.js";
import { boxOf } from "./painting.js";

// A gesture says what happens when the pointer is pressed, moved and released, and when the gesture is cancelled.
// Points are the preview's pixels.
const strokes = {
  begin(editor, point) {
    const radius = editor.sizeInput.value / 2 / editor.view.zoom;
    editor.painting.beginStroke(...point, radius, editor.tool === "eraser");
  },
  move(editor, point) {
    editor.painting.extendStroke(...point);
  },
  end(editor) {
    const dab = editor.painting.isSuggestion && editor.painting.stroke ? editor.painting.takeClick() : null;
    if (dab) {
      tracePiece(editor, dab.points[0], dab);
      return;
    }
    editor.painting.endStroke();
    editor.finishPainting();
  },
  cancel(editor) {
    editor.painting.cancelStroke();
  },
};
const outlines = {
  begin(editor, point) {
    editor.outline = [point];
    editor.corner = point;
  },
  move(editor, point) {
    if (editor.tool === "box") editor.outline = boxOf(editor.corner, point);
    else editor.outline.push(point);
  },
  end(editor, event) {
    if (editor.tool === "lasso" && editor.snaps) {
      snapOutline(editor, event.altKey);
      return;
    }
    editor.addOutline(event.altKey);
    editor.finishPainting();
  },
  cancel(editor) {
    editor.outline = null;
  },
};
const dividing = {
  begin(editor, _point, event) {
    const { left, width } = editor.canvas.getBoundingClientRect();
    editor.dividerInput.value = (event.clientX - left) / width;
  },
  move: (editor, point, event) => dividing.begin(editor, point, event),
};
const panning = {
  move(editor, _point, event, before) {
    editor.view.pan(event.clientX - before.x, event.clientY - before.y);
  },
};

function chooseGesture(editor, event) {
  if (event.button === 1 || editor.spaceHeld) return panning;
  if (!editor.isIdle) return null;
  if (editor.isDivided) return dividing;
  return editor.tool === "box" || editor.tool === "lasso" ? outlines : strokes;
}

/** The pressed pointers and the gesture they make. */
class Pointers {
  constructor(editor) {
    this.editor = editor;
    this.pressed = new Map(); // where each pointer was last, by its id
    this.gesture = null; // none while two fingers pinch
  }

  press(event) {
    const { editor } = this;
    if (!editor.photo || event.button > 1) return;
    event.preventDefault();
    editor.focusStage();
    editor.canvas.setPointerCapture(event.pointerId);
    this.pressed.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pressed.size === 1) {
      this.gesture = chooseGesture(editor, event);
      this.gesture?.begin?.(editor, editor.view.toPreview(event.clientX, event.clientY), event);
    } else {
      this.gesture?.cancel?.(editor); // the second finger makes it a pinch
      this.gesture = null;
    }
    editor.redraw();
  }

  move(event) {
    const { editor, pressed } = this;
    const point = { x: event.clientX, y: event.clientY };
    editor.hover = event.pointerType === "touch" ? null : point;
    const before = pressed.get(event.pointerId);
    if (before && !this.gesture && pressed.size === 2) {
      this.pinch(event.pointerId, point);
    } else if (before) {
      for (const { clientX, clientY } of this.stepsOf(event)) {
        this.gesture?.move(editor, editor.view.toPreview(clientX, clientY), event, before);
      }
      pressed.set(event.pointerId, point);
    }
    editor.redraw();
  }

  /** The moves that the browser has put together into one event; a stroke wants them all. */
  stepsOf(event) {
    const steps = event.getCoalescedEvents?.() ?? [];
    return this.gesture && this.gesture !== panning && steps.length > 0 ? steps : [event];
  }

  /** Zoom and pan as one of two fingers moves. */
  pinch(pointerId, point) {
    const from = this.fingers;
    this.pressed.set(pointerId, point);
    const to = this.fingers;
    this.editor.view.zoomAt(from.x, from.y, to.distance / (from.distance || 1));
    this.editor.view.pan(to.x - from.x, to.y - from.y);
  }

  /** Where two fingers have their middle, and how far they are from each other. */
  get fingers() {
    const [one, other] = [...this.pressed.values()];
    const distance = Math.hypot(one.x - other.x, one.y - other.y);
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, distance };
  }

  release(event) {
    if (!this.pressed.delete(event.pointerId)) return;
    if (event.type === "pointercancel") this.gesture?.cancel?.(this.editor);
    else this.gesture?.end?.(this.editor, event);
    this.gesture = null; // after a pinch the finger that stays does nothing
    this.editor.redraw();
  }
}

const FLING_MS = 300; // two fingers on a touchpad go on scrolling for so long, at last by whole steps
let lastScroll = -FLING_MS;

/** A touchpad scrolls in small or slanting steps, a wheel in steps of 100 or of lines. */
function isTouchpad({ deltaMode, deltaX, deltaY, timeStamp }) {
  const isSmall = deltaMode === 0 && (deltaX !== 0 || Math.abs(deltaY) < 50 || !Number.isInteger(deltaY));
  if (isSmall) lastScroll = timeStamp;
  return timeStamp - lastScroll < FLING_MS;
}

/** Two fingers pan; a pinch, which comes with Ctrl, and a wheel zoom. */
function moveByWheel(editor, event) {
  if (!editor.photo) return;
  event.preventDefault();
  const { view } = editor;
  const lines = event.deltaMode === 0 ? 1 : 33;
  if (!event.ctrlKey && (event.shiftKey || isTouchpad(event))) {
    const [across, down] = [event.deltaX * lines, event.deltaY * lines];
    if (event.shiftKey && across === 0) view.pan(-down, 0);
    else view.pan(-across, -down);
  } else {
    const isWheel = Math.abs(event.deltaY * lines) >= 50;
    const speed = event.ctrlKey && !isWheel ? 0.01 : 0.0015;
    view.zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY * lines * speed));
  }
  editor.redraw();
}

export function listenForPointers(editor) {
  const { canvas } = editor;
  const pointers = new Pointers(editor);
  canvas.addEventListener("pointerdown", (event) => pointers.press(event));
  canvas.addEventListener("pointermove", (event) => pointers.move(event));
  canvas.addEventListener("pointerup", (event) => pointers.release(event));
  canvas.addEventListener("pointercancel", (event) => pointers.release(event));
  canvas.addEventListener("pointerleave", () => {
    editor.hover = null;
    editor.redraw();
  });
  canvas.addEventListener("wheel", (event) => moveByWheel(editor, event), { passive: false });
}
