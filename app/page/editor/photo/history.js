// What was done to a photo, step by step, and what can be brought back.
//
// An entry of the history is a stroke, a shape (filled polygon), a mask, a clearing or a fill. Where an entry has
// `startsAnew`, the paint before it no longer counts: the paint can always be drawn again from the entries since
// then. What a fill changed is kept on the server.

export class History {
  constructor(done = [], undone = []) {
    this.done = done;
    this.undone = undone;
    this.version = 0; // grows with every change
  }

  /** How many fills the picture holds. */
  get fills() {
    return this.done.filter(({ kind }) => kind === "fill").length;
  }

  /** Whether something would be lost with this photo: a fill that was not downloaded, paint that is not filled. */
  get hasUnsaved() {
    const fill = this.done.findLast(({ kind }) => kind === "fill");
    return this.hasUnfilledPaint || (fill !== undefined && !fill.isSaved);
  }

  /** The photo was downloaded as it is now. */
  markSaved() {
    const last = this.done.findLast(({ kind }) => kind === "fill");
    for (const entry of [...this.done, ...this.undone]) entry.isSaved = entry === last;
    this.version += 1;
  }

  /** The entries that make up the paint. */
  get layers() {
    const first = this.done.findLastIndex((entry) => entry.startsAnew);
    const counting = this.done.slice(Math.max(first, 0));
    return counting.filter(({ kind }) => kind !== "fill" && kind !== "clear");
  }

  get hasPaint() {
    return this.layers.some((entry) => !entry.erases);
  }

  /** Whether something was painted since the last fill. */
  get hasUnfilledPaint() {
    const fill = this.done.findLastIndex((entry) => entry.kind === "fill");
    return this.layers.some((entry) => !entry.erases && this.done.indexOf(entry) > fill);
  }

  /** Whether the last step was a suggestion of damage, or a piece added to or taken from one. */
  get isSuggestion() {
    return this.done.at(-1)?.suggested === true;
  }

  /** Take the suggestion back, with the pieces that were added to it or taken from it. */
  dropSuggestion() {
    while (this.isSuggestion) this.undo();
  }

  clear() {
    this.record({ kind: "clear", startsAnew: true });
  }

  /** A fill was made; its paint stays, to be filled again, or goes. */
  recordFill(keepsPaint) {
    this.record({ kind: "fill", startsAnew: !keepsPaint });
  }

  record(entry) {
    this.done.push(entry);
    this.undone = [];
    this.version += 1;
    if (entry.kind !== "stroke") this.repaint();
  }

  /** Step back; if the step is a fill, the server has undone it before. */
  undo() {
    this.undone.push(this.done.pop());
    this.version += 1;
    this.repaint();
  }

  /** Step forward; likewise. */
  redo() {
    this.done.push(this.undone.pop());
    this.version += 1;
    this.repaint();
  }

  /** Take over the history of the page that was here before a reload; the picture holds that many fills. */
  takeOver({ done, undone }, fills) {
    [this.done, this.undone] = [done, undone];
    while (this.fills > fills) this.undone.push(this.done.pop());
    while (this.fills < fills) this.done.push(this.undone.pop() ?? { kind: "fill", startsAnew: true });
    this.version += 1;
    this.repaint();
  }

  /** Nothing is drawn of a history alone. */
  repaint() {}
}
