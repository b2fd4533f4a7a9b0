// Photos that come in by button, drop or paste, and files that are downloaded.

export function listenForFiles(editor) {
  const { root, stage } = editor;
  const input = editor.find(".file input");
  input.addEventListener("change", () => {
    editor.openPhoto(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  const drop = (event) => {
    event.preventDefault();
    stage.classList.toggle("dropping", event.type === "dragover");
    if (event.type === "drop") editor.openPhoto(event.dataTransfer.files[0]);
  };
  for (const type of ["dragover", "dragleave", "drop"]) root.addEventListener(type, drop);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const file = files.find(({ type }) => type.startsWith("image/"));
    if (editor.isShown && file) editor.openPhoto(file);
  });
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
