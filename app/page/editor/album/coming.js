// Photos that come in: one takes the place of the last, several are an album, and an album takes more.

import { loadPreview, makePainting } from "../photo/painting.js";
import { askToDiscard } from "../shell/question.js";

const PICTURE = /\.(jpe?g|png|webp|tiff?|bmp|avif|heic|heif|gif)$/i;
const AT_ONCE = 2; // uploads

/** Take photos that were chosen, dropped or pasted. */
export async function takePhotos(editor, files) {
  const { album } = editor;
  if (files.length === 0) return;
  if (editor.state === "busy") {
    editor.say("busy");
    return;
  }
  if (!album.isMany) {
    if (album.hasUnsaved && !(await askToDiscard(editor))) return;
    if (files.length === 1) {
      await openOne(editor, files[0]);
      return;
    }
    editor.leavePhoto();
  }
  await addMany(editor, files);
}

/** Open a photo in place of the one that is open; where it cannot be read, that stays. */
async function openOne(editor, file) {
  const { album } = editor;
  const number = editor.beginOpening(file.name);
  try {
    const path = await editor.server.send(file);
    const replaces = album.shown?.photo;
    const opened = await editor.server.call("open_photo", { path, replaces });
    const image = await loadPreview(opened.preview);
    if (number !== editor.opening) return;
    album.items = [];
    const item = album.add(opened.name, { photo: opened.photo, opened });
    editor.showPainting(item, makePainting(opened, image));
  } catch (error) {
    if (number === editor.opening) editor.fail(error);
  }
}

async function addMany(editor, files) {
  const { album } = editor;
  const waiting = files.map((file) => ({ file, item: album.add(file.name) }));
  album.listen();
  let isShown = album.shown !== null;
  const takeNext = async () => {
    const next = waiting.shift();
    if (!next) return;
    await addOne(editor, next);
    const first = album.items.find(({ error }) => !error);
    if (!isShown && first?.photo) {
      isShown = true;
      await album.show(first);
    }
    await takeNext();
  };
  if (!isShown) editor.beginOpening(files[0].name);
  await Promise.all(Array.from({ length: AT_ONCE }, takeNext));
  const bad = album.items.filter(({ error }) => error);
  if (!isShown) editor.fail(new Error(bad[0]?.error));
  else if (bad.length > 0) editor.say("some_bad", { names: bad.map(({ name }) => name).join(", "), count: bad.length });
}

async function addOne(editor, { file, item }) {
  const { album } = editor;
  try {
    const path = await editor.server.send(file);
    if (!album.items.includes(item)) return; // the album was closed meanwhile
    Object.assign(item, await editor.server.call("add_photo", { path }));
  } catch (error) {
    item.error = String(error?.message ?? error);
  }
  album.listen();
}

/** The files of a drop, with those in folders; has to be called while the event lasts. */
export async function filesOfDrop({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some(({ isDirectory }) => isDirectory)) return [...files];
  const found = await Promise.all(entries.map(readEntry));
  return sortByName(found.flat());
}

/** What a chosen folder holds: its pictures, in the order of their names. */
export function picturesOf(files) {
  return sortByName([...files].filter(({ name }) => PICTURE.test(name)));
}

function sortByName(files) {
  return files.toSorted((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
}

async function readEntry(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return PICTURE.test(file.name) ? [file] : [];
  }
  const reader = entry.createReader();
  const readAll = async () => {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    return some.length === 0 ? [] : [...some, ...(await readAll())];
  };
  const found = await Promise.all((await readAll()).map(readEntry));
  return found.flat();
}
