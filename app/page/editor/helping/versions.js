// Other versions of the last fill: thumbnails to click between.

import { ServerError } from "../server.js";

export function listenForVersions(editor) {
  editor.find("[data-do=versions]").addEventListener("click", () => askForVersions(editor));
}

/** Whether the photo on the stage was filled last, and nothing done since. */
export const canHaveVersions = ({ painting }) => painting?.done.at(-1)?.kind === "fill";

export async function askForVersions(editor) {
  if (!editor.isIdle || !canHaveVersions(editor)) return;
  const job = window.remendStatus.nextNumber();
  editor.job = job;
  editor.setState("busy");
  editor.say("making_versions");
  editor.trigger("versions", { photo: editor.photo.photo, job, ...editor.server.signature });
  window.remendStatus.follow("repair", job);
}

/** @param {{job: number, versions?: object[], stopped?: boolean, error?: string} | null} result */
export function finishVersions(editor, result) {
  if (!result || result.job !== editor.job) return; // it was stopped
  window.remendStatus.end("repair");
  editor.job = 0;
  if (result.error) {
    editor.fail(new ServerError(result.error));
    return;
  }
  if (!result.stopped) show(editor, result.versions);
  editor.say(result.stopped ? "stopped" : "versions_made");
  editor.setState("ready");
}

/** Versions are of one fill: they go when the next step is taken. */
export function hideOldVersions(editor) {
  const list = editor.find(".versions");
  if (!list.hidden && (editor.versionsOf !== editor.painting?.done.at(-1) || !editor.photo)) list.hidden = true;
}

function show(editor, versions) {
  const list = editor.find(".versions");
  editor.versionsOf = editor.painting.done.at(-1);
  list.hidden = false;
  list.replaceChildren(...versions.map((version) => makeButton(editor, version)));
  press(list.firstElementChild);
  list.firstElementChild.focus();
}

function makeButton(editor, { number, model, detail, image }) {
  const button = document.createElement("button");
  const picture = document.createElement("img");
  const words = document.createElement("span");
  button.type = "button";
  picture.src = image;
  picture.alt = "";
  const several = editor.find("[data-name=model]").options.length > 1;
  const count = Math.round(detail * 100);
  words.textContent = editor.messages.format(several ? "version_by" : "version", { model, count });
  button.append(picture, words);
  button.addEventListener("click", () => choose(editor, button, number));
  return button;
}

function press(button) {
  for (const one of button.parentElement.children) one.setAttribute("aria-pressed", String(one === button));
}

async function choose(editor, button, number) {
  if (button.ariaPressed === "true") return;
  await editor.whileBusy(async () => {
    const { painting } = editor;
    const { patches } = await editor.server.call("choose_version", { photo: editor.photo.photo, number });
    await painting.applyPatches(patches);
    painting.done.at(-1).isSaved = false;
    painting.version += 1;
    press(button);
    editor.say("version_chosen");
  });
  button.focus();
}
