// The Repair tab's editor: buttons, keys and pointers on one side, the server on the other.
//
// Gradio hands over `element`, `props`, `trigger`, `watch`, `server` and `upload`; only `send` and `call`
// use the last two, so that the editor could stand on another page. Python reads this file after view.js
// and painting.js, in one scope with them.

const root = element;
const frame = root.closest("#repair-editor");
const find = (selector) => root.querySelector(selector);
const stage = find(".stage");
const canvas = find("canvas");
const sizeInput = find(".size input");
const view = new View(canvas);

let photo = null; // what the server said of the open photo
let painting = null;
let state = "empty";
let tool = "brush";
let job = 0; // number of the last fill that was asked for
let opening = 0;
let filesAddress = ""; // where the server hands out files
let hover = null;
let showsOriginal = false;
let spaceHeld = false;
let focusedByPointer = false;

class Refusal extends Error {} // a sentence from the server, to be shown as it is

async function send(file) {
  const sent = await upload(file);
  filesAddress = sent.url.slice(0, sent.url.indexOf("/file=") + "/file=".length);
  return sent.path;
}

async function call(name, message) {
  const answer = await server[name](message);
  if (!answer) throw new Refusal("Remend did not answer; look at the terminal it runs in.");
  if (answer.error) throw new Refusal(answer.error);
  return answer;
}

function say(text, isError = false) {
  window.remendSay?.(text, isError);
}

function setState(next) {
  state = next;
  frame.dataset.state = root.dataset.state = next;
  root.classList.toggle("has-photo", photo !== null);
  const idle = photo !== null && (state === "ready" || state === "error");
  find("#repair-fill").disabled = find("#repair-download").disabled = !idle;
  find("#repair-undo").disabled = !(idle && painting.done.length);
  find("#repair-redo").disabled = !(idle && painting.undone.length);
  for (const name of ["fit", "compare", "mask"]) find(`[data-do=${name}]`).disabled = !idle;
  find("[data-do=clear]").disabled = !(idle && painting.hasPaint);
  for (const name of ["brush", "eraser"]) {
    find(`[data-do=${name}]`).setAttribute("aria-pressed", String(tool === name));
  }
  redraw();
}

const isIdle = () => photo !== null && (state === "ready" || state === "error");

function fail(error) {
  const lost = "The connection to Remend is lost; see whether it still runs.";
  const known = error instanceof Refusal || !(error instanceof TypeError);
  say(known ? String(error.message ?? error) : lost, true);
  setState("error");
}

let isDrawPlanned = false;
function redraw() {
  if (isDrawPlanned) return;
  isDrawPlanned = true;
  requestAnimationFrame(() => {
    isDrawPlanned = false;
    if (!painting || !canvas.width) return;
    const brush = hover && isIdle() && !spaceHeld ? { ...hover, radius: sizeInput.value / 2 } : null;
    if (showsOriginal) view.draw(painting.original, null, null);
    else view.draw(painting.picture, painting.paint, brush);
  });
}

async function openPhoto(file) {
  if (!file || state === "busy") return;
  const turn = ++opening;
  setState("loading");
  say(`Opening ${file.name} …`);
  try {
    const path = await send(file);
    const opened = await call("open_photo", { path, replaces: photo?.photo });
    const image = await loadImage(opened.preview);
    if (turn !== opening) return;
    photo = opened;
    painting = new Painting(image, opened.previewWidth, opened.previewHeight);
    view.size = { width: opened.previewWidth, height: opened.previewHeight };
    view.fit();
    find(".facts").textContent = `${opened.name} · ${opened.width} × ${opened.height}`;
    say(["Paint over what shall go, then press Fill.", ...opened.notes].join(" "));
    setState("ready");
  } catch (error) {
    if (turn === opening) fail(error);
  }
}

async function fill() {
  if (!isIdle()) return;
  if (!painting.hasPaint) return say("Paint over what shall go first.");
  setState("busy");
  say("Filling …");
  job += 1;
  try {
    const { file, left, top } = await painting.maskFile();
    const mask = await send(file);
    trigger("fill", { photo: photo.photo, mask, left, top, job });
  } catch (error) {
    fail(error);
  }
}

watch("result", async () => {
  const result = props.result;
  if (!result || result.job !== job || state !== "busy") return;
  try {
    if (result.error) throw new Refusal(result.error);
    if (!result.stopped) {
      const { patches } = await call("changes", { photo: photo.photo });
      await painting.applyPatches(patches);
      painting.record({ kind: "fill" });
      say("Filled. Paint on, or download the photo.");
    }
    setState("ready");
  } catch (error) {
    fail(error);
  }
});

async function stop() {
  if (state !== "busy") return;
  try {
    const { stopped } = await call("stop", { photo: photo.photo, job });
    if (!stopped) return; // the fill was faster; its result is on the way
    job += 1;
    say("Stopped; nothing was changed.");
    setState("ready");
  } catch (error) {
    fail(error);
  }
}

// Undo and redo: steps of the paint are taken here, fills are taken back and brought back by the server.
async function step(name) {
  const entry = name === "undo" ? painting?.done.at(-1) : painting?.undone.at(-1);
  if (!isIdle() || !entry) return;
  try {
    if (entry.kind === "fill") {
      setState("busy");
      const { patches } = await call(name, { photo: photo.photo });
      await painting.applyPatches(patches);
    }
    painting[name]();
    say(name === "undo" ? "Taken back." : "Brought back.");
    setState("ready");
  } catch (error) {
    fail(error);
  }
}

async function download() {
  if (!isIdle()) return;
  setState("busy");
  try {
    const format = find("[data-name=format]").value;
    const { path, name } = await call("save", { photo: photo.photo, format });
    const link = document.createElement("a");
    link.href = filesAddress + path.split("/").map(encodeURIComponent).join("/");
    link.download = name;
    link.click();
    say(`${name} was made.`);
    setState("ready");
  } catch (error) {
    fail(error);
  }
}

function chooseMask() {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "image/*,.tif,.tiff";
  input.onchange = async () => {
    try {
      const path = await send(input.files[0]);
      const { overlay } = await call("read_mask_file", { photo: photo.photo, path });
      painting.addMask(await loadImage(overlay));
      say("The mask lies over the photo; paint on, or press Fill.");
      setState("ready");
    } catch (error) {
      fail(error);
    }
  };
  input.click();
}

function clearPaint() {
  if (!isIdle() || !painting.hasPaint) return;
  painting.record({ kind: "clear" });
  setState("ready");
}

function choose(next) {
  tool = next;
  setState(state);
}

function resizeBrush(factor) {
  sizeInput.value = Math.round(sizeInput.value * factor);
  redraw();
}

function showOriginal(isShown) {
  showsOriginal = isShown && painting !== null;
  redraw();
}

function fit() {
  view.fit();
  redraw();
}

function setFocusedByPointer(isByPointer) {
  focusedByPointer = isByPointer;
  stage.classList.toggle("by-pointer", isByPointer);
}

function holdSpace(isHeld) {
  spaceHeld = isHeld;
  root.classList.toggle("panning", isHeld);
  redraw();
}

// What the test of the page and other scripts may use: where a pixel of the photo lies on the page.
window.remendEditor = {
  toScreen: (x, y) =>
    view.toPage(
      ((x + 0.5) * photo.previewWidth) / photo.width,
      ((y + 0.5) * photo.previewHeight) / photo.height,
    ),
};

listen();
setState("empty");
