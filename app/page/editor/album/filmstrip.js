// The photos of the album in a row, what can be done with all of them, and how far that is.

import { keepWork } from "../memory.js";
import { askToDiscard } from "../shell/question.js";
import { downloadAll, fillAll, maskForAll, stopBatch, suggestInAll } from "./batch.js";
import { takePhotos } from "./coming.js";

const KEEPS_NEXT_MS = 200; // of quiet, after which the next photo is fetched
const POINTS_MS = 60; // a pointer that stays so long on a photo is about to choose it

const ACTIONS = {
  "suggest-all": suggestInAll,
  "mask-all": maskForAll,
  "fill-all": fillAll,
  "download-all": downloadAll,
  "stop-all": stopBatch,
  "close-album": closeAlbum,
};

export function listenForAlbum(editor) {
  const { album } = editor;
  const list = editor.find(".frames");
  const frames = new Map(); // by item
  for (const [name, act] of Object.entries(ACTIONS)) {
    editor.find(`[data-do=${name}]`).addEventListener("click", () => act(editor));
  }
  const adding = editor.find(".adding input");
  adding.addEventListener("change", () => {
    takePhotos(editor, [...adding.files]);
    adding.value = "";
  });
  list.addEventListener("keydown", (event) => pressInList(editor, event));
  let nextTimer = 0;
  album.listen = () => {
    render(editor, list, frames);
    keepWork(editor);
    clearTimeout(nextTimer);
    if (album.isMany) nextTimer = setTimeout(() => editor.isIdle && album.prefetch(album.beside(1)), KEEPS_NEXT_MS);
  };
}

async function closeAlbum(editor) {
  const { album } = editor;
  if (editor.state === "busy" || album.batch) {
    editor.say("busy");
    return;
  }
  if (album.hasUnsaved && !(await askToDiscard(editor, "discard_album"))) return;
  editor.leavePhoto();
  editor.say("begin");
}

function pressInList(editor, event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const frame = step < 0 ? event.target.previousElementSibling : event.target.nextElementSibling;
  frame?.focus();
  frame?.click();
}

function render(editor, list, frames) {
  const { album } = editor;
  const film = editor.find(".film");
  film.hidden = !album.isMany;
  editor.find(".sheet").classList.toggle("single", film.hidden);
  if (film.hidden) {
    list.replaceChildren();
    frames.clear();
    return;
  }
  for (const [item, frame] of frames) {
    if (album.items.includes(item)) continue;
    frame.remove();
    frames.delete(item);
  }
  for (const item of album.items) {
    if (!frames.has(item)) frames.set(item, list.appendChild(makeFrame(editor, item)));
    update(editor, item, frames.get(item));
  }
  const good = album.opened.filter(({ error }) => !error);
  const values = { count: good.indexOf(album.shown) + 1, total: good.length };
  editor.find(".film-count").textContent = editor.messages.format("film_count", values);
  showProgress(editor);
}

function makeFrame(editor, item) {
  const frame = editor.find(".frame-template").content.firstElementChild.cloneNode(true);
  frame.addEventListener("click", () => {
    if (item.error) editor.tell(item.error);
    else editor.album.show(item);
  });
  let timer = 0;
  frame.addEventListener("pointerenter", () => {
    timer = setTimeout(() => editor.isIdle && editor.album.prefetch(item), POINTS_MS);
  });
  frame.addEventListener("pointerleave", () => clearTimeout(timer));
  return frame;
}

const looks = new WeakMap(); // of a frame, so that with hundreds of photos only what changes is written

function update({ album, messages }, item, frame) {
  const state = album.batch?.item === item ? "working" : album.stateOf(item);
  const isShown = item === album.shown;
  const look = JSON.stringify([state, isShown, item.thumb, item.error, item.trouble]);
  if (looks.get(frame) === look) return;
  looks.set(frame, look);
  const image = frame.querySelector("img");
  if (item.thumb && image.getAttribute("src") !== item.thumb) image.src = item.thumb;
  frame.dataset.state = state;
  frame.tabIndex = isShown ? 0 : -1;
  const text = messages.format("film_item", { name: item.name, state: messages.format(`film_${state}`) });
  frame.title = item.error ?? item.trouble ?? text;
  frame.setAttribute("aria-label", text);
  if (frame.ariaSelected !== String(isShown)) {
    frame.ariaSelected = String(isShown);
    if (isShown) frame.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

function showProgress(editor) {
  const { album, messages } = editor;
  const { batch } = album;
  const isComing = album.items.some(({ photo, error }) => !photo && !error);
  editor.find(".film-tools").classList.toggle("running", batch !== null);
  for (const button of editor.root.querySelectorAll("[data-all]")) button.disabled = batch !== null || isComing;
  const bar = editor.find(".film-progress progress");
  bar.max = batch?.total ?? 1;
  bar.value = Math.max(0, (batch?.at ?? 1) - 1);
  const text = batch ? messages.format(`${batch.kind}_runs`, { count: batch.at, total: batch.total }) : "";
  // On a phone the tools are in the sheet; what runs shall be seen nevertheless.
  if (batch && editor.root.classList.contains("compact")) editor.find(".film-count").textContent = text;
  const told = editor.find(".film-progress span");
  if (told.textContent !== text) told.textContent = text;
}
