// What outlives a reload: the open photo with its paint and history, and how the tools were set.
//
// The photo, its fills and the masks stay on the server. The tab's own storage holds the photo's key and the history,
// the browser's storage the settings, also for other tabs and days.

import { ServerError } from "./server.js";
import { tellDials } from "./shell/dials.js";

const [WORK, SETTINGS] = ["remend-work", "remend-tools"];
const ITEMS = `${WORK}-items`;
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

/** Remember the open photos and their histories. */
export function keepWork(editor) {
  const { photo, painting, album } = editor;
  if (!photo) return;
  const items = album.isMany ? album.opened : [];
  const now = [photo.photo, painting.version, items.length > 0].join();
  if (editor.kept !== now) {
    editor.kept = now;
    const { done, undone } = painting;
    const work = { photo: photo.photo, name: photo.name };
    // A history that is too long for the storage goes; photo and fills stay.
    if (!write(sessionStorage, WORK, { ...work, done, undone })) {
      write(sessionStorage, WORK, { ...work, done: [], undone: [] });
    }
  }
  const looks = items.map(({ photo: key, thumb }) => key + thumb.length).join();
  if (editor.keptLooks !== looks) {
    editor.keptLooks = looks;
    write(sessionStorage, ITEMS, items.map(ofItem)); // some 3 kB for each
  }
  for (const item of items) keepHistory(item);
}

const ofItem = ({ name, photo, width, height, previewWidth, previewHeight, thumb }) => (
  { name, photo, width, height, previewWidth, previewHeight, thumb }
);

/** An album's photos have a place each. */
function keepHistory(item) {
  const { work } = item;
  const isKept = item.keptWork?.deref() === work && item.keptVersion === work.version;
  if (isKept) return;
  item.keptWork = new WeakRef(work);
  item.keptVersion = work.version;
  write(sessionStorage, `${WORK}-${item.photo}`, { done: work.done, undone: work.undone });
}

/** The photos are closed. */
export function forgetWork(editor) {
  editor.kept = editor.keptLooks = null;
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(WORK)) sessionStorage.removeItem(key);
}

/** Open the photos that were open before a reload, with paint and history; without one the editor is empty. */
export async function restoreWork(editor) {
  const { album } = editor;
  const kept = read(sessionStorage, WORK);
  if (!kept?.photo) {
    editor.setState("empty");
    return;
  }
  const number = editor.beginOpening(kept.name);
  try {
    await restoreAlbum(editor, read(sessionStorage, ITEMS) ?? []);
    const { done, undone, name, photo } = kept;
    const item = album.items.find((one) => one.photo === photo) ?? album.add(name, { photo });
    const fetched = await album.fetch({ photo, work: { done, undone } });
    if (number !== editor.opening) return;
    item.opened = fetched.opened;
    editor.showPainting(item, fetched.painting, "restored");
  } catch (error) {
    if (number !== editor.opening) return;
    album.items = [];
    if (error instanceof ServerError) forgetWork(editor);
    editor.tell(error);
    editor.setState("empty");
  }
}

async function restoreAlbum(editor, items) {
  if (items.length === 0) return;
  const { album, server } = editor;
  const { fills } = await server.call("take_photos", { photos: items.map(({ photo }) => photo) });
  for (const [at, { name, ...more }] of items.entries()) {
    if (fills[at] === null) continue; // the server has forgotten it
    const item = album.add(name, more);
    const before = read(sessionStorage, `${WORK}-${item.photo}`) ?? { done: [], undone: [] };
    item.work.takeOver(before, fills[at]);
  }
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
