// The chat: what was said, as a list of entries from which the log is drawn, and the next turn.

const log = el("div", { class: "log", role: "log", "aria-label": texts.chat, tabindex: "0" });
const questionInput = el("input", {
  class: "input", type: "text", maxlength: String(MAX_MESSAGE), placeholder: texts.placeholder, "aria-label": texts.placeholder,
  autocomplete: "off", enterkeyhint: "send", dir: "auto", role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list",
  "aria-controls": "suggestions",
});
let waiting = false;

async function say(text) {
  const message = beginning(text.trim(), MAX_MESSAGE);
  if (!message || waiting) return;
  waiting = true;
  closeSuggestions();
  questionInput.value = "";
  add({ who: "customer", text: message });
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
  waiting = false;
  if (!reply) {
    add({ who: "assistant", kind: "down", again: message });
    return;
  }
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
  // What the last entry asked is answered by what is said now.
  for (const asking of log.querySelectorAll(".asking")) asking.remove();
  const drawn = draw(entry, true);
  log.append(drawn);
  // Long answers are read from their beginning.
  drawn.scrollIntoView({ block: entry.who === "customer" ? "end" : "nearest" });
}

function drawLog() {
  const last = memory.entries.length - 1;
  log.replaceChildren(greeting(), ...memory.entries.map((entry, place) => draw(entry, place === last)));
  log.scrollTop = log.scrollHeight;
}

function draw(entry, newest) {
  if (entry.who === "customer") {
    // With a direction of its own, our word does not decide that of the customer's.
    return el("p", { class: "bubble mine", dir: "auto" }, el("span", { class: "unseen", dir: "ltr" }, `${texts.you}: `), entry.text);
  }
  const box = el("div", { class: "theirs" });
  if (entry.kind === "down") {
    const again = newest && button(texts.retry, () => say(entry.again), "quiet asking");
    box.append(el("p", { class: "bubble" }, texts.down), el("div", { class: "row" }, contactLink(), again));
    return box;
  }
  const passage = el("p", { class: "passage", lang: entry.lang, dir: "auto" }, entry.text);
  const about = (one) => ({ id: one.id, type: one.type, query_id: entry.query_id, position: one.position });
  box.append(el("div", { class: entry.source ? "bubble answer" : "bubble" }, passage, entry.source && sourceLink(entry.source, about(entry.source))));
  for (const one of entry.choices || []) box.append(titleButton(one, about(one)));
  if (newest) box.append(...asking(entry));
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
  questionInput.focus();
  await say(text);
}

const foreign = (lang) => lang && lang.slice(0, 2) !== textLang && el("span", { class: "tag" }, languageName(lang));

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

function greeting() {
  return el("div", { class: "greeting" }, el("p", { class: "big" }, texts.title), el("p", { class: "soft" }, texts.intro), starters);
}

// What others asked; and whether the service is there at all, before anything is typed in vain.
async function loadStarters() {
  try {
    const { suggestions } = await ask(`v1/suggest?q=&limit=4&lang=${encodeURIComponent(pageLang)}`);
    const asked = suggestions.filter((line) => line.kind === "query");
    if (asked.length) {
      starters.replaceChildren(el("span", { class: "soft" }, texts.popular), ...asked.map((line) => button(line.text, () => answer(line.text), "pill", { dir: "auto" })));
    }
  } catch {
    if (!memory.entries.length) starters.replaceChildren(el("p", { role: "alert" }, texts.down), contactLink() || "");
  }
}
