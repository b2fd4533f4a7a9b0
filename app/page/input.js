// Pointers, keys, dropped and pasted files: what they mean to the editor. Read after editor.js's functions
// are declared; `listen` is called once.

function listen() {
  const buttons = {
    brush: () => choose("brush"),
    eraser: () => choose("eraser"),
    fit,
    mask: chooseMask,
    clear: clearPaint,
    stop,
  };
  for (const [name, act] of Object.entries(buttons)) {
    find(`[data-do=${name}]`).addEventListener("click", act);
  }
  find("#repair-fill").addEventListener("click", fill);
  find("#repair-undo").addEventListener("click", () => step("undo"));
  find("#repair-redo").addEventListener("click", () => step("redo"));
  find("#repair-download").addEventListener("click", download);
  sizeInput.addEventListener("input", redraw);
  listenForFiles();
  listenForPointers();
  listenForKeys();
  listenForCompare(find("[data-do=compare]"));
  new ResizeObserver(() => view.measure() && redraw()).observe(canvas);
}

const isShown = () => root.offsetParent !== null;

function listenForFiles() {
  const input = find(".file input");
  input.addEventListener("change", () => {
    openPhoto(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  const drop = (event) => {
    event.preventDefault();
    stage.classList.toggle("dropping", event.type === "dragover");
    if (event.type === "drop") openPhoto(event.dataTransfer.files[0]);
  };
  for (const type of ["dragover", "dragleave", "drop"]) root.addEventListener(type, drop);
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (isShown() && file) openPhoto(file);
  });
}

function listenForPointers() {
  const pointers = new Map();
  let mode = null; // "paint", "pan" or "pinch"

  const middle = () => {
    const [one, other] = [...pointers.values()];
    const apart = Math.hypot(one.x - other.x, one.y - other.y);
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!photo || event.button > 1) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    setFocusedByPointer(true);
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pointers.size === 2) {
      if (mode === "paint") painting.abandonStroke();
      mode = "pinch";
    } else if (event.button === 1 || spaceHeld) {
      mode = "pan";
    } else if (isIdle() && pointers.size === 1) {
      mode = "paint";
      const [x, y] = view.toPreview(event.clientX, event.clientY);
      painting.beginStroke(x, y, sizeInput.value / 2 / view.zoom, tool === "eraser");
    }
    redraw();
  });

  canvas.addEventListener("pointermove", (event) => {
    hover = event.pointerType === "touch" ? null : { x: event.clientX, y: event.clientY };
    const before = pointers.get(event.pointerId);
    if (before) {
      if (mode === "paint") {
        const events = event.getCoalescedEvents?.() ?? [];
        for (const { clientX, clientY } of events.length ? events : [event]) {
          painting.extendStroke(...view.toPreview(clientX, clientY));
        }
      } else if (mode === "pan") {
        view.pan(event.clientX - before.x, event.clientY - before.y);
      }
      const from = mode === "pinch" && pointers.size === 2 ? middle() : null;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (from) {
        const to = middle();
        view.zoomAt(from.x, from.y, to.apart / (from.apart || 1));
        view.pan(to.x - from.x, to.y - from.y);
      }
    }
    redraw();
  });

  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (mode === "paint") {
      if (event.type === "pointercancel") painting.abandonStroke();
      else painting.endStroke();
      setState("ready");
    }
    // After a pinch the finger that stays must not paint.
    mode = pointers.size ? "pinch" : null;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    hover = null;
    redraw();
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!photo) return;
      event.preventDefault();
      view.zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)));
      redraw();
    },
    { passive: false },
  );
}

function listenForKeys() {
  const zoomBy = (factor) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    view.zoomAt(left + width / 2, top + height / 2, factor);
    redraw();
  };
  const onStage = {
    Enter: fill,
    b: () => choose("brush"),
    e: () => choose("eraser"),
    "+": () => zoomBy(1.25),
    "-": () => zoomBy(0.8),
    0: fit,
    " ": () => holdSpace(true),
  };

  stage.addEventListener("keydown", (event) => {
    if (!photo || event.ctrlKey || event.metaKey || event.altKey) return;
    // Who came here by keyboard leaves with Tab; who came by pointer holds it to compare.
    if (event.key === "Tab" && focusedByPointer && !event.shiftKey) {
      event.preventDefault();
      showOriginal(true);
    } else if (onStage[event.key]) {
      event.preventDefault();
      if (!event.repeat) onStage[event.key]();
    }
  });
  const letGo = () => {
    showOriginal(false);
    holdSpace(false);
  };
  stage.addEventListener("keyup", (event) => {
    if (event.key === "Tab") showOriginal(false);
    if (event.key === " ") holdSpace(false);
  });
  stage.addEventListener("blur", () => {
    setFocusedByPointer(false);
    letGo();
  });
  window.addEventListener("blur", letGo);

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input:not([type=range]), textarea, select, [contenteditable]");
    if (!photo || !isShown() || isTyping) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      step(key === "y" || event.shiftKey ? "redo" : "undo");
    } else if (key === "[" || key === "]") {
      resizeBrush(key === "[" ? 0.8 : 1.25);
    } else if (key === "escape") {
      stop();
    }
  });
}

function listenForCompare(button) {
  const show = () => showOriginal(true);
  const hide = () => showOriginal(false);
  button.addEventListener("pointerdown", show);
  for (const type of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) {
    button.addEventListener(type, hide);
  }
  button.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") show();
  });
}
