// Work over all photos of the album, one after the other, while one of them can be looked at and painted on.

import { fill } from "../fills.js";
import { loadMasks, sensitivityOf, suggestMask } from "../masks.js";
import { Painting } from "../photo/painting.js";
import { saveAs } from "../files.js";
import { settingsOf } from "../shell/dials.js";

/** The results of fills that the editor does not wait for, by job. */
const awaited = new Map();

/** Hand the result of a fill to the batch that asked for it; false where none did. */
export function takeResult(result) {
  const resolve = awaited.get(result?.job);
  awaited.delete(result?.job);
  resolve?.(result);
  return resolve !== undefined;
}

/** The server knows nothing of the fill that the batch waits for. */
export function loseResult(editor) {
  const { job } = editor.album.batch ?? {};
  if (job) takeResult({ job, error: editor.messages.format("work_lost") });
}

/**
 * Do work for some items.
 *
 * @param {string} kind Of the message that says how far it is.
 * @param {(item: object, batch: object) => Promise<boolean>} work Whether something was done.
 */
async function run(editor, kind, items, work) {
  const { album } = editor;
  if (album.batch) return;
  const batch = { kind, total: items.length, at: 0, done: 0, job: 0, item: null, isStopped: false };
  album.batch = batch;
  const failed = [];
  const takeNext = async () => {
    const item = items[batch.at];
    if (!item || batch.isStopped) return;
    batch.at += 1;
    batch.item = null;
    album.listen();
    try {
      if (await work(item, batch)) batch.done += 1;
    } catch (error) {
      failed.push(item.name);
      item.trouble = String(error?.message ?? error);
    }
    await takeNext();
  };
  await takeNext();
  album.batch = null;
  album.listen();
  const key = batch.isStopped ? "batch_stopped" : `${kind}_done`;
  const names = failed.length > 0 ? [editor.messages.format("batch_failed", { names: failed.join(", ") })] : [];
  editor.say(key, { count: batch.done, total: batch.total }, names);
}

/** Whether an item is on the stage; if not, it shall not be shown before its work is done. */
async function isShown(editor, item, batch) {
  const { album } = editor;
  if (item === album.shown || item === album.coming) await editor.idle();
  if (item === album.shown) return true;
  batch.item = item;
  album.listen();
  return false;
}

/** Stop at once: the photo that is worked on stays as it is. */
export async function stopBatch(editor) {
  const { batch } = editor.album;
  if (!batch) return;
  batch.isStopped = true;
  const { job, item } = batch;
  if (!job || !item) return;
  const { stopped } = await editor.server.call("stop", { photo: item.photo, job }).catch(() => ({ stopped: true }));
  if (stopped) takeResult({ job, stopped: true });
}

/** Paint over what looks like damage in every photo that has no paint yet. */
export function suggestInAll(editor) {
  const { album } = editor;
  const items = album.opened.filter(({ error, work }) => !error && (work.isSuggestion || !work.hasUnfilledPaint));
  return run(editor, "suggest_all", items, async (item, batch) => {
    if (await isShown(editor, item, batch)) {
      await suggestMask(editor);
      return item.work.hasUnfilledPaint;
    }
    batch.job = window.remendStatus.nextNumber();
    const message = { photo: item.photo, job: batch.job, sensitivity: sensitivityOf(editor) };
    const { found, number } = await editor.server.call("suggest", message);
    forgetPixels(album, item);
    item.work.dropSuggestion();
    if (found) item.work.record({ kind: "mask", number, suggested: true });
    return found;
  });
}

/** Lay the paint of the photo that is shown over all others. */
export async function maskForAll(editor) {
  const { album } = editor;
  if (!editor.isIdle || !editor.painting.hasPaint || album.batch) {
    editor.say("paint_first_for_all");
    return;
  }
  const paint = await editor.sendPaint();
  const source = paint.photo;
  const items = album.opened.filter((item) => !item.error && item !== album.shown);
  await run(editor, "mask_all", items, async (item, batch) => {
    if (await isShown(editor, item, batch)) return false;
    const { number } = await editor.server.call("copy_mask", { ...paint, photo: item.photo, source });
    if (number === 0) throw new Error(editor.messages.format("other_shape"));
    forgetPixels(album, item);
    item.work.record({ kind: "mask", number });
    return true;
  });
}

/** Fill the paint of every photo that has some. */
export function fillAll(editor) {
  const { album } = editor;
  const items = album.opened.filter(({ error, work }) => !error && work.hasUnfilledPaint);
  if (items.length === 0) {
    editor.say("nothing_painted_in_album");
    return Promise.resolve();
  }
  return run(editor, "fill_all", items, async (item, batch) => {
    if (await isShown(editor, item, batch)) {
      const before = editor.painting.fills;
      await fill(editor);
      await editor.idle();
      return item.work.fills > before;
    }
    return fillItem(editor, item, batch);
  });
}

async function fillItem(editor, item, batch) {
  const { photo } = item;
  batch.job = window.remendStatus.nextNumber();
  const { job } = batch;
  const paint = await sendPaintOf(editor, item);
  const result = await new Promise((resolve) => {
    awaited.set(job, resolve);
    editor.trigger("fill", { ...paint, ...settingsOf(editor), photo, job, ...editor.server.signature });
    window.remendStatus.follow("album", job);
  });
  window.remendStatus.end("album");
  batch.job = 0;
  if (result.error) throw new Error(result.error);
  if (result.stopped) return false;
  forgetPixels(editor.album, item);
  item.work.recordFill(editor.isChecked("keep"));
  const { thumb } = await editor.server.call("thumbnail", { photo });
  item.thumb = thumb;
  return true;
}

/** Send the paint of a photo that is not shown. */
async function sendPaintOf(editor, { photo, previewWidth, previewHeight, work }) {
  const painting = new Painting(null, previewWidth, previewHeight);
  painting.done = await loadMasks(editor, photo, work.done);
  painting.repaint();
  const { file, left, top } = await painting.maskFile();
  return { mask: await editor.server.send(file), left, top };
}

/** What is kept of a photo's looks is out of date, or will be. */
function forgetPixels(album, item) {
  item.fetched = null;
  album.letGo(item);
}

/** Download all photos as one zip, each in its own format. */
export async function downloadAll(editor) {
  const { album, server } = editor;
  const items = album.opened.filter(({ error }) => !error);
  const photos = items.map(({ photo }) => photo);
  try {
    const format = editor.find("[data-name=format]").value;
    const { address } = await server.call("zip_photos", { photos, format });
    saveAs(new URL(address, document.baseURI).href, "remend-album.zip");
    for (const { work } of items) work.markSaved();
    editor.say("album_ready", { count: items.length });
    editor.setState(editor.state);
  } catch (error) {
    editor.tell(error);
  }
  album.listen();
}
