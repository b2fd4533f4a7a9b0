// Photos that come in by button, drop or paste, and files that go out.

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
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (editor.isShown && file) editor.openPhoto(file);
  });
}

// Let the person choose one file; null if they think better of it.
export function pickFile(accept) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  return new Promise((resolve) => {
    input.onchange = () => resolve(input.files[0]);
    input.oncancel = () => resolve(null);
    input.click();
  });
}

export function saveAs(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
