// Launcher and panel: views, focus, keys, and the shadow root that keeps the page's styles out and ours in.

const personButton = button([icon("person"), texts.person], () => openPerson("customer_request", questionInput.value), "human");
const askForm = el("form", { class: "ask", submit: (submit) => { submit.preventDefault(); say(questionInput.value); } },
  suggestionList, lengthNote, questionInput, el("button", { type: "submit", class: "send", "aria-label": texts.send }, icon("send")));
const chatView = el("div", { class: "view chat" }, log, askForm);
const views = { chat: chatView, article: articleView, person: personView };

const backButton = button(icon("back"), () => show("chat", true), "icon", { "aria-label": texts.back, hidden: true });
const closeButton = button(icon("close"), () => closePanel(), "icon", { "aria-label": texts.close });
const panelTitle = el("h2", { id: "title" }, given.title || texts.launcher);
const panel = el("section", { class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true, keydown: onKey, mousedown: keepFocus },
  el("header", {}, backButton, panelTitle, closeButton), chatView, articleView, personView, el("div", { class: "foot" }, personButton));
const launcher = button([icon("help"), el("span", {}, given.label || texts.launcher)], () => openPanel(), "launcher",
  { "aria-haspopup": "dialog", "aria-expanded": "false", hidden: given.launcher === "none" });

const host = document.createElement("div");
const root = host.attachShadow({ mode: "open" });
let loaded = false;
let returnTo = null;

function mount() {
  host.lang = textLang;
  if (given.theme) host.dataset.theme = given.theme;
  host.dataset.side = given.side || (getComputedStyle(document.documentElement).direction === "rtl" ? "left" : "right");
  const own = `${STYLE}\n:host { --place: ${number}; }`;
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(own);
    root.adoptedStyleSheets = [sheet];
  } catch {
    // Browsers before 2023.
    root.append(el("style", {}, own));
  }
  root.append(launcher, panel);
  show("chat");
  stand();
  emit("ready", {});
}

// Beside body, so that what a framework replaces in it leaves the widget alone.
function stand() {
  if (host.isConnected) return;
  document.documentElement.append(host);
  raise();
}

// Brought back by the browser as it was left: the chat has perhaps gone on on another page since.
addEventListener("pageshow", (shown) => {
  if (!shown.persisted) return;
  Object.assign(memory, recall(memoryName));
  if (loaded) drawLog();
});

// Into the top layer, on top: above every z-index, and out of reach of transforms and filters of the page.
function raise() {
  if (!host.showPopover) return;
  host.popover = "manual";
  if (host.matches(":popover-open")) host.hidePopover();
  host.showPopover();
}

function show(name, focus) {
  for (const [of, view] of Object.entries(views)) view.hidden = of !== name;
  backButton.hidden = name === "chat";
  personButton.parentNode.hidden = name === "person";
  if (focus) focusQuestion();
}

// On a touch screen the keyboard would cover half of what there is to read.
const focusQuestion = () => (matchMedia("(pointer: coarse)").matches ? closeButton : questionInput).focus();

function openPanel() {
  if (!panel.hidden) return;
  returnTo = root.activeElement || document.activeElement;
  raise();
  panel.hidden = false;
  launcher.setAttribute("aria-expanded", "true");
  host.dataset.open = "";
  if (!loaded) {
    loaded = true;
    drawLog();
  }
  if (startersDue) loadStarters();
  focusQuestion();
  emit("open", {});
}

function closePanel() {
  if (panel.hidden) return;
  panel.hidden = true;
  launcher.setAttribute("aria-expanded", "false");
  delete host.dataset.open;
  // Out of what is hidden now, for which the browser would wait until it draws; to what opened it: that may be gone or
  // hidden by now, or take no focus.
  root.activeElement?.blur();
  returnTo?.focus();
  if (!returnTo?.matches(":focus")) launcher.focus();
  emit("close", {});
}

// The sheet over the panel that just opened (see the style sheet) takes presses, and no focus.
function keepFocus(press) {
  if (press.target === panel) press.preventDefault();
}

function onKey(press) {
  // Keys that compose a character are not meant for us.
  if (press.isComposing) return;
  if (press.key === "Escape") {
    press.stopPropagation();
    if (chatView.hidden) show("chat", true);
    else closePanel();
  }
  // On a phone the panel covers the page; the keyboard then stays in it.
  if (press.key === "Tab" && matchMedia("(max-width: 480px)").matches) stayInside(press);
}

// From the last stop to the first and back. What lies between is the browser's to know: tables that scroll, for one.
function stayInside(press) {
  const stops = [...panel.querySelectorAll("button, a[href], input, textarea")].filter((one) => !one.disabled && one.checkVisibility());
  const ends = [stops[0], stops[stops.length - 1]];
  const [from, to] = press.shiftKey ? ends : ends.reverse();
  if (root.activeElement !== from) return;
  press.preventDefault();
  to.focus();
}
