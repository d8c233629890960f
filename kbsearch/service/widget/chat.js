// The chat: what was said, as a list of entries from which the log is drawn, and the next turn.

const log = el("div", { class: "log", role: "log", "aria-label": texts.chat, tabindex: "0" });
const questionInput = el("input", {
  class: "input", type: "text", maxlength: "10000", placeholder: texts.placeholder, "aria-label": texts.placeholder,
  autocomplete: "off", enterkeyhint: "send", dir: "auto", role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list",
  "aria-controls": "suggestions", input: checkLength,
});
const lengthNote = el("p", { id: "length", class: "problem", role: "alert", hidden: true });
// The turn under way.
let answering = null;

const tooLong = (text) => [...text].length > MAX_MESSAGE;

// Said while it is typed or pasted: nothing is cut, and the form takes it whole.
function checkLength() {
  const long = tooLong(questionInput.value.trim());
  if (long === !lengthNote.hidden) return;
  lengthNote.textContent = long ? texts.too_long.replace("{limit}", MAX_MESSAGE) : "";
  lengthNote.hidden = !long;
  for (const [name, value] of [["aria-invalid", "true"], ["aria-describedby", "length"]]) {
    if (long) questionInput.setAttribute(name, value);
    else questionInput.removeAttribute(name);
  }
}

async function say(text) {
  const message = text.trim();
  if (!message || answering) return;
  closeSuggestions();
  const long = tooLong(message);
  questionInput.value = long ? message : "";
  checkLength();
  if (long) return;
  add({ who: "customer", text: message });
  await answerLast();
}

const unanswered = () => memory.entries.at(-1)?.who === "customer";

function answerLast() {
  answering = takeTurn(memory.entries.at(-1).text).finally(() => (answering = null));
  return answering;
}

async function takeTurn(message) {
  const pause = el("p", { class: "bubble wait", role: "status" }, el("span", { class: "unseen" }, texts.wait), el("i"), el("i"), el("i"));
  log.append(pause);
  pause.scrollIntoView({ block: "end" });
  let reply;
  try {
    reply = await ask("v1/chat", { message, conversation: memory.conversation, lang: pageLang, session, analytics: counted });
  } catch (error) {
    console.warn(`kbsearch: ${error.message}`);
    // A conversation that this service does not take (another version began it) would be refused for ever.
    if (error.status === 422) memory.conversation = null;
  }
  pause.remove();
  if (!reply) {
    const box = downBox();
    log.append(box);
    box.scrollIntoView({ block: "nearest" });
    return;
  }
  if (startersDue) loadStarters();
  memory.conversation = reply.conversation;
  memory.confidence = reply.decision ? reply.decision.confidence : memory.confidence;
  noteOnce(memory.queryIds, reply.query_id);
  for (const one of [reply.source, ...reply.choices]) noteOnce(memory.shown, one && one.id);
  const { kind, lang, source, choices, query_id, reason: why } = reply;
  add({ who: "assistant", text: unescaped(reply.text), kind, lang, source, choices, query_id, reason: why });
  emit("reply", { kind, query_id, text: message });
  if (kind === "human") openPerson(why);
}

function add(entry) {
  memory.entries = [...memory.entries, entry].slice(-60);
  keepMemory();
  // What the last entry asked is answered by what is said now, and a failure is past.
  for (const past of log.querySelectorAll(".asking, .down")) past.remove();
  const drawn = draw(entry, true);
  log.append(drawn);
  // Long answers are read from their beginning.
  drawn.scrollIntoView({ block: entry.who === "customer" ? "end" : "nearest" });
}

function drawLog() {
  const last = memory.entries.length - 1;
  log.replaceChildren(greeting(), ...memory.entries.map((entry, place) => draw(entry, place === last)));
  log.scrollTop = log.scrollHeight;
  // The customer went to another page before the answer came.
  if (unanswered() && !answering) answerLast();
}

function draw(entry, newest) {
  if (entry.who === "customer") {
    // With a direction of its own, our word does not decide that of the customer's.
    return el("p", { class: "bubble mine", dir: "auto" }, el("span", { class: "unseen", dir: "ltr" }, `${texts.you}: `), entry.text);
  }
  const box = el("div", { class: "theirs" });
  const passage = el("p", { class: "passage", lang: entry.lang, dir: "auto" }, entry.text);
  const about = (one) => ({ id: one.id, type: one.type, query_id: entry.query_id, position: one.position });
  box.append(el("div", { class: entry.source ? "bubble answer" : "bubble" }, passage, entry.source && sourceLink(entry.source, about(entry.source))));
  for (const one of entry.choices || []) box.append(titleButton(one, about(one)));
  if (newest) box.append(...asking(entry));
  return box;
}

// In place of an answer; no entry, since nothing was said.
function downBox() {
  const again = button(texts.retry, () => {
    box.remove();
    focusQuestion();
    answerLast();
  }, "quiet");
  const box = el("div", { class: "theirs down" }, el("p", { class: "bubble" }, texts.down), el("div", { class: "row" }, contactLink(), again));
  return box;
}

// What can be pressed under the newest entry.
function asking(entry) {
  if (entry.source) {
    return [el("div", { class: "row asking" }, el("span", { class: "soft" }, texts.helpful),
      button(texts.yes, () => answer(texts.yes)), button(texts.no, () => answer(texts.no)))];
  }
  if (entry.kind === "choices") return [el("div", { class: "row asking" }, button(texts.none, () => answer(texts.none)))];
  if (entry.reason) return [el("div", { class: "row asking" }, button([icon("person"), texts.person], () => openPerson(entry.reason), "main"))];
  return [];
}

async function answer(text) {
  // The pressed button goes away with its entry.
  focusQuestion();
  await say(text);
}

const foreign = (lang) => lang && lang !== "und" && languageOf(lang) !== textLang && el("span", { class: "tag" }, languageName(lang));

function sourceLink(source, about) {
  return el("button", { type: "button", class: "source", click: () => follow(about) },
    icon("article"), el("span", { class: "name", lang: source.lang, dir: "auto" }, source.title), foreign(source.lang),
    el("span", { class: "unseen" }, ` – ${texts.read}`));
}

function titleButton(one, about) {
  return el("button", { type: "button", class: "choice", click: () => follow(about) },
    icon("article"), el("span", { class: "name", lang: one.lang, dir: "auto" }, one.title), foreign(one.lang));
}

function follow(about) {
  report("click", about);
  openArticle(about);
}

const starters = el("div", { class: "row" });
let startersDue = true;

function greeting() {
  return el("div", { class: "greeting" }, el("p", { class: "big" }, texts.title), el("p", { class: "soft" }, texts.intro), starters);
}

// What others asked; and whether the service is there at all, before anything is typed in vain.
async function loadStarters() {
  startersDue = false;
  try {
    const { suggestions } = await ask(`v1/suggest?q=&limit=4&lang=${encodeURIComponent(pageLang)}`);
    const asked = suggestions.filter((line) => line.kind === "query");
    const pills = asked.map((line) => button(line.text, () => answer(line.text), "pill", { dir: "auto" }));
    starters.replaceChildren(...(pills.length ? [el("span", { class: "soft" }, texts.popular), ...pills] : []));
  } catch {
    startersDue = true;
    if (!memory.entries.length) starters.replaceChildren(el("p", { role: "alert" }, texts.down), contactLink() || "");
  }
}
