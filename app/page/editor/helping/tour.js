// The first steps, on an example: paint, fill, compare. Each is over when it is done, and all can be skipped.

import { makePainting, loadPreview } from "../photo/painting.js";

const STEPS = [
  { message: "tour_paint", at: ".stage", isDone: ({ painting }) => painting?.hasPaint },
  { message: "tour_fill", at: "#repair-fill", isDone: ({ painting }) => painting?.fills > 0 },
  { message: "tour_compare", at: "[data-do=original]", isDone: () => false },
];

export function listenForTour(editor) {
  editor.find("[data-do=example]").addEventListener("click", (event) => {
    event.stopPropagation(); // a click on the empty stage opens files
    openExample(editor);
  });
  editor.find("[data-do=skip]").addEventListener("click", () => end(editor));
}

async function openExample(editor) {
  const { album, server } = editor;
  const number = editor.beginOpening(editor.messages.format("example"));
  try {
    const opened = await server.call("open_example", {});
    const image = await loadPreview(opened.preview);
    if (number !== editor.opening) return;
    album.items = [];
    editor.tour = 0;
    editor.showPainting(album.add(opened.name, { photo: opened.photo, opened }), makePainting(opened, image));
  } catch (error) {
    if (number === editor.opening) editor.fail(error);
  }
}

/** Go on where a step is done; called after every change. */
export function followTour(editor) {
  const step = STEPS[editor.tour];
  const card = editor.find(".tour");
  card.hidden = !step || !editor.photo;
  if (card.hidden) {
    if (step) end(editor);
    return;
  }
  if (step.isDone(editor)) {
    editor.tour += 1;
    followTour(editor);
    return;
  }
  const { messages } = editor;
  const values = { count: editor.tour + 1, total: STEPS.length };
  card.querySelector("strong").textContent = messages.format("tour_step", values);
  const text = messages.format(step.message);
  const told = card.querySelector("p");
  if (told.textContent !== text) told.textContent = text;
  mark(editor, step.at);
}

function end(editor) {
  editor.tour = null;
  editor.find(".tour").hidden = true;
  mark(editor, null);
}

function mark(editor, selector) {
  editor.find(".pointed")?.classList.remove("pointed");
  if (selector) editor.find(selector)?.classList.add("pointed");
}
