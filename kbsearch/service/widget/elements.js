// DOM without markup: nothing here, or anywhere else in this file, turns a string into HTML except `safeHtml`.

function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

const ICONS = {
  help: "M12 20.5c5 0 9-3.6 9-8.2S17 4 12 4 3 7.700 3 12.300c0 1.900.700 3.600 1.900 5L4 21l4.200-1.300c1.200.500 2.500.800 3.800.800Z M9.600 9.800a2.400 2.400 0 1 1 3.400 2.200c-.700.300-1 .700-1 1.400 M12 16.300h.010",
  close: "M6 6l12 12 M18 6L6 18",
  back: "M14.500 5.500L8 12l6.500 6.500",
  send: "M5 12h13 M12.500 6.500L18 12l-5.500 5.500",
  person: "M12 11.500a3.700 3.700 0 1 0 0-7.400 3.700 3.700 0 0 0 0 7.400Z M4.800 20c.700-3.600 3.600-5.800 7.200-5.800s6.500 2.200 7.200 5.800",
  article: "M7 3.500h7.500L19 8v12.500H7Z M14 3.500V8.500h5 M10 12.500h6 M10 16h6",
};

function icon(name) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  picture.append(path);
  return picture;
}

const button = (text, press, kind, properties) =>
  el("button", { type: "button", class: kind || "pill", click: press, ...properties }, ...[].concat(text));

function outsideLink(address, text, kind) {
  const note = el("span", { class: "unseen" }, ` (${texts.new_tab})`);
  const away = /^https?:/i.test(address);
  return el("a", { href: address, class: kind || null, ...(away && { target: "_blank", rel: "noopener noreferrer" }) }, text, away && note);
}

const contactLink = () => (contact ? outsideLink(contact, texts.contact, "main") : null);

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'" };
const unescaped = (text) => text.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity]);

function languageName(lang) {
  try {
    return new Intl.DisplayNames([textLang], { type: "language" }).of(lang);
  } catch {
    return lang;
  }
}

// Of a text whose language is known, whatever letters it begins with.
const RIGHT_TO_LEFT = /^(ar|arc|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/;
const directionOf = (lang) => (!lang || lang === "und" ? "auto" : RIGHT_TO_LEFT.test(lang) ? "rtl" : "ltr");

// ---- HTML of articles. The service has cleaned it; here it is built again from what is listed, and nothing else.

const TAGS = new Set(
  ("a abbr b bdi blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure " +
    "h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup table tbody " +
    "td tfoot th thead tr u ul var").split(" "),
);
const DROPPED = new Set("script style template noscript iframe object embed svg math textarea select title form".split(" "));
const ATTRIBUTES = ["lang", "dir", "title", "alt", "width", "height", "start", "colspan", "rowspan", "scope", "open", "value"];
// What the indexer puts before the ids of articles: none of ours begins so.
const ANCHOR = "article-";

let parser = null;
function parse(html) {
  // Pages may allow only named policies to parse HTML (Trusted Types); ours is `kbsearch`.
  if (!parser) {
    const policy = window.trustedTypes && trustedTypes.createPolicy("kbsearch", { createHTML: (text) => text });
    parser = (text) => new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html").body;
  }
  return parser(html);
}

function safeHtml(html, address) {
  const built = document.createDocumentFragment();
  rebuild(parse(html), built, address);
  return built;
}

function rebuild(from, into, address) {
  for (const node of from.childNodes) {
    if (node.nodeType === 3) into.append(node.data);
    if (node.nodeType !== 1 || DROPPED.has(node.localName)) continue;
    if (!TAGS.has(node.localName)) {
      rebuild(node, into, address);
      continue;
    }
    const copy = document.createElement(node.localName);
    for (const name of ATTRIBUTES) if (node.hasAttribute(name)) copy.setAttribute(name, node.getAttribute(name));
    if (node.id.startsWith(ANCHOR)) copy.id = node.id;
    if (node.localName === "a") setLink(copy, node.getAttribute("href"), address);
    if (node.localName === "img") {
      setAddress(copy, "src", node.getAttribute("src"), /^https?:$/, address);
      copy.loading = "lazy";
    }
    rebuild(node, copy, address);
    into.append(copy);
  }
}

function setLink(link, href, address) {
  if (href === null || !href.startsWith(`#${ANCHOR}`)) {
    setAddress(link, "href", href, /^(https?|mailto|tel):$/, address);
    return;
  }
  // Within the article that is shown: the page around knows none of its ids.
  let id = href.slice(1);
  try {
    id = decodeURIComponent(id);
  } catch {
    // a lone % stands for itself
  }
  link.setAttribute("href", href);
  link.addEventListener("click", (press) => {
    press.preventDefault();
    const place = link.getRootNode().getElementById(id);
    if (place) place.scrollIntoView();
  });
}

function setAddress(element, name, value, schemes, address) {
  let target;
  try {
    target = new URL(value, address);
  } catch {
    return;
  }
  if (value === null || !schemes.test(target.protocol)) return;
  element.setAttribute(name, target.href);
  if (name === "href" && target.protocol.startsWith("http")) {
    element.target = "_blank";
    element.rel = "noopener noreferrer nofollow";
  }
}
