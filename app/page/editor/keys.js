// The keyboard. It reaches everything but painting by hand, for which a box that the arrow keys move stands in.

import { fill, step, stop } from "./fills.js";
import { boxOf } from "./painting.js";

const TOOLS = { b: "brush", e: "eraser", r: "box", l: "lasso" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STAGE_KEYS = {
  Enter: fill,
  m: (editor) => editor.isIdle && editor.addOutline(),
  M: (editor) => editor.isIdle && editor.addOutline(true),
  "+": (editor) => editor.zoomBy(1.25),
  "-": (editor) => editor.zoomBy(0.8),
  0: (editor) => editor.fit(),
  " ": (editor) => editor.holdSpace(true),
};
for (const [key, tool] of Object.entries(TOOLS)) STAGE_KEYS[key] = (editor) => editor.chooseTool(tool);

export function listenForKeys(editor) {
  const { stage } = editor;
  const releaseAll = () => {
    editor.showOriginal(false);
    editor.holdSpace(false);
  };
  stage.addEventListener("keydown", (event) => pressOnStage(editor, event));
  stage.addEventListener("keyup", (event) => {
    if (event.key === "Tab") editor.showOriginal(false);
    if (event.key === " ") editor.holdSpace(false);
  });
  stage.addEventListener("blur", () => {
    editor.setFocusedByPointer(false);
    releaseAll();
  });
  window.addEventListener("blur", releaseAll);
  document.addEventListener("keydown", (event) => pressOnPage(editor, event));
}

/** Keys that count while the stage has the focus. */
function pressOnStage(editor, event) {
  const { key, shiftKey } = event;
  const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
  if (!editor.photo || event.target !== editor.stage || hasModifier) return;
  // Who came here by keyboard leaves with Tab; who came by pointer holds it to compare.
  if (key === "Tab" && editor.focusedByPointer && !shiftKey) {
    event.preventDefault();
    editor.showOriginal(true);
  } else if (ARROWS[key] && editor.isIdle) {
    event.preventDefault();
    moveBox(editor, ...ARROWS[key], shiftKey);
  } else if (STAGE_KEYS[key]) {
    event.preventDefault();
    if (!event.repeat) STAGE_KEYS[key](editor);
  }
}

/** Keys that count anywhere on the page, except where text is typed. */
function pressOnPage(editor, event) {
  const isTyping = event.target.closest?.(
    "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]",
  );
  if (!editor.photo || !editor.isShown || isTyping) return;
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
    event.preventDefault();
    step(editor, key === "y" || event.shiftKey ? "redo" : "undo");
  } else if (key === "[" || key === "]") {
    editor.resizeBrush(key === "[" ? 0.8 : 1.25);
  } else if (key === "escape") {
    stop(editor);
  }
}

/** Show a box in the middle of the stage; then move or resize it by steps of a quarter of the brush's size. */
function moveBox(editor, across, down, resizes) {
  const { view, canvas } = editor;
  const area = canvas.getBoundingClientRect();
  const length = Math.max(1, editor.sizeInput.value / 4) / view.zoom;
  if (editor.outline?.length !== 4) {
    const [x, y] = view.toPreview(area.left + area.width / 2, area.top + area.height / 2);
    editor.outline = boxOf([x - 4 * length, y - 4 * length], [x + 4 * length, y + 4 * length]);
  } else {
    const [[left, top], , [right, bottom]] = editor.outline;
    const [dx, dy] = [across * length, down * length];
    const corner = [Math.max(right + dx, left + 1), Math.max(bottom + dy, top + 1)];
    editor.outline = resizes ? boxOf([left, top], corner) : boxOf([left + dx, top + dy], [right + dx, bottom + dy]);
  }
  editor.say("box_shown");
  editor.redraw();
}
