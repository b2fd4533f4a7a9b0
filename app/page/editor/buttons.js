// The buttons and sliders around the photo: which of them does what.

import { download, fill, step, stop, upscale } from "./fills.js";
import { growMask, invertMask, loadMask, saveMask, shrinkMask, suggestMask } from "./masks.js";

const ACTIONS = {
  "#repair-fill": fill,
  "#repair-undo": (editor) => step(editor, "undo"),
  "#repair-redo": (editor) => step(editor, "redo"),
  "#repair-download": download,
  "#repair-upscale": upscale,
  "[data-do=stop]": stop,
  "[data-do=fit]": (editor) => editor.fit(),
  "[data-do=divide]": (editor) => editor.divide(!editor.isDivided),
  "[data-do=load]": loadMask,
  "[data-do=save]": saveMask,
  "[data-do=invert]": invertMask,
  "[data-do=grow]": growMask,
  "[data-do=shrink]": shrinkMask,
  "[data-do=clear]": (editor) => editor.clearPaint(),
  "[data-do=suggest]": suggestMask,
};

export function listenForButtons(editor) {
  for (const [selector, act] of Object.entries(ACTIONS)) {
    editor.find(selector).addEventListener("click", () => act(editor));
  }
  for (const button of editor.root.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", () => editor.chooseTool(button.dataset.tool));
  }
  editor.sizeInput.addEventListener("input", () => editor.redraw());
  editor.dividerInput.addEventListener("input", () => editor.redraw());
  editor.find("[data-name=sensitivity]").addEventListener("change", () => suggestMask(editor));
  listenForOriginal(editor);
}

/** Show the original while its button is held, by pointer or by keyboard. */
function listenForOriginal(editor) {
  const button = editor.find("[data-do=original]");
  button.addEventListener("pointerdown", () => editor.showOriginal(true));
  button.addEventListener("keydown", ({ key }) => {
    if (key === " " || key === "Enter") editor.showOriginal(true);
  });
  for (const type of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) {
    button.addEventListener(type, () => editor.showOriginal(false));
  }
}
