// What the page says in the script tag, and what the browser lets us remember.

const script = document.currentScript || document.querySelector('script[src*="widget.js"]');
const given = script ? script.dataset : {};
const kb = given.kb || "";
// A copy of this file on another host names the service; otherwise it is where the file came from.
const base = /^https?:/.test(kb) ? kb.replace(/\/*$/, "/") : new URL(".", (script && script.src) || location.href).href;
const isLanguage = (code) => /^[a-z]{2,8}(-[a-z0-9]{1,8})*$/.test(code) && code.length <= 35;
// Pages say en_US, too, and worse; the service takes language codes only.
const pageLang = [given.lang, document.documentElement.lang, navigator.language, "en"]
  .map((code) => (code || "").trim().toLowerCase().replaceAll("_", "-")).find(isLanguage);
// Whole: ltg is another language than lt.
const languageOf = (code) => code.split("-")[0];
const textLang = languageOf(pageLang) in TEXTS ? languageOf(pageLang) : "en";
const texts = TEXTS[textLang];
const counted = given.analytics !== "false";
const contact = /^(https?|mailto|tel):/i.test(given.contact || "") ? given.contact : "";
const MAX_MESSAGE = 512;

// Its place among our widgets of the page, of which several have names. Scripts arrive in any order; their tags stand in one.
const ours = (one) => one.src === script.src || one.dataset.kb !== undefined;
const number = script ? [...document.scripts].filter(ours).indexOf(script) : 0;

function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A browser may refuse storage by throwing on the mere mention of it.
function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Then the chat ends with the page.
  }
}

const session = recall("kbsearch") || randomId();
remember("kbsearch", session);

// The chat of this tab, so that it goes on when the customer goes to the next page.
const memoryName = `kbsearch 1 ${base} ${kb} ${number}`;
const memory = {
  entries: [], conversation: null, queryIds: [], shown: [], opened: [], confidence: null, ticket: null, ...recall(memoryName),
};
const identity = { name: "", email: "", key: given.key || "" };
const keepMemory = () => remember(memoryName, memory);
