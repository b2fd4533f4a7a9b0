// The keyboard, wherever the focus is but where text is typed. It reaches everything but painting by hand, for which a
// box that the arrow keys move stands in.

import { chooseFiles } from "./files.js";
import { copyResult, download, fill, step, stop } from "./fills.js";
import { askForVersions } from "./helping/versions.js";
import { boxOf } from "./photo/painting.js";
import { showHelp } from "./shell/help.js";

const TEXT = "input:not([type=range], [type=checkbox], [type=file]), textarea, select, [contenteditable]";
const PRESSED_BY_KEY = "button, a, label, summary, input:not([type=range]), [role=tab], [role=option]";
const TOOLS = { b: "brush", e: "eraser", r: "box", l: "lasso" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  m: (editor) => editor.isIdle && editor.addOutline(),
  M: (editor) => editor.isIdle && editor.addOutline(true),
  d: (editor) => editor.divide(!editor.isDivided),
  "+": (editor) => editor.zoomBy(1.25),
  "=": (editor) => editor.zoomBy(1.25),
  "-": (editor) => editor.zoomBy(0.8),
  0: (editor) => editor.fit(),
  1: (editor) => editor.zoomTo(1),
  v: askForVersions,
  "?": showHelp,
  PageUp: (editor) => editor.album.step(-1),
  PageDown: (editor) => editor.album.step(1),
};
for (const [key, tool] of Object.entries(TOOLS)) KEYS[key] = (editor) => editor.chooseTool(tool);
const WITH_CTRL = {
  z: (editor, { shiftKey }) => step(editor, shiftKey ? "redo" : "undo"),
  y: (editor) => step(editor, "redo"),
  s: download,
  o: chooseFiles,
};

export function listenForKeys(editor) {
  const { stage } = editor;
  const releaseAll = () => {
    editor.showOriginal(false);
    editor.holdSpace(false);
  };
  document.addEventListener("keyup", (event) => {
    if (event.key === "Tab") editor.showOriginal(false);
    if (event.key === " ") editor.holdSpace(false);
  });
  stage.addEventListener("blur", () => {
    editor.setFocusedByPointer(false);
    releaseAll();
  });
  window.addEventListener("blur", releaseAll);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !editor.isShown || event.target.closest?.(TEXT)) return;
    if (document.querySelector("dialog[open]")) return;
    if (press(editor, event)) event.preventDefault();
  });
}

/** Do what a key means; whether it means something. */
function press(editor, event) {
  const { key, target } = event;
  if (event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return pressWithCtrl(editor, event);
  if (key === "?" && !event.repeat) {
    showHelp(editor);
    return true;
  }
  if (!editor.photo) return false;
  if (target === editor.stage && pressOnStage(editor, event)) return true;
  if (key === "Escape") stop(editor);
  else if (key === "[" || key === "]") editor.resizeBrush(key === "[" ? 0.8 : 1.25);
  else if (key === "Enter" || key === " ") return pressLarge(editor, event);
  else if (!KEYS[key]) return false;
  else if (!event.repeat) KEYS[key](editor);
  return true;
}

/** Enter and Space belong to a button that has the focus. */
function pressLarge(editor, { key, target, repeat }) {
  if (target.closest?.(PRESSED_BY_KEY)) return false;
  if (key === " ") editor.holdSpace(true);
  else if (!repeat) fill(editor);
  return true;
}

function pressWithCtrl(editor, event) {
  const key = event.key.toLowerCase();
  if (key === "c" && !event.shiftKey && editor.photo && document.getSelection().isCollapsed) {
    copyResult(editor);
    return true;
  }
  if (!WITH_CTRL[key] || (!editor.photo && key !== "o")) return false;
  WITH_CTRL[key](editor, event);
  return true;
}

/** Keys that count while the stage has the focus. */
function pressOnStage(editor, { key, shiftKey }) {
  // Who came here by keyboard leaves with Tab; who came by pointer holds it to compare.
  if (key === "Tab" && editor.focusedByPointer && !shiftKey) {
    editor.showOriginal(true);
    return true;
  }
  if (!ARROWS[key] || !editor.isIdle) return false;
  moveBox(editor, ...ARROWS[key], shiftKey);
  return true;
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
