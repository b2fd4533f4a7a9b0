// The sliders, with their numbers beside them and spoken, and the model, where there is a choice.

const SHOWN_MS = 900; // how long the brush's ring stays after its size was changed

export function listenForDials(editor) {
  for (const slider of sliders(editor)) slider.addEventListener("input", () => tell(editor, slider));
  editor.sizeInput.addEventListener("input", () => showRing(editor));
}

/** Write the numbers anew, after sliders were set by a script. */
export function tellDials(editor) {
  for (const slider of sliders(editor)) tell(editor, slider);
}

/** Show the brush's ring with its size for a moment, also where no pointer is. */
export function showRing(editor) {
  clearTimeout(editor.ringTimer);
  editor.showsSize = true;
  editor.ringTimer = setTimeout(() => {
    editor.showsSize = false;
    editor.redraw();
  }, SHOWN_MS);
  tell(editor, editor.sizeInput);
  editor.redraw();
}

/** What a fill is asked for beside the paint. */
export function settingsOf(editor) {
  const value = (name) => editor.find(`[data-name=${name}]`).value;
  return { model: value("model"), grow: Number(value("grow")), detail: Number(value("detail")) };
}

/** Offer these models; the choice is only shown where there is one. */
export function offerModels(editor, names) {
  const choice = editor.find("[data-name=model]");
  const wanted = choice.value || editor.wantedModel;
  choice.replaceChildren(...names.map((name) => new Option(name, name)));
  if (names.includes(wanted)) choice.value = wanted;
  editor.find(".model").hidden = names.length < 2;
}

const sliders = ({ root }) => root.querySelectorAll("input[type=range][data-unit]");

function tell(editor, slider) {
  const isShare = slider.dataset.unit === "percent";
  const count = isShare ? Math.round(slider.value * 100) : slider.value;
  const output = editor.find(`output[for="${slider.id}"]`);
  if (output) output.textContent = editor.messages.format(isShare ? "in_percent" : "in_pixels", { count });
  slider.setAttribute("aria-valuetext", editor.messages.format(isShare ? "in_percent" : "spoken_pixels", { count }));
}
