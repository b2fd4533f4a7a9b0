// The status line `#status`: one sentence a tab, of which the open tab's is shown.
//
// Gradio runs this file as the body of a function of `element`, `props` and `watch`, before any module is loaded, so
// that the line can speak at once. Python writes a sentence as the component's value, the editor's script through
// `window.remendStatus`; both end in the same property, so that neither overwrites the other unseen. A sentence
// about another tab, such as the end of a long work, waits until that tab is opened.

const language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
const messages = props.messages[language];

const spanOf = (tab, text, isError = false) => {
  const span = document.createElement("span");
  span.textContent = text;
  span.dataset.tab = tab;
  if (isError) span.className = "error";
  return span.outerHTML;
};

const lastSentences = {
  repair: spanOf("repair", messages.begin),
  upscale: spanOf("upscale", messages.choose_photo),
  models: spanOf("models", messages.models_say),
};
const begun = { ...lastSentences };
const NUMBERS = 1000; // of one millisecond, so that two browsers hardly ever choose the same
const [FIRST_MS, POLL_MS] = [500, 1000]; // until the first look where work stands, and between two
const LOST_MS = 10_000; // after which work that the server does not know has gone
const LATE_MS = 3000; // within which the server may not know of work yet, and a sentence be about work before it
let lastNumber = 0;
const newest = {}; // by tab: the number of what was asked or told last
const followed = {}; // by tab: the number of the work whose standing is shown, and the sentence that says it

let openTab = "repair";
document.body.dataset.tab = openTab; // the page's style goes by it

const show = () => {
  const stop = document.querySelector("#upscale-stop"); // is not there before its tab was opened
  if (stop) stop.disabled = !followed.upscale;
  element.querySelector(".dismiss")?.setAttribute("aria-label", messages.dismiss);
  if (props.value !== lastSentences[openTab]) props.value = lastSentences[openTab];
};

/** Ask where a piece of work stands, show it, and ask again, until its end is told or nothing is known of it. */
const follow = async (tab, work) => {
  if (followed[tab] !== work) return;
  const before = lastSentences[tab];
  const now = Date.now();
  const message = { job: work.number, waited: (now - work.begun) / 1000, language };
  const answer = await server.standing(message).catch(() => null);
  if (followed[tab] !== work) return;
  if (answer?.text) {
    work.known = now;
    work.missed = 0;
    if (lastSentences[tab] === before) {
      work.sentence = lastSentences[tab] = spanOf(tab, answer.text);
      show();
    }
  } else if (answer && lastSentences[tab] !== work.sentence) {
    // Once may be between its place in the queue and its beginning.
    work.missed += work.known > work.begun || now - work.begun > LATE_MS ? 1 : 0;
    if (work.missed > 1) followed[tab] = null; // what came of it is told
    show();
  }
  if (now - work.known < LOST_MS) setTimeout(follow, POLL_MS, tab, work);
  else lose(tab, answer ? messages.work_lost : messages.lost);
};

const lose = (tab, text) => {
  followed[tab] = null;
  lastSentences[tab] = spanOf(tab, text, true);
  show();
  window.dispatchEvent(new CustomEvent("remend-lost", { detail: tab }));
};

let known = new Set(); // the photos of the Upscale tab, by the path of each
let asked = []; // what the last work on all of them was asked for with

/** Values of the Upscale tab, the photos first, in a form that can be compared. */
const compared = ([photos, ...settings]) => JSON.stringify([(photos ?? []).map(({ path }) => path), ...settings]);

window.remendStatus = {
  /** What was chosen takes the place of what was there; Gradio's field has put it behind. */
  replacePhotos(files) {
    const chosen = (files ?? []).filter(({ path }) => !known.has(path));
    return this.keepPhotos(chosen.length > 0 ? chosen : files);
  },
  /** Photos that come behind those that are there. */
  addPhotos(files, more) {
    const there = new Set((files ?? []).map(({ path }) => path));
    return this.keepPhotos([...(files ?? []), ...(more ?? []).filter(({ path }) => !there.has(path))]);
  },
  keepPhotos(files) {
    known = new Set((files ?? []).map(({ path }) => path));
    return files;
  },
  /** The number of a piece of work, above all before it, also above those of the page before a reload. */
  nextNumber() {
    lastNumber = Math.max(lastNumber + 1, Date.now() * NUMBERS + Math.floor(Math.random() * NUMBERS));
    return lastNumber;
  },
  /** Say from now on where the work of a number stands. */
  follow(tab, number) {
    const now = Date.now();
    followed[tab] = { number, begun: now, known: now, missed: 0, sentence: lastSentences[tab] };
    setTimeout(follow, FIRST_MS, tab, followed[tab]);
    show();
  },
  /** Something is asked whose answer is a sentence; gives its number, which the sentence bears. */
  ask(tab) {
    newest[tab] = this.nextNumber();
    return newest[tab];
  },
  /** Begin work of a tab that has no script of its own; gives its number. */
  begin(tab) {
    const number = this.ask(tab);
    lastSentences[tab] = spanOf(tab, messages.upscaling);
    show();
    this.follow(tab, number);
    return number;
  },
  /** Begin the work on all photos of the Upscale tab, asked for with these values; gives its number. */
  beginAll(values) {
    asked = values;
    return this.begin("upscale");
  },
  /** Whether it was asked for with these values, so that its result stays: a field tells of its change late. */
  isAsked(values) {
    return compared(values) === compared(asked.slice(0, values.length));
  },
  /** Its work ends; gives a number above that of all work so far. */
  end(tab) {
    followed[tab] = null;
    show();
    return this.ask(tab);
  },
  /** Bring the Upscale tab's result into the window, where it is not: on a phone it lies below the dials. */
  showResult() {
    if (document.activeElement?.type === "range") return; // a slider that is being moved shall not go away
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    document.querySelector("#upscale-result").scrollIntoView({ block: "nearest", behavior });
  },
  /** Show a sentence about the Repair tab. */
  say(text, isError = false) {
    lastSentences.repair = spanOf("repair", text, isError);
    show();
  },
  /** Show the last sentence of the tab that was opened: "repair", "upscale" or "models". */
  showTab(tab) {
    openTab = tab;
    document.body.dataset.tab = tab;
    show();
    setTimeout(show); // the tab's own parts come in a moment
  },
};

// The value's change builds the line anew, so the whole component listens.
element.addEventListener("click", ({ target }) => {
  if (!target.closest(".dismiss")) return;
  lastSentences[openTab] = begun[openTab];
  show();
});

/** Take a sentence of Python's, unless it is late: it answers a question after which something was asked or told. */
const take = (tab, sentence) => {
  const number = Number(/data-number="(\d+)"/.exec(sentence)?.[1]);
  const isEnd = followed[tab]?.number === number; // of the work that is shown, which is always told
  if (sentence === lastSentences[tab] || (!isEnd && number < newest[tab])) return;
  lastSentences[tab] = sentence;
  if (isEnd) window.remendStatus.end(tab);
  else window.remendStatus.ask(tab); // what was asked before is late from now on
};

watch("value", () => {
  const tab = /data-tab="(\w+)"/.exec(props.value)?.[1];
  if (tab) take(tab, props.value);
  show();
});
setTimeout(show); // Gradio puts the first value in after this script
