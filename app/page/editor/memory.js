// What outlives a reload: the open photo with its paint and history, and how the tools were set.
//
// The photo, its fills and the masks stay on the server. The tab's own storage holds the photo's key and the history,
// the browser's storage the settings, also for other tabs and days.

import { loadImage } from "./painting.js";
import { ServerError } from "./server.js";
import { tellDials } from "./shell/dials.js";

const [WORK, SETTINGS] = ["remend-work", "remend-tools"];
const BOXES = ["keep", "on-release"];
const VALUES = ["format", "sensitivity", "grow", "detail", "model"];

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

/** Keep a value; false where the storage is full or not allowed. */
function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value, shorten));
    return true;
  } catch {
    return false;
  }
}

/** Overlays are asked for again; a hundredth of a pixel is enough. */
function shorten(key, value) {
  if (key === "overlay") return undefined;
  return typeof value === "number" ? Math.round(value * 100) / 100 : value;
}

/** Remember the open photo and its history. */
export function keepWork(editor) {
  const { photo, painting } = editor;
  if (!painting || painting.keptVersion === painting.version) return;
  painting.keptVersion = painting.version;
  const { done, undone } = painting;
  // A history that is too long for the storage goes; photo and fills stay.
  const work = { photo: photo.photo, name: photo.name };
  if (!write(sessionStorage, WORK, { ...work, done, undone })) {
    write(sessionStorage, WORK, { ...work, done: [], undone: [] });
  }
}

/** Open the photo that was open before a reload, with its paint and history; without one the editor is empty. */
export async function restoreWork(editor) {
  const kept = read(sessionStorage, WORK);
  if (!kept?.photo) {
    editor.setState("empty");
    return;
  }
  const number = editor.beginOpening(kept.name);
  try {
    const job = window.remendStatus.nextNumber();
    const opened = await editor.server.call("restore_photo", { photo: kept.photo, job });
    const [preview, current, ...histories] = await Promise.all([
      loadImage(opened.preview),
      opened.current && loadImage(opened.current),
      loadMasks(editor, kept.photo, kept.done),
      loadMasks(editor, kept.photo, kept.undone),
    ]);
    if (number !== editor.opening) return;
    const [done, undone] = histories;
    editor.showPhoto(opened, preview, { current, done, undone });
  } catch (error) {
    if (number !== editor.opening) return;
    if (error instanceof ServerError) sessionStorage.removeItem(WORK);
    editor.tell(error);
    editor.setState("empty");
  }
}

/** A history whose masks have their overlays again; those that the server no longer keeps are left out. */
async function loadMasks(editor, photo, history) {
  const entries = history.map(async (entry) => {
    if (entry.kind !== "mask") return entry;
    const { overlay } = await editor.server.call("show_mask", { photo, number: entry.number });
    return overlay ? { ...entry, overlay: await loadImage(overlay) } : null;
  });
  return (await Promise.all(entries)).filter(Boolean);
}

/** Set the tools as they were left, and remember them from now on. */
export function rememberSettings(editor) {
  const kept = read(localStorage, SETTINGS) ?? {};
  const input = (name) => editor.find(`[data-name=${name}]`);
  if (editor.hasTool(kept.tool)) editor.tool = kept.tool;
  if (kept.size) editor.sizeInput.value = kept.size;
  for (const name of BOXES) input(name).checked = kept[name] === true;
  for (const name of VALUES) {
    const before = input(name).value;
    if (kept[name]) input(name).value = kept[name];
    if (!input(name).value) input(name).value = before; // a choice that there is no more
  }
  if (kept.snaps) editor.find("[data-do=snap]").ariaPressed = "true";
  editor.wantedModel = kept.model; // the server may offer it in a moment
  tellDials(editor);
  const keep = () => {
    const boxes = BOXES.map((name) => [name, input(name).checked]);
    const values = VALUES.map((name) => [name, input(name).value]);
    const { tool, snaps, sizeInput } = editor;
    write(localStorage, SETTINGS, { tool, snaps, size: sizeInput.value, ...Object.fromEntries([...boxes, ...values]) });
  };
  window.addEventListener("pagehide", keep);
  editor.root.addEventListener("change", keep);
}
