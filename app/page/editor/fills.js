// What the server does with the open photo: fill, stop a fill, undo and redo, save, go on to the Upscale tab.

import { saveAs } from "./files.js";
import { ServerError } from "./server.js";
import { settingsOf } from "./shell/dials.js";

/** Ask for a fill of what is painted; `finishFill` is called with its result. */
export async function fill(editor) {
  if (editor.isStopping) {
    editor.whenIdle(() => fill(editor)); // the stop's answer may come after the end of what it stopped
    return;
  }
  if (!editor.isIdle) return;
  editor.addOutline();
  if (!editor.painting.hasPaint) {
    editor.say("paint_first");
    return;
  }
  const job = window.remendStatus.nextNumber(); // fixed before anything is awaited, so that a stop knows what it stops
  const settings = settingsOf(editor);
  editor.job = job;
  editor.isLarge = editor.painting.hasLargeHole;
  editor.setState("busy");
  editor.say("filling");
  try {
    const paint = await editor.sendPaint();
    if (editor.job !== job) return;
    editor.trigger("fill", { ...paint, ...settings, job, ...editor.server.signature });
    window.remendStatus.follow("repair", job);
  } catch (error) {
    if (editor.job === job) editor.fail(error);
  }
}

/** @param {{job: number, stopped?: boolean, error?: string} | null} result What Python says of a fill. */
export async function finishFill(editor, result) {
  if (!result || result.job !== editor.job) return; // it was stopped
  window.remendStatus.end("repair");
  try {
    if (result.error) throw new ServerError(result.error);
    if (!result.stopped) {
      const { patches } = await editor.server.call("changes", { photo: editor.photo.photo });
      await editor.painting.applyPatches(patches);
      editor.painting.recordFill(editor.isChecked("keep"));
    }
    editor.job = 0;
    const filled = editor.isLarge ? "filled_large" : "filled";
    editor.say(result.stopped ? "stopped" : filled);
    editor.setState("ready");
  } catch (error) {
    editor.job = 0;
    editor.fail(error);
  }
}

/** The server knows nothing of the fill that was asked for, as the status line says: so it shall not come either. */
export async function loseFill(editor) {
  const { job } = editor;
  if (!job) return;
  const message = { photo: editor.photo.photo, job };
  const { stopped } = await editor.server.call("stop", message).catch(() => ({ stopped: true }));
  if (editor.job !== job) return;
  if (stopped) {
    editor.job = 0;
    editor.setState("error");
  } else {
    finishFill(editor, { job }); // it was done, only the news did not arrive
  }
}

/** Stop the fill that is running, or drop a box or lasso that is not painted yet. */
export async function stop(editor) {
  if (editor.outline && editor.isIdle) {
    editor.outline = null;
    editor.redraw();
    return;
  }
  const { job } = editor;
  if (!job || editor.isStopping) return;
  editor.isStopping = true;
  editor.wishes = [];
  try {
    const { stopped } = await editor.server.call("stop", { photo: editor.photo.photo, job });
    if (!stopped || editor.job !== job) return; // the fill was faster; its result is on the way
    window.remendStatus.end("repair");
    editor.job = 0;
    editor.say("stopped");
    editor.state = "ready";
  } catch (error) {
    editor.tell(error); // it may still be running
  } finally {
    editor.isStopping = false;
    editor.setState(editor.state);
  }
}

/**
 * Undo or redo a step: paint is changed here, fills are changed by the server. Presses that come while the server is
 * at work are counted, and done one after the other.
 *
 * @param {"undo" | "redo"} name
 */
export function step(editor, name) {
  if (editor.painting) editor.whenIdle(() => takeStep(editor, name));
}

async function takeStep(editor, name) {
  const { painting } = editor;
  const entry = name === "undo" ? painting.done.at(-1) : painting.undone.at(-1);
  if (!entry) return;
  await editor.whileBusy(async () => {
    if (entry.kind === "fill") {
      const { patches } = await editor.server.call(name, { photo: editor.photo.photo, fills: painting.fills });
      await painting.applyPatches(patches);
    }
    painting[name]();
    editor.say(name === "undo" ? "taken_back" : "brought_back");
  });
}

/** Download the photo as it is now. */
export async function download(editor) {
  await editor.whileBusy(async () => {
    const format = editor.find("[data-name=format]").value;
    const { path, name } = await editor.server.call("save", { photo: editor.photo.photo, format });
    saveAs(editor.server.addressOf(path), name);
    editor.painting.markSaved();
    editor.say("was_made", { name });
  });
}

/** Put the photo as it is now, as a PNG, on the clipboard. */
export async function copyResult(editor) {
  if (!navigator.clipboard?.write) {
    editor.say("cannot_copy"); // browsers give it to secure addresses alone
    return;
  }
  await editor.whileBusy(async () => {
    const read = async () => {
      const { path } = await editor.server.call("save", { photo: editor.photo.photo, format: "png" });
      const blob = await (await fetch(editor.server.addressOf(path))).blob();
      return new Blob([blob], { type: "image/png" });
    };
    await navigator.clipboard.write([new ClipboardItem({ "image/png": read() })]);
    editor.say("copied");
  });
}

/** Send the photo as it is now to the Upscale tab. */
export function upscale(editor) {
  if (!editor.isIdle) return;
  if (editor.outline || editor.painting.hasUnfilledPaint) editor.say("fill_first");
  else editor.trigger("upscale", { photo: editor.photo.photo, ...editor.server.signature });
}
