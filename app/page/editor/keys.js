// The keyboard. It reaches everything but painting by hand, which a box moved by the arrow keys replaces.

const TOOLS = { b: "brush", e: "eraser", r: "box", l: "lasso" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listenForKeys(editor) {
  const { stage } = editor;
  const onStage = {
    Enter: () => editor.fill(),
    m: () => editor.isIdle && editor.addOutline(),
    M: () => editor.isIdle && editor.addOutline(true),
    "+": () => editor.zoomBy(1.25),
    "-": () => editor.zoomBy(0.8),
    0: () => editor.fit(),
    " ": () => editor.holdSpace(true),
  };
  for (const [key, tool] of Object.entries(TOOLS)) onStage[key] = () => editor.choose(tool);

  stage.addEventListener("keydown", (event) => {
    if (!editor.photo || event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    // Who came here by keyboard leaves with Tab; who came by pointer holds it to compare.
    if (event.key === "Tab" && editor.focusedByPointer && !event.shiftKey) {
      event.preventDefault();
      editor.showOriginal(true);
    } else if (ARROWS[event.key] && editor.isIdle) {
      event.preventDefault();
      moveBox(editor, ...ARROWS[event.key], event.shiftKey);
    } else if (onStage[event.key]) {
      event.preventDefault();
      if (!event.repeat) onStage[event.key]();
    }
  });
  const letGo = () => {
    editor.showOriginal(false);
    editor.holdSpace(false);
  };
  stage.addEventListener("keyup", (event) => {
    if (event.key === "Tab") editor.showOriginal(false);
    if (event.key === " ") editor.holdSpace(false);
  });
  stage.addEventListener("blur", () => {
    editor.setFocusedByPointer(false);
    letGo();
  });
  window.addEventListener("blur", letGo);

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.(
      "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]",
    );
    if (!editor.photo || !editor.isShown || isTyping) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      editor.step(key === "y" || event.shiftKey ? "redo" : "undo");
    } else if (key === "[" || key === "]") {
      editor.resizeBrush(key === "[" ? 0.8 : 1.25);
    } else if (key === "escape") {
      editor.stop();
    }
  });
}

// Show a box in the middle of the stage; then move it by steps as wide as the brush's quarter, or resize it.
function moveBox(editor, across, down, resizes) {
  const { view, canvas } = editor;
  const area = canvas.getBoundingClientRect();
  const step = Math.max(1, editor.sizeInput.value / 4) / view.zoom;
  if (editor.outline?.length !== 4) {
    const [x, y] = view.toPreview(area.left + area.width / 2, area.top + area.height / 2);
    editor.outline = boxOf([x - 4 * step, y - 4 * step], [x + 4 * step, y + 4 * step]);
  } else {
    const [[left, top], , [right, bottom]] = editor.outline;
    const [dx, dy] = [across * step, down * step];
    const corner = [Math.max(right + dx, left + 1), Math.max(bottom + dy, top + 1)];
    editor.outline = resizes ? boxOf([left, top], corner) : boxOf([left + dx, top + dy], [right + dx, bottom + dy]);
  }
  editor.say("box_shown");
  editor.redraw();
}

export function boxOf([left, top], [right, bottom]) {
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}
