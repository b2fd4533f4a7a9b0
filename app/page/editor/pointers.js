// Mouse, pen and fingers on the stage: paint, outline, move the divider, pan, pinch, zoom by wheel.

import { boxOf } from "./keys.js";

// One way to use the pressed pointer: what begins, moves and ends with it. Points are the preview's pixels.
const strokes = {
  begin(editor, point) {
    const radius = editor.sizeInput.value / 2 / editor.view.zoom;
    editor.painting.beginStroke(...point, radius, editor.tool === "eraser");
  },
  move: (editor, point) => editor.painting.extendStroke(...point),
  end(editor) {
    editor.painting.endStroke();
    editor.finishPainting();
  },
  abandon: (editor) => editor.painting.abandonStroke(),
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
    editor.addOutline(event.altKey);
    editor.finishPainting();
  },
  abandon(editor) {
    editor.outline = null;
  },
};
const dividing = {
  begin(editor, point, event) {
    const { left, width } = editor.canvas.getBoundingClientRect();
    editor.dividerInput.value = (event.clientX - left) / width;
  },
  move: (editor, point, event) => dividing.begin(editor, point, event),
  end: () => {},
  abandon: () => {},
};
const panning = {
  begin: () => {},
  move: (editor, point, event, before) => editor.view.pan(event.clientX - before.x, event.clientY - before.y),
  end: () => {},
  abandon: () => {},
};

function wayOf(editor, event) {
  if (event.button === 1 || editor.spaceHeld) return panning;
  if (!editor.isIdle) return null;
  if (editor.isDivided) return dividing;
  return editor.tool === "box" || editor.tool === "lasso" ? outlines : strokes;
}

export function listenForPointers(editor) {
  const { canvas, view } = editor;
  const pointers = new Map();
  let way = null;

  const middle = () => {
    const [one, other] = [...pointers.values()];
    const apart = Math.hypot(one.x - other.x, one.y - other.y);
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!editor.photo || event.button > 1) return;
    event.preventDefault();
    editor.stage.focus({ preventScroll: true });
    editor.setFocusedByPointer(true);
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pointers.size === 1) {
      way = wayOf(editor, event);
      way?.begin(editor, view.toPreview(event.clientX, event.clientY), event);
    } else {
      way?.abandon(editor); // the second finger makes it a pinch
      way = null;
    }
    editor.redraw();
  });

  canvas.addEventListener("pointermove", (event) => {
    editor.hover = event.pointerType === "touch" ? null : { x: event.clientX, y: event.clientY };
    const before = pointers.get(event.pointerId);
    if (before) {
      const together = event.getCoalescedEvents?.() ?? [];
      for (const { clientX, clientY } of way && way !== panning && together.length ? together : [event]) {
        way?.move(editor, view.toPreview(clientX, clientY), event, before);
      }
      const from = !way && pointers.size === 2 ? middle() : null;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (from) {
        const to = middle();
        view.zoomAt(from.x, from.y, to.apart / (from.apart || 1));
        view.pan(to.x - from.x, to.y - from.y);
      }
    }
    editor.redraw();
  });

  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === "pointercancel") way?.abandon(editor);
    else way?.end(editor, event);
    way = null; // after a pinch the finger that stays does nothing
    editor.redraw();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    editor.hover = null;
    editor.redraw();
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!editor.photo) return;
      event.preventDefault();
      view.zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)));
      editor.redraw();
    },
    { passive: false },
  );
}
