// The buttons around the photo: which of them does what, and when it can be pressed.

import { copyResult, download, fill, step, stop, upscale } from "./fills.js";
import { chooseFiles } from "./files.js";
import { growMask, invertMask, loadMask, saveMask, shrinkMask, suggestMask } from "./masks.js";
import { canHaveVersions } from "./helping/versions.js";
import { showHelp } from "./shell/help.js";

const ACTIONS = {
  "#repair-fill": fill,
  "#repair-undo": (editor) => step(editor, "undo"),
  "#repair-redo": (editor) => step(editor, "redo"),
  "#repair-download": download,
  "#repair-upscale": upscale,
  "[data-do=stop]": stop,
  "[data-do=fit]": (editor) => editor.fit(),
  "[data-do=whole]": (editor) => editor.zoomTo(1),
  "[data-do=zoom-in]": (editor) => editor.zoomBy(1.25),
  "[data-do=zoom-out]": (editor) => editor.zoomBy(0.8),
  "[data-do=divide]": (editor) => editor.divide(!editor.isDivided),
  "[data-do=load]": loadMask,
  "[data-do=save]": saveMask,
  "[data-do=invert]": invertMask,
  "[data-do=grow]": growMask,
  "[data-do=shrink]": shrinkMask,
  "[data-do=clear]": (editor) => editor.clearPaint(),
  "[data-do=suggest]": suggestMask,
  "[data-do=snap]": (editor) => editor.snapTo(!editor.snaps),
  "[data-do=copy]": copyResult,
  "[data-do=help]": showHelp,
};
const NEED_PHOTO = ["#repair-fill", "#repair-download", "#repair-upscale"].concat(
  ["fit", "whole", "zoom-in", "zoom-out", "original", "divide", "load", "suggest", "invert", "copy"].map(
    (name) => `[data-do=${name}]`,
  ),
);
const NEED_PAINT = ["save", "grow", "shrink", "clear"].map((name) => `[data-do=${name}]`);

export function listenForButtons(editor) {
  for (const [selector, act] of Object.entries(ACTIONS)) {
    editor.find(selector).addEventListener("click", () => act(editor));
  }
  for (const button of editor.root.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", () => editor.chooseTool(button.dataset.tool));
  }
  editor.dividerInput.addEventListener("input", () => editor.redraw());
  editor.find("[data-name=sensitivity]").addEventListener("change", () => suggestMask(editor));
  editor.stage.addEventListener("click", () => editor.photo || chooseFiles(editor));
  listenForOriginal(editor);
  // After a click by pointer, keys mean the photo again, not the button.
  editor.root.addEventListener("click", ({ target, detail }) => {
    if (detail === 0 || !target.closest("button, label") || target.closest(".menu, .sheet, dialog")) return;
    editor.focusStage();
  });
}

export function enableButtons(editor) {
  const { isIdle, painting } = editor;
  const enable = (selector, isEnabled) => {
    editor.find(selector).disabled = !isEnabled;
  };
  for (const selector of NEED_PHOTO) enable(selector, isIdle);
  for (const selector of NEED_PAINT) enable(selector, isIdle && painting.hasPaint);
  enable("[data-do=versions]", isIdle && canHaveVersions(editor));
  // Presses while the server is at work count as well.
  enable("#repair-undo", Boolean(painting?.done.length));
  enable("#repair-redo", Boolean(painting?.undone.length));
  for (const button of editor.root.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(editor.tool === button.dataset.tool));
  }
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
