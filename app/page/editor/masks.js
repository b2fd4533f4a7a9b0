// Paint that does not come from the brush: a mask file, a changed mask, damage that the server suggests.

import { pickFile, saveAs } from "./files.js";
import { loadImage } from "./photo/painting.js";

const MASK_STEP = 4; // pixels of the photo by which one press grows or shrinks the mask

/** Let the person choose a mask file, and add it to the paint. */
export async function loadMask(editor) {
  const file = await pickFile("image/*,.tif,.tiff");
  if (!file) return;
  await editor.whileBusy(async () => {
    const path = await editor.server.send(file);
    const answer = await editor.server.call("read_mask_file", { photo: editor.photo.photo, path });
    editor.painting.addMask(await loadImage(answer.overlay), answer.number);
    editor.say("mask_loaded", {}, answer.notes);
  });
}

/** Download the paint as a mask of the photo's size. */
export async function saveMask(editor) {
  await editor.whileBusy(async () => {
    const { path, name } = await editor.server.call("save_mask", await editor.sendPaint());
    saveAs(editor.server.addressOf(path), name);
    editor.say("was_made", { name });
  });
}

async function changeMask(editor, change) {
  await editor.whileBusy(async () => {
    const paint = await editor.sendPaint();
    const answer = await editor.server.call("change_mask", { ...paint, ...change });
    editor.painting.addMask(await loadImage(answer.overlay), answer.number, { replaces: true });
    editor.say("painted");
  });
}

export const invertMask = (editor) => changeMask(editor, { invert: true });
export const growMask = (editor) => changeMask(editor, { grow: MASK_STEP });
export const shrinkMask = (editor) => changeMask(editor, { grow: -MASK_STEP });

export const sensitivityOf = (editor) => Number(editor.find("[data-name=sensitivity]").value);

/** Ask the server about the photo's damage; the first time it has to look for it, which can be stopped. */
async function look(editor, name, message) {
  const job = window.remendStatus.nextNumber();
  editor.job = job;
  window.remendStatus.follow("repair", job);
  try {
    return await editor.server.call(name, { photo: editor.photo.photo, job, ...message });
  } finally {
    window.remendStatus.end("repair");
    if (editor.job === job) editor.job = 0;
  }
}

/** Paint over what looks like damage; a new sensitivity replaces the last suggestion. */
export async function suggestMask(editor) {
  await editor.whileBusy(async () => {
    const answer = await look(editor, "suggest", { sensitivity: sensitivityOf(editor) });
    const overlay = await loadImage(answer.overlay);
    editor.painting.dropSuggestion();
    editor.painting.addMask(overlay, answer.number, { suggested: true });
    editor.say(answer.found ? "suggested" : "nothing_suggested", answer);
  });
}

/**
 * While a suggestion is open, a click of the brush paints the whole scratch or spot there, one of the eraser takes
 * it away; where the server sees none, the click is the dab that it looks like.
 */
export async function tracePiece(editor, [x, y], dab) {
  await editor.whileBusy(async () => {
    const { erases } = dab;
    const sensitivity = erases ? sensitivityOf(editor) : 1;
    const answer = await look(editor, "trace", { x, y, sensitivity });
    if (!answer.found) {
      editor.painting.addStroke(dab);
      return;
    }
    editor.painting.addMask(await loadImage(answer.overlay), answer.number, { suggested: true, erases });
    editor.say(erases ? "piece_erased" : "piece_painted");
  });
}

const SNAP_POINTS = 300; // enough for any circle drawn by hand

/** Paint the object that the lasso circles; where the server sees none, what is circled. */
export async function snapOutline(editor, erases) {
  const { outline } = editor;
  const step = Math.ceil(outline.length / SNAP_POINTS);
  const points = outline.filter((_, at) => at % step === 0);
  if (points.length < 3) {
    editor.outline = null;
    editor.redraw();
    return;
  }
  await editor.whileBusy(async () => {
    const answer = await editor.server.call("snap", { photo: editor.photo.photo, points });
    if (!answer.found) {
      editor.addOutline(erases);
      editor.say("nothing_circled");
      return;
    }
    editor.painting.addMask(await loadImage(answer.overlay), answer.number, { erases });
    editor.outline = null;
    editor.say(editor.hintAtPaint());
  });
  if (!erases) editor.fillOnRelease();
}

/** A history whose masks have their overlays again; those that the server no longer keeps are left out. */
export async function loadMasks(editor, photo, history) {
  const entries = history.map(async (entry) => {
    if (entry.kind !== "mask" || entry.overlay) return entry;
    const { overlay } = await editor.server.call("show_mask", { photo, number: entry.number });
    return overlay ? { ...entry, overlay: await loadImage(overlay) } : null;
  });
  return (await Promise.all(entries)).filter(Boolean);
}
