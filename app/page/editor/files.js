// Photos that come in by button, drop or paste, and files that are downloaded.

import { filesOfDrop, picturesOf, takePhotos } from "./album/coming.js";

export function listenForFiles(editor) {
  for (const [selector, choose] of [[".file input", (files) => [...files]], [".folder input", picturesOf]]) {
    const input = editor.find(selector);
    input.addEventListener("change", () => {
      takePhotos(editor, choose(input.files));
      input.value = ""; // so that the same file can be chosen again
    });
  }
  // The whole window: a file that is dropped beside what takes it would replace the page.
  for (const type of ["dragover", "dragleave", "drop"]) window.addEventListener(type, (event) => drop(editor, event));
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (editor.isShown) takePhotos(editor, files.filter(({ type }) => type.startsWith("image/")));
  });
}

/** Let the person choose photos, as the button does. */
export function chooseFiles(editor) {
  editor.find(".file input").click();
}

function drop(editor, event) {
  const isFile = event.dataTransfer.types.includes("Files");
  editor.stage.classList.toggle("dropping", isFile && event.type === "dragover");
  if (event.defaultPrevented || !isFile) return; // a component of Gradio takes it, or it is no file
  event.preventDefault();
  if (event.type !== "drop") return;
  const { files } = event.dataTransfer;
  if (editor.isShown) filesOfDrop(event.dataTransfer).then((found) => takePhotos(editor, found));
  else giveToTab(files);
}

/** Hand files to the open tab, where it takes some; its field is away for a moment while other files come. */
function giveToTab(files, triesLeft = 10) {
  const inputs = [...document.querySelectorAll("input[type=file]")];
  const input = inputs.find(({ parentElement }) => parentElement.offsetParent !== null);
  if (input) {
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  } else if (triesLeft > 0) {
    setTimeout(giveToTab, 200, files, triesLeft - 1);
  }
}

/**
 * Let the person choose one file.
 *
 * @param {string} accept Kinds of files, as for `<input accept>`.
 * @returns {Promise<File | null>} Null if the choice was cancelled.
 */
export function pickFile(accept) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve(input.files[0]));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}

/** Download a file under a name. */
export function saveAs(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
