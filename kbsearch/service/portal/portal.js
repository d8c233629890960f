// The page with JavaScript: suggestions, results and articles without reloading, and events.
// Builds the elements of index.html. Text goes in as text, never as markup; the state is the URL and nothing else.
"use strict";
(() => {
  const body = document.body;
  const messages = JSON.parse(body.dataset.messages);
  const names = JSON.parse(body.dataset.names);
  const session = body.dataset.session || randomId();
  const pageLang = document.documentElement.lang;
  const input = document.getElementById("q");
  const list = document.getElementById("suggestions");
  const view = document.getElementById("view");
  const status = document.getElementById("status");
  const PAGE = 10;
  const FACETS = [["type", "type"], ["language", "lang"], ["category", "category"]];
  let queryId = body.dataset.query;
  let running = null;
  let typing = null;
  let options = [];
  let chosen = -1;
  let timer = 0;

  document.documentElement.classList.add("js");
  closeFacetsOnSmall();
  queryId ||= history.state?.query || "";
  history.replaceState({ ...history.state, query: queryId }, "");

  // ---- addresses: what is shown is what the URL says

  function readState(search = location.search) {
    const given = new URLSearchParams(search);
    return {
      q: given.get("q") || "", lang: given.get("lang") || "", doc: given.get("doc") || "", as: given.get("as") || "",
      offset: Math.max(0, Number(given.get("offset")) || 0),
      type: given.getAll("type"), language: given.getAll("language"), category: given.getAll("category"),
    };
  }

  function href(state, changes) {
    const next = { ...state, ...changes };
    const given = new URLSearchParams();
    for (const key of ["q", "lang", "doc", "as"]) if (next[key]) given.set(key, next[key]);
    for (const key of ["type", "language", "category"]) for (const value of next[key]) given.append(key, value);
    if (next.offset) given.set("offset", next.offset);
    const text = given.toString();
    return text ? `/?${text}` : "/";
  }

  const fresh = (changes) => href({ ...readState(""), lang: readState().lang }, changes);

  function go(address, state) {
    history.pushState(state || {}, "", address);
    return route(true);
  }

  async function route(moveFocus) {
    closeSuggestions();
    const state = readState();
    if (running) running.abort();
    const mine = running = new AbortController();
    input.value = state.q;
    updateSwitch(state);
    view.setAttribute("aria-busy", "true");
    status.textContent = state.q || state.doc ? messages.loading : "";
    try {
      const shown = state.doc ? await article(state, mine.signal) : state.q ? await results(state, mine.signal) : [];
      if (mine.signal.aborted) return;
      show(state.doc ? "article" : state.q ? "results" : "home", shown, moveFocus);
    } catch (error) {
      if (error.name === "AbortError") return;
      show("results", [notice(error.shown || messages.error)], moveFocus);
    } finally {
      if (running === mine) view.removeAttribute("aria-busy");
    }
  }

  function show(name, nodes, moveFocus) {
    body.dataset.view = name;
    view.replaceChildren(...nodes);
    closeFacetsOnSmall();
    const heading = view.querySelector("h1, .list-title");
    const site = body.dataset.site;
    document.title = heading && name === "article" ? `${heading.textContent} – ${site}` : input.value ? `${input.value} – ${site}` : site;
    status.textContent = heading ? heading.textContent : "";
    // Results that come late must not take the box away from somebody who types on.
    const typesOn = document.activeElement === input && input.value.trim() !== readState().q;
    if (!moveFocus || typesOn) return;
    scrollTo(0, 0);
    if (heading) heading.focus({ preventScroll: true });
    else input.focus();
  }

  async function ask(address, signal) {
    const response = await fetch(address, { signal, headers: { Accept: "application/json" } });
    if (response.ok) return response.json();
    const failure = new Error(address);
    if (response.status === 404) failure.shown = messages.not_found;
    if (response.status === 422) failure.shown = messages.bad_request;
    throw failure;
  }

  // ---- results

  async function results(state, signal) {
    const given = new URLSearchParams({ q: state.q, lang: pageLang, limit: PAGE, offset: state.offset, session });
    const filter = FACETS.filter(([key]) => state[key].length).map(([key, field]) => `${field}:${state[key].map(quote).join(",")}`);
    if (filter.length) given.set("filter", filter.join(" AND "));
    const answer = await ask(`/v1/search?${given}`, signal);
    queryId = answer.query_id;
    history.replaceState({ ...history.state, query: queryId }, "");
    const action = answer.decision.action;
    const hits = answer.hits.slice();
    const best = action === "answer" && state.offset === 0 ? hits.shift() : null;
    const found = element("div", { class: "found" });
    if (answer.did_you_mean) {
      found.append(element("p", { class: "meant" }, `${messages.did_you_mean} `,
        element("a", { href: href(state, { q: answer.did_you_mean, offset: 0 }) }, answer.did_you_mean), "?"));
    }
    if (action === "hand_over") found.append(nothing(hits.length > 0));
    if (best) found.append(answerCard(best, state));
    if (hits.length) {
      const plain = !best && action !== "hand_over";
      const title = best ? messages.other_results : plain ? fill(messages.results_count, answer.found) : messages.closest;
      found.append(
        element("h2", { class: "list-title", tabindex: "-1", ...(plain ? { role: "heading", "aria-level": "1" } : {}) }, title),
        element("ol", { class: "hits", start: hits[0].position }, ...hits.map((hit) => hitItem(hit, state))));
    } else if (!best && action !== "hand_over") {
      found.append(notice(fill(messages.results_count, 0), messages.empty_text));
    }
    if (state.offset + answer.hits.length < Math.min(answer.found, 1000 - PAGE)) {
      found.append(element("p", { class: "more" },
        element("a", { class: "button button-quiet", rel: "next", href: href(state, { offset: state.offset + PAGE }) }, messages.more)));
    }
    const facets = facetList(answer.facets, state);
    return [element("div", { class: facets ? "columns" : "columns columns-single" }, ...(facets ? [facets] : []), found)];
  }

  function hitItem(hit, state) {
    return element("li", { class: "hit" },
      element("h3", { lang: hit.lang }, hitLink(hit, state, {}, hit.title)),
      element("p", { class: "snippet", lang: hit.lang }, ...highlighted(hit)),
      marks(hit, state));
  }

  function answerCard(hit, state) {
    return element("section", { class: "answer", "aria-labelledby": "answer-title" },
      element("p", { class: "eyebrow" }, messages.best_answer),
      element("h1", { id: "answer-title", tabindex: "-1", lang: hit.lang }, hitLink(hit, state, {}, hit.title)),
      element("p", { class: "passage", lang: hit.lang }, ...highlighted(hit)),
      marks(hit, state),
      element("div", { class: "answer-foot" }, hitLink(hit, state, { class: "button" }, messages.read_all), helpful(hit.id, queryId, hit.position)));
  }

  function nothing(some) {
    const box = notice(messages.nothing_title, some ? messages.nothing_text : messages.empty_text);
    if (body.dataset.contact) {
      box.append(element("p", {}, element("a", { class: "button", href: body.dataset.contact }, messages.contact)));
    }
    return box;
  }

  const notice = (title, text) => element("section", { class: "notice" },
    element("h1", { tabindex: "-1" }, title), ...(text ? [element("p", {}, text)] : []));

  const hitLink = (hit, state, attributes, text) => element("a", {
    ...attributes, href: href(state, { doc: hit.id, offset: 0 }), "data-hit": hit.id, "data-position": hit.position }, text);

  function marks(item, state) {
    const line = element("p", { class: "marks" },
      element("span", { class: `kind kind-${item.type}` }, messages[`type_${item.type}`] || item.type));
    if (item.lang) {
      const other = item.language_match === false;
      line.append(element("span", { class: other ? "code code-other" : "code", title: names[item.lang] || item.lang }, item.lang.toUpperCase()));
    }
    if (item.updated_at) {
      const day = item.updated_at.slice(0, 10);
      line.append(element("span", { class: "updated" }, `${messages.updated} `, element("time", { datetime: day }, day)));
    }
    const others = Array.isArray(item.translations) ? item.translations.map((lang) => [lang, item.id]) : Object.entries(item.translations);
    if (others.length) {
      const links = others.flatMap(([lang, id]) => [" ", element("a", {
        href: href(state, { doc: id, as: item.position ? lang : "", offset: 0 }), lang, hreflang: lang, title: names[lang] || lang,
        ...(item.position ? { "data-hit": item.id, "data-position": item.position } : {}) }, lang.toUpperCase())]);
      line.append(element("span", { class: "also" }, messages.also_in, ...links));
    }
    return line;
  }

  // Offsets count code points of the unescaped text, JavaScript counts UTF-16 units: hence the array.
  function highlighted(hit) {
    const text = Array.from(unescapeHtml(hit.snippet));
    const parts = [];
    let end = 0;
    for (const [from, to] of hit.highlights) {
      if (from > end) parts.push(text.slice(end, from).join(""));
      parts.push(element("mark", {}, text.slice(from, to).join("")));
      end = to;
    }
    parts.push(text.slice(end).join(""));
    return parts;
  }

  const ENTITIES = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&amp;": "&" };
  const unescapeHtml = (text) => text.replace(/&(?:lt|gt|quot|amp|#x27);/g, (entity) => ENTITIES[entity]);

  function facetList(facets, state) {
    const sections = [];
    for (const [key, field] of FACETS) {
      const counts = { ...(facets[field] || {}) };
      for (const value of state[key]) counts[value] ??= 0;
      const values = Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 12);
      if (values.length < 2 && !state[key].length) continue;
      const items = values.map(([value, count]) => {
        const on = state[key].includes(value);
        const next = on ? state[key].filter((other) => other !== value) : [...state[key], value];
        const name = field === "type" ? messages[`type_${value}`] || value : field === "lang" ? names[value] || value.toUpperCase() : value;
        return element("li", {}, element("a", { href: href(state, { [key]: next, offset: 0 }), ...(on ? { "aria-current": "true" } : {}) },
          element("span", { class: "facet-name" }, name), " ", element("span", { class: "count" }, count)));
      });
      sections.push(element("section", {}, element("h2", {}, messages[`filter_${field}`]), element("ul", {}, ...items)));
    }
    if (!sections.length) return null;
    const box = element("details", { class: "facets", open: "" }, element("summary", {}, messages.filters), ...sections);
    if (FACETS.some(([key]) => state[key].length)) {
      box.append(element("p", {}, element("a", { class: "clear", href: href(state, { type: [], language: [], category: [], offset: 0 }) }, messages.clear_filters)));
    }
    return box;
  }

  function closeFacetsOnSmall() {
    const box = view.querySelector(".facets");
    if (box && matchMedia("(max-width: 55.99rem)").matches) box.removeAttribute("open");
  }

  // ---- the article

  async function article(state, signal) {
    let found = await ask(`/v1/documents/${encodeURIComponent(state.doc)}`, signal);
    const other = state.as && found.translations[state.as];
    if (other) found = await ask(`/v1/documents/${encodeURIComponent(other)}`, signal);
    const from = history.state || {};
    send("view", found.id, from.query, from.position);
    // The server has cleaned this HTML; a parser gives nodes, and the page's policy runs no script in them.
    const parsed = new DOMParser().parseFromString(found.html, "text/html");
    return [element("article", { class: "article", lang: found.lang },
      element("p", { class: "back", lang: pageLang }, element("a", { href: href(state, { doc: "", as: "" }) }, state.q ? messages.back : messages.home)),
      element("header", {}, element("h1", { tabindex: "-1" }, found.title), element("div", { lang: pageLang }, marks(found, state))),
      element("div", { class: "prose" }, ...parsed.body.childNodes),
      element("footer", { lang: pageLang }, helpful(found.id, from.query, from.position)))];
  }

  const helpful = (id, query, position) => element("div",
    { class: "helpful needs-js", "data-object": id, "data-query": query || "", "data-position": position || "" },
    element("span", { class: "helpful-question" }, messages.helpful),
    element("button", { type: "button", class: "choice", "data-thumbs": "1" }, messages.yes),
    element("button", { type: "button", class: "choice", "data-thumbs": "0" }, messages.no));

  // ---- events

  function send(action, objectId, query, position, extra) {
    const event = {
      event_id: randomId(), action_name: action, session_id: session, timestamp: new Date().toISOString(),
      event_attributes: { object: { object_id: objectId, object_id_type: "document" }, ...extra },
    };
    if (query) event.query_id = query;
    if (position) event.event_attributes.position = { ordinal: Number(position) };
    const text = JSON.stringify({ events: [event] });
    if (navigator.sendBeacon && navigator.sendBeacon("/v1/events", new Blob([text], { type: "application/json" }))) return;
    fetch("/v1/events", { method: "POST", body: text, keepalive: true }).catch(() => undefined);
  }

  function onFeedback(button) {
    const box = button.closest(".helpful");
    send("feedback", box.dataset.object, box.dataset.query, box.dataset.position, { feedback: { thumbs: Number(button.dataset.thumbs) } });
    const thanks = element("span", { role: "status", tabindex: "-1" }, messages.thanks);
    box.replaceChildren(thanks);
    // The button is gone; without this the keyboard would start again at the top of the page.
    thanks.focus();
  }

  function onClick(click) {
    if (!(click.target instanceof Element)) return;
    const button = click.target.closest("[data-thumbs]");
    if (button) return onFeedback(button);
    const link = click.target.closest("a[href]");
    if (!link || link.origin !== location.origin || link.pathname !== "/" || link.dataset.switch || link.hash) return;
    const hit = link.dataset.hit;
    if (hit) send("click", hit, queryId, link.dataset.position);
    // A new tab or window is rendered, and counted as a view, by the server: its address says for which search.
    if (click.button || click.ctrlKey || click.metaKey || click.shiftKey || click.altKey) {
      if (hit) nameSearch(link);
      return;
    }
    click.preventDefault();
    go(href(readState(link.search), {}), hit ? { query: queryId, position: Number(link.dataset.position) } : kept(link));
  }

  function nameSearch(link) {
    const address = new URL(link.href);
    address.searchParams.set("query", queryId);
    address.searchParams.set("position", link.dataset.position);
    link.href = address;
  }

  // From an article to its translation: still the same search.
  const kept = (link) => (link.closest(".article .also") ? history.state : {});

  // ---- suggestions: the ARIA combobox with a list

  function onInput() {
    clearTimeout(timer);
    timer = setTimeout(suggest, 90);
  }

  async function suggest() {
    const q = input.value.trim();
    if (typing) typing.abort();
    if (q.length < 2) return closeSuggestions();
    typing = new AbortController();
    try {
      const answer = await ask(`/v1/suggest?${new URLSearchParams({ q, lang: pageLang, limit: 7 })}`, typing.signal);
      if (input.value.trim() === q && document.activeElement === input) openSuggestions(answer.suggestions);
    } catch (error) {
      if (error.name !== "AbortError") closeSuggestions();
    }
  }

  function openSuggestions(found) {
    options = found;
    choose(-1);
    list.replaceChildren(...found.map((line, index) => element("li", { id: `option-${index}`, role: "option", "aria-selected": "false" },
      element("span", { lang: line.lang }, line.text),
      element("span", { class: "hint" }, line.kind === "query" ? messages.past_query : line.lang.toUpperCase()))));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
  }

  function closeSuggestions() {
    clearTimeout(timer);
    if (typing) typing.abort();
    options = [];
    choose(-1);
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  function choose(index) {
    if (list.children[chosen]) list.children[chosen].setAttribute("aria-selected", "false");
    chosen = index;
    if (index < 0) return input.removeAttribute("aria-activedescendant");
    list.children[index].setAttribute("aria-selected", "true");
    list.children[index].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", `option-${index}`);
  }

  function take(line) {
    if (line.kind === "title" && line.document_id) return go(fresh({ doc: line.document_id }));
    return go(fresh({ q: line.text }));
  }

  function onKey(key) {
    if (key.isComposing) return;
    if (key.key === "Escape" && !list.hidden) {
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

  function onSubmit(submit) {
    submit.preventDefault();
    const q = input.value.trim();
    if (q) go(fresh({ q }));
  }

  // ---- small things

  function element(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children.map((child) => (child instanceof Node ? child : String(child))));
    return node;
  }

  const quote = (value) => `"${value.replace(/[\\"]/g, "\\$&")}"`;
  const fill = (text, count) => text.replace("{count}", count);

  // crypto.randomUUID is missing on plain http; random bytes are not.
  function randomId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function updateSwitch(state) {
    for (const link of document.querySelectorAll("[data-switch]")) link.href = href(state, { lang: link.dataset.switch });
  }

  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", "suggestions"]]) {
    input.setAttribute(name, value);
  }
  input.addEventListener("input", onInput);
  input.addEventListener("keydown", onKey);
  input.addEventListener("blur", () => setTimeout(() => document.activeElement === input || closeSuggestions(), 150));
  // Before blur takes the list away.
  list.addEventListener("mousedown", (press) => press.preventDefault());
  list.addEventListener("click", (click) => {
    const option = click.target.closest("[role=option]");
    if (option) take(options[Array.prototype.indexOf.call(list.children, option)]);
  });
  document.getElementById("search").addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.addEventListener("auxclick", (click) => click.button === 1 && onClick(click));
  addEventListener("popstate", () => route(false));
})();
