// The photos that are open together, and which of them is shown.
//
// An item keeps what was done to its photo as a `History`; the last few that were shown keep their `Painting`, so that
// going back to them is quick. Photos and fills are on the server.

import { loadMasks } from "../masks.js";
import { History } from "../photo/history.js";
import { Painting, loadPreview, makePainting } from "../photo/painting.js";
import { ServerError } from "../server.js";

const PAINTINGS_KEPT = 3; // a photo of 12 megapixels takes 50 MB, painted and filled 150

const PREFETCHED_KEPT = 2; // the next one, and one that is pointed at

/** @typedef {{name: string, photo?: string, thumb?: string, error?: string, work: History}} Item */

export class Album {
  constructor(editor) {
    this.editor = editor;
    this.items = []; // in the order of coming
    this.recent = []; // items that keep their painting, the last one first
    this.ready = []; // items whose painting was fetched before it is asked for, the last one first
    this.shown = null; // the item on the stage
    this.coming = null; // the item that is being fetched for the stage
    this.batch = null; // what runs over all items
    this.listen = () => {}; // called after every change
  }

  get isMany() {
    return this.items.length > 1;
  }

  /** Whether work on any photo would be lost. */
  get hasUnsaved() {
    return this.items.some(({ work }) => work.hasUnsaved);
  }

  /** The photos that the server has. */
  get opened() {
    return this.items.filter(({ photo }) => photo);
  }

  add(name, more = {}) {
    const item = { name, work: new History(), ...more };
    this.items.push(item);
    return item;
  }

  /** Forget all photos, here and on the server. */
  async clear() {
    const photos = this.opened.map(({ photo }) => photo);
    this.items = [];
    this.recent = [];
    this.ready = [];
    this.shown = null;
    this.listen();
    if (photos.length > 0) await this.editor.server.call("close_photos", { photos });
  }

  remove(item) {
    this.items = this.items.filter((one) => one !== item);
    this.listen();
  }

  /** What the filmstrip says of an item. */
  stateOf(item) {
    const { photo, error, work } = item;
    if (error) return "failed";
    if (!photo) return "waiting";
    if (work.hasUnfilledPaint) return work.isSuggestion ? "suggested" : "painted";
    if (work.fills === 0) return "untouched";
    return work.hasUnsaved ? "repaired" : "saved";
  }

  /** The photo that was shown by other means than `show` is this item's. */
  hold(item, painting) {
    this.shown = item;
    item.work = painting;
    item.fetched = null;
    this.ready = this.ready.filter((one) => one !== item);
    this.recent = [item, ...this.recent.filter((one) => one !== item && this.items.includes(one))];
    for (const old of this.recent.splice(PAINTINGS_KEPT)) this.letGo(old);
    this.listen();
  }

  /** Keep of an item's work only what was done. */
  letGo(item) {
    const { done, undone } = item.work;
    if (item.work instanceof Painting) item.work.release();
    const withoutPixels = (entry) => ({ ...entry, overlay: undefined });
    item.work = new History(done.map(withoutPixels), undone.map(withoutPixels));
    this.recent = this.recent.filter((one) => one !== item);
  }

  /** Put an item on the stage. */
  async show(item) {
    const { editor } = this;
    if (!item?.photo || item.error || item === this.shown) return;
    if (editor.state === "busy" || this.batch?.item === item) {
      editor.say("busy");
      return;
    }
    if (item.work instanceof Painting) {
      editor.showPainting(item, item.work);
      return;
    }
    const number = editor.beginOpening(item.name);
    this.coming = item;
    try {
      const fetched = await (item.fetched ?? this.fetch(item));
      if (number !== editor.opening) return;
      item.opened = fetched.opened;
      editor.showPainting(item, fetched.painting);
    } catch (error) {
      item.fetched = null;
      if (number !== editor.opening) return;
      if (error instanceof ServerError) item.error = error.message;
      editor.fail(error);
      this.listen();
    } finally {
      if (this.coming === item) this.coming = null;
    }
  }

  /** Ask the server for a photo as it is now. */
  async fetch(item) {
    const { editor } = this;
    const job = window.remendStatus.nextNumber();
    const opened = await editor.server.call("restore_photo", { photo: item.photo, job });
    const { done, undone } = item.work;
    const [preview, current, ...histories] = await Promise.all([
      loadPreview(opened.preview),
      opened.current && loadPreview(opened.current),
      loadMasks(editor, item.photo, done),
      loadMasks(editor, item.photo, undone),
    ]);
    const before = { current, done: histories[0], undone: histories[1] };
    return { opened, painting: makePainting(opened, preview, before) };
  }

  /** Have a photo ready that is likely to be shown next. */
  prefetch(item) {
    const isNeeded = item?.photo && !item.error && !item.fetched && !(item.work instanceof Painting);
    if (!isNeeded || this.batch) return;
    item.fetched = this.fetch(item);
    item.fetched.catch(() => {
      item.fetched = null;
    });
    this.ready.unshift(item);
    for (const old of this.ready.splice(PREFETCHED_KEPT)) old.fetched = null;
  }

  /** The item so many places after the one that is shown, which can be opened. */
  beside(step) {
    const good = this.opened.filter(({ error }) => !error);
    const at = good.indexOf(this.shown);
    return good[at + step];
  }

  step(step) {
    this.show(this.beside(step));
  }
}
