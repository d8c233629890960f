// The page with JavaScript: views without reloading, suggestions, articles beside a ticket, and events.
// The server renders every view; what is made here goes in as text, never as markup. What it shows is the address.
"use strict";
(() => {
  const body = document.body;
  const session = body.dataset.session;
  // Below which path of the host the service is, as this script itself is.
  const root = new URL("..", document.currentScript.src).pathname;
  const REGIONS = [".skip", ".top", ".ask", "#view", ".foot"];
  const OURS = new RegExp(`^${root}($|ticket$|tickets/|suggestions($|/))`);
  const MOST_TRAIL = 20;
  const PATIENCE = 15000;
  const beside = matchMedia("(min-width: 56rem)");
  const kept = new Map();
  // The entry of the history whose view stands there; "" while that of another is awaited.
  let current = randomId();
  let running = null;
  let asking = null;
  let options = [];
  let chosen = -1;
  let timer = 0;
  // The ticket form's own: what ends the suggestions of the search box must not end these.
  let writing = 0;
  let deflecting = null;
  let looked = "";

  const byId = (id) => document.getElementById(id);
  const text = (key) => JSON.parse(body.dataset.messages)[key];

  // ---- views

  async function load(address, request, saying = text("loading")) {
    if (running) running.abort();
    const mine = running = new AbortController();
    const late = setTimeout(() => mine.abort(new Error(`no answer from ${address}`)), PATIENCE);
    closeSuggestions();
    // “Back” may put another view in its place before the answer comes, and keeps this one.
    const view = byId("view");
    view.setAttribute("aria-busy", "true");
    byId("status").textContent = saying;
    try {
      const response = await fetch(address, { ...request, signal: mine.signal, headers: { "X-Kbsearch-Session": session } });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (!page.getElementById("view")) throw new Error(`${response.status} from ${address}`);
      return { page, address: response.url };
    } finally {
      clearTimeout(late);
      if (running === mine) view.removeAttribute("aria-busy");
    }
  }

  // Tells whether the view came.
  async function go(address, push = true) {
    const typed = byId("q").value;
    try {
      const found = await load(address);
      if (push) advance(found.address);
      else current = history.state.view;
      show(found.page, typed);
      return true;
    } catch (error) {
      if (error.name === "AbortError") return false;
      if (push) advance(address);
      else current = history.state.view;
      body.dataset.view = "results";
      put(failure(address));
      return false;
    }
  }

  // The same page in another language, with what was typed and said on it.
  async function inLanguage(address) {
    const before = byId("view");
    const asked = byId("q");
    if (!(await go(address))) return;
    byId("q").value = asked.value;
    for (const form of before.querySelectorAll("form[id]")) carry(form, byId(form.id));
    onWrite();
  }

  function carry(before, form) {
    // Another search may have led to another answer, of which nothing has been said yet.
    if (!form || form.elements.object?.value !== before.elements.object?.value) return;
    for (const [name, value] of new FormData(before)) {
      const field = form.elements[name];
      // What a feedback form does not show belongs to its search; that of a ticket, to its writer.
      if (field && !(before.dataset.say && field.type === "hidden")) field.value = value;
    }
    const fold = form.closest("details");
    if (fold) fold.open = before.closest("details").open;
    if (!before.dataset.say) return;
    form.hidden = before.hidden;
    form.parentNode.querySelector(".thanks").hidden = before.parentNode.querySelector(".thanks").hidden;
  }

  // The search and the place that led to an article are for this visit only: a link that is passed on must not say them.
  function clean(address) {
    const url = new URL(address, location);
    if (url.pathname === root) for (const name of ["query", "position", "said"]) url.searchParams.delete(name);
    return url.pathname + url.search;
  }

  function advance(address) {
    const [here, asked] = [location.href, address].map((one) => new URL(one, location).searchParams.get("q") ?? "");
    // What is asked now belongs in the box over its own results, not over these.
    remember(asked && asked !== here ? here : byId("q").value);
    const from = current;
    current = randomId();
    history.pushState({ view: current, from }, "", clean(address));
  }

  function remember(inBox = byId("q").value) {
    if (!current) return;
    const nodes = REGIONS.map((region) => document.querySelector(region));
    const followed = document.activeElement.closest("#view a");
    kept.set(current, { nodes, inBox, followed, data: { ...body.dataset }, lang: document.documentElement.lang, title: document.title, scroll: scrollY });
  }

  function show(page, typed) {
    // Results that come late must not take the box away from somebody who types on.
    const typesOn = document.activeElement === byId("q") && byId("q").value !== typed;
    for (const region of REGIONS) {
      if (region !== ".ask" || !typesOn) document.querySelector(region).replaceWith(page.querySelector(region));
    }
    for (const name of ["view", "query", "messages"]) body.dataset[name] = page.body.dataset[name];
    document.documentElement.lang = page.documentElement.lang;
    document.title = page.title;
    arrive(typesOn);
  }

  function failure(address) {
    const asked = new URL(address, location).searchParams;
    const title = text(asked.get("q") && !asked.get("doc") ? "error" : "failed");
    const others = [...document.querySelectorAll(".foot [data-human], .foot [data-contact]")].map((link) => link.cloneNode(true));
    for (const link of others) link.className = "button button-quiet";
    return element("section", { class: "notice notice-problem" }, element("h1", { tabindex: "-1" }, title),
      element("p", { class: "actions" }, element("a", { class: "button", href: address, "data-retry": "" }, text("retry")), ...others));
  }

  // A view of ours; the one before may be remembered, and stays whole.
  function put(content) {
    byId("view").replaceWith(element("div", { id: "view", class: "view" }, content));
    document.title = `${content.querySelector("h1").textContent.replace(/\.$/, "")} – ${document.querySelector(".brand").textContent}`;
    arrive();
  }

  // Whether the entry before this one is the results that led here: they stand as they were left, and cost no search.
  function cameFromResults() {
    const before = kept.get(history.state?.from)?.data;
    return before?.view === "results" && before.query === body.dataset.query;
  }

  function back(state) {
    // A link within the page (the skip link, an article's contents) made an entry of its own: it is the same view.
    if (!state) return history.replaceState({ view: current }, "");
    if (state.view === current) return;
    remember();
    const before = kept.get(state.view);
    current = before ? state.view : "";
    if (!before) return go(location.href, false);
    if (running) running.abort();
    REGIONS.forEach((region, index) => document.querySelector(region).replaceWith(before.nodes[index]));
    byId("q").value = before.inBox;
    Object.assign(body.dataset, before.data);
    document.documentElement.lang = before.lang;
    document.title = before.title;
    prepare();
    scrollTo(0, before.scroll);
    before.followed?.focus({ preventScroll: true });
    byId("status").textContent = before.title;
  }

  function arrive(typesOn) {
    prepare();
    const heading = document.querySelector("#wrong, #done, #problem:not([hidden])") || byId("view").querySelector("h1, .list-title");
    byId("status").textContent = heading ? heading.textContent : "";
    if (typesOn) return;
    scrollTo(0, 0);
    const wrong = byId("view").querySelector("[aria-invalid]");
    if (wrong) wrong.focus();
    else if (heading) heading.focus({ preventScroll: true });
    else byId("q").focus();
  }

  function prepare() {
    looked = "";
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", "suggestions"]]) {
      byId("q").setAttribute(name, value);
    }
    foldFacets();
    for (const time of document.querySelectorAll(".marks time, .ticket time")) tellTime(time);
  }

  // The server writes days as 2026-06-02, and times in UTC: it knows no reader's zone.
  function tellTime(time) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    const page = document.documentElement.lang;
    const reader = navigator.languages.find((code) => code.toLowerCase().split("-")[0] === page) ?? page;
    const how = time.dateTime.includes("T") ? { dateStyle: "medium", timeStyle: "short" } : { dateStyle: "medium", timeZone: "UTC" };
    time.textContent = new Intl.DateTimeFormat(reader, how).format(moment);
  }

  // Filters are folded where they stand above the results; beside them nothing could unfold them.
  function foldFacets() {
    const facets = byId("facets");
    if (facets) facets.open = beside.matches;
  }

  function onClick(click) {
    if (!(click.target instanceof Element)) return;
    const menu = byId("languages");
    if (!menu.contains(click.target)) menu.open = false;
    if (click.target.closest("[data-solved]")) return solved();
    const link = click.target.closest("a[href]");
    if (!link) return;
    const { hit, kind, position, query, seconds } = link.dataset;
    if (hit) send("click", { id: hit, kind, query: query || body.dataset.query, position });
    if (hit && link.target) addLine("opened", hit);
    if (click.button || click.ctrlKey || click.metaKey || click.shiftKey || click.altKey || link.target) return;
    const video = byId("video");
    if (seconds && video) {
      click.preventDefault();
      video.currentTime = Number(seconds);
      video.play().catch(() => undefined);
    } else if (link.origin === location.origin && OURS.test(link.pathname) && !link.hash) {
      click.preventDefault();
      if ("back" in link.dataset && cameFromResults()) history.back();
      else if (menu.contains(link)) inLanguage(link.href);
      else go(link.href, !("retry" in link.dataset));
    }
  }

  // ---- forms

  function onSubmit(submit) {
    const form = submit.target;
    if (form.dataset.say) {
      submit.preventDefault();
      say(form, submit.submitter);
    } else if (form.id === "search") {
      submit.preventDefault();
      const { most, tooLong } = byId("q").dataset;
      const given = new FormData(form);
      const q = given.get("q").trim();
      given.set("q", q);
      // The limit counts letters, JavaScript UTF-16 units.
      if (Array.from(q).length > most) {
        byId("q").setCustomValidity(tooLong);
        byId("q").reportValidity();
      } else if (q) go(`${root}?${new URLSearchParams(given)}`);
    } else if (form.method === "post") {
      submit.preventDefault();
      post(form, submit.submitter);
    }
  }

  async function post(form, button) {
    const typed = byId("q").value;
    const problem = byId("problem");
    const label = [...button.childNodes];
    // What the last try was told holds for this one no longer.
    problem.hidden = true;
    byId("wrong")?.remove();
    form.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
    button.disabled = true;
    // A vote has no room for words.
    if (button.matches(".button")) button.replaceChildren(text("sending"));
    try {
      const found = await load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }, text("sending"));
      if (found.address !== form.action) advance(found.address);
      show(found.page, typed);
    } catch (error) {
      if (error.name === "AbortError") return;
      const contact = document.querySelector(".foot [data-contact]")?.cloneNode(true);
      problem.replaceChildren(text(form.id === "ticket" ? "ticket_failed" : "failed"), ...(contact ? [" ", contact] : []));
      problem.hidden = false;
      problem.focus();
    } finally {
      button.disabled = false;
      button.replaceChildren(...label);
    }
  }

  // “Was this helpful?”: what is said, then the next question where there is one.
  function say(form, button) {
    const given = new FormData(form);
    const about = { id: given.get("object"), kind: given.get("kind"), query: given.get("query"), position: given.get("position") };
    const facts = { vote: () => ({ helpful: button.value === "1" }), csat: () => ({ csat: Number(button.value) }), why: () => {
      const note = given.get("note").trim();
      return { reason: given.get("reason"), ...(note ? { note } : {}) };
    } }[form.dataset.say]();
    send("feedback", about, facts);
    const box = form.parentNode;
    const next = facts.helpful === false ? "why" : facts.csat ? "" : "csat";
    const question = next && box.querySelector(`[data-say=${next}]`);
    form.hidden = true;
    if (question) question.hidden = false;
    if (question && next === "csat") send("impression", { id: "csat", kind: "survey", query: about.query });
    const thanks = box.querySelector(".thanks");
    thanks.hidden = false;
    // The button is gone; without this the keyboard would start again at the top of the page.
    thanks.focus();
  }

  // ---- articles while a ticket is written

  function onWrite() {
    clearTimeout(writing);
    // A sentence that is being written says nothing yet, unless the writer stops there.
    writing = setTimeout(() => {
      deflect((message) => message.match(/^.*[.!?…\n]/s)?.[0] ?? "");
      writing = setTimeout(deflect, 1500, (message) => message);
    }, 400);
  }

  // Who goes to the articles reads these: others would take the focus away, and the page with it. They come afterwards.
  function onEnter({ target, relatedTarget }) {
    const box = byId("deflect");
    if (!box) return;
    if (box.contains(target)) {
      clearTimeout(writing);
      if (!deflecting) return;
      deflecting.abort();
      deflecting = null;
      looked = "";
    } else if (box.contains(relatedTarget)) onWrite();
  }

  async function deflect(said) {
    const form = byId("ticket");
    if (!form) return;
    const subject = form.elements.subject.value.trim();
    const message = said(form.elements.message.value).trim();
    const box = byId("deflect");
    const asks = `${subject}\n${message}`;
    if (subject.length < 4 || asks === looked) return;
    looked = asks;
    if (deflecting) deflecting.abort();
    deflecting = new AbortController();
    const asked = { subject, body: message, lang: document.documentElement.lang, session, query: form.elements.queries.value.split("\n")[0] };
    try {
      const response = await fetch(`${root}v1/deflect`, { method: "POST", body: JSON.stringify(asked), signal: deflecting.signal });
      if (!response.ok) throw new Error(`${response.status} from /v1/deflect`);
      const answer = await response.json();
      deflecting = null;
      addLine("queries", answer.query_id);
      for (const hit of answer.hits) addLine("shown", hit.id);
      const { top } = document.activeElement.getBoundingClientRect();
      box.hidden = answer.holdout;
      if (!answer.holdout) box.replaceChildren(...suggested(answer));
      // The articles stand above the message; its lines must not move under the hands of who writes it.
      scrollBy({ top: document.activeElement.getBoundingClientRect().top - top, behavior: "instant" });
    } catch (error) {
      if (error.name === "AbortError") return;
      box.hidden = true;
      looked = "";
    }
  }

  function suggested({ hits, query_id: query }) {
    if (!hits.length) return [element("p", {}, text("deflect_none"))];
    const items = hits.map(({ id, title, type, lang, snippet, highlights, position }) => {
      const address = start({ doc: id, query, position });
      const link = element("a", { href: address, target: "_blank", rel: "noopener", lang, dir: "auto", "data-hit": id, "data-kind": type,
        "data-query": query, "data-position": position }, title, element("span", { class: "visually-hidden", lang: document.documentElement.lang }, ` (${text("new_tab")})`));
      return element("li", {}, link, " ", element("span", { class: "snippet", lang, dir: "auto" }, ...marked(snippet, highlights)));
    });
    return [element("h2", {}, text("deflect_title")), element("ul", {}, ...items),
      element("button", { type: "button", class: "button button-quiet", "data-solved": query }, text("solved"))];
  }

  function solved() {
    send("resolved_declared", { query: document.querySelector("[data-solved]").dataset.solved });
    // “Back” brings the form, with what was typed.
    advance(location.href);
    put(element("section", { class: "sheet" }, element("h1", { tabindex: "-1" }, text("solved_title")),
      element("p", { class: "lead" }, text("solved_text")), element("a", { class: "button", href: start({}) }, text("home"))));
  }

  // What the form tells a human of what was looked for, seen and read: newest last, none twice.
  function addLine(name, value) {
    const field = byId("ticket")?.elements[name];
    if (!field) return;
    const lines = field.value.split("\n").filter((line) => line && line !== value);
    field.value = [...lines, value].slice(-MOST_TRAIL).join("\n");
  }

  // Offsets count code points of the unescaped text, JavaScript counts UTF-16 units: hence the array.
  function marked(snippet, highlights) {
    const letters = Array.from(snippet.replace(/&(?:lt|gt|quot|amp|#x27);/g, (entity) => ENTITIES[entity]));
    const parts = [];
    let end = 0;
    for (const [from, to] of highlights) {
      parts.push(letters.slice(end, from).join(""), element("mark", {}, letters.slice(from, to).join("")));
      end = to;
    }
    return [...parts, letters.slice(end).join("")];
  }
  const ENTITIES = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&amp;": "&" };

  // ---- suggestions: the ARIA combobox with a list

  async function suggest() {
    const input = byId("q");
    const q = input.value.trim();
    if (asking) asking.abort();
    if (q.length < 2) return closeSuggestions();
    asking = new AbortController();
    try {
      const address = `${root}v1/suggest?${new URLSearchParams({ q, lang: document.documentElement.lang, limit: 7 })}`;
      const response = await fetch(address, { signal: asking.signal });
      if (!response.ok) return closeSuggestions();
      const answer = await response.json();
      if (input.value.trim() === q && document.activeElement === input) openSuggestions(answer.suggestions);
    } catch (error) {
      if (error.name !== "AbortError") closeSuggestions();
    }
  }

  function openSuggestions(found) {
    choose(-1);
    options = found;
    byId("suggestions").replaceChildren(...found.map((line, index) => element("li", { id: `option-${index}`, role: "option", "aria-selected": "false" },
      element("span", { lang: line.lang, dir: "auto" }, line.text),
      element("span", { class: "hint" }, line.kind === "query" ? text("past_query") : line.lang === "und" ? "" : line.lang.toUpperCase()))));
    byId("suggestions").hidden = found.length === 0;
    byId("q").setAttribute("aria-expanded", String(found.length > 0));
  }

  function closeSuggestions() {
    clearTimeout(timer);
    if (asking) asking.abort();
    openSuggestions([]);
  }

  function choose(index) {
    const list = byId("suggestions");
    list.children[chosen]?.setAttribute("aria-selected", "false");
    chosen = index;
    if (index < 0) return byId("q").removeAttribute("aria-activedescendant");
    list.children[index].setAttribute("aria-selected", "true");
    list.children[index].scrollIntoView({ block: "nearest" });
    byId("q").setAttribute("aria-activedescendant", `option-${index}`);
  }

  const take = (line) => go(start(line.kind === "title" && line.document_id ? { doc: line.document_id } : { q: line.text }));

  function onKey(key) {
    if (key.isComposing) return;
    if (key.key === "Escape" && byId("languages").open) {
      byId("languages").open = false;
      byId("languages").querySelector("summary").focus();
    }
    if (key.target.id !== "q") return;
    if (key.key === "Escape" && options.length) {
      key.preventDefault();
      closeSuggestions();
    } else if ((key.key === "ArrowDown" || key.key === "ArrowUp") && options.length) {
      key.preventDefault();
      const count = options.length + 1;
      choose(((chosen + 1 + (key.key === "ArrowDown" ? 1 : count - 1)) % count) - 1);
    } else if (key.key === "Enter" && chosen >= 0) {
      key.preventDefault();
      take(options[chosen]);
    }
  }

  // ---- events

  function send(action, { id, kind, query, position }, facts) {
    const attributes = { ...facts };
    if (id) attributes.object = { object_id: id, object_id_type: kind || "document" };
    if (Number(position)) attributes.position = { ordinal: Number(position) };
    const event = { event_id: randomId(), action_name: action, session_id: session, timestamp: new Date().toISOString(), event_attributes: attributes };
    if (query) event.query_id = query;
    const batch = JSON.stringify({ events: [event] });
    if (navigator.sendBeacon?.(`${root}v1/events`, new Blob([batch], { type: "application/json" }))) return;
    fetch(`${root}v1/events`, { method: "POST", body: batch, keepalive: true }).catch(() => undefined);
  }

  // crypto.randomUUID is missing on plain http; random bytes are not.
  function randomId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // ---- small things

  // The start of the page, in its language where the address names one, with parameters.
  function start(parameters) {
    const url = new URL(document.querySelector(".brand").href);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  function element(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children.map((child) => (child instanceof Node ? child : String(child))));
    return node;
  }

  document.documentElement.classList.add("js");
  history.replaceState({ view: current }, "", clean(location.href) + location.hash);
  prepare();
  document.addEventListener("click", onClick);
  document.addEventListener("auxclick", (click) => click.button === 1 && onClick(click));
  document.addEventListener("submit", onSubmit);
  document.addEventListener("keydown", onKey);
  document.addEventListener("input", (typed) => {
    if (typed.target.id === "q") {
      typed.target.setCustomValidity("");
      clearTimeout(timer);
      timer = setTimeout(suggest, 90);
      // What is typed now is no longer what was chosen with the arrows.
      choose(-1);
    }
    if (typed.target.id === "subject" || typed.target.id === "message") onWrite();
  });
  document.addEventListener("focusin", onEnter);
  document.addEventListener("focusout", (left) => {
    if (left.target.id === "q") setTimeout(() => document.activeElement === byId("q") || closeSuggestions(), 150);
  });
  // Before the box loses the focus, which takes the list away.
  document.addEventListener("mousedown", (press) => press.target.closest?.("#suggestions") && press.preventDefault());
  document.addEventListener("click", (click) => {
    const option = click.target.closest?.("[role=option]");
    if (option) take(options[Array.prototype.indexOf.call(option.parentNode.children, option)]);
  });
  beside.addEventListener("change", foldFacets);
  addEventListener("popstate", (event) => back(event.state));
})();
