// Suggestions while the customer types: the ARIA combobox pattern.

const suggestionList = el("ul", { id: "suggestions", class: "suggestions", role: "listbox", "aria-label": texts.suggestions, hidden: true });
let lines = [];
let active = -1;
let typing = 0;
let asked = 0;

questionInput.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(suggest, 120);
  // What is typed now is no longer what was chosen with the arrows.
  activate(-1);
});
questionInput.addEventListener("blur", () => setTimeout(closeSuggestions, 150));

async function suggest() {
  const q = questionInput.value.trim();
  const mine = ++asked;
  if (q.length < 2 || tooLong(q)) return closeSuggestions();
  try {
    const found = await ask(`v1/suggest?q=${encodeURIComponent(q)}&limit=4&lang=${encodeURIComponent(pageLang)}`);
    // Only the answer to what stands there now.
    if (mine === asked && questionInput.value.trim() === q) openSuggestions(found.suggestions);
  } catch {
    closeSuggestions();
  }
}

function openSuggestions(found) {
  lines = found;
  activate(-1);
  suggestionList.replaceChildren(...lines.map((line, place) =>
    el("li", { id: `line-${place}`, role: "option", "aria-selected": "false", lang: line.lang, mousedown: (press) => press.preventDefault(), click: () => take(place) },
      icon(line.kind === "title" ? "article" : "help"), el("span", { class: "name", dir: "auto" }, line.text))));
  suggestionList.hidden = !lines.length;
  questionInput.setAttribute("aria-expanded", String(lines.length > 0));
}

function closeSuggestions() {
  clearTimeout(typing);
  asked++;
  openSuggestions([]);
}

function activate(place) {
  active = place;
  [...suggestionList.children].forEach((line, at) => line.setAttribute("aria-selected", String(at === place)));
  if (place < 0) questionInput.removeAttribute("aria-activedescendant");
  else questionInput.setAttribute("aria-activedescendant", `line-${place}`);
}

function take(place) {
  const line = lines[place];
  closeSuggestions();
  if (line.kind === "title") openArticle({ id: line.document_id });
  else say(line.text);
}

questionInput.addEventListener("keydown", (press) => {
  // Enter that ends the composition of a character is not meant for us.
  if (press.isComposing || suggestionList.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[press.key];
  if (step) {
    press.preventDefault();
    // One place more than lines: before the first and after the last is the box itself.
    activate(((active + 1 + step + lines.length + 1) % (lines.length + 1)) - 1);
  } else if (press.key === "Enter" && active >= 0) {
    press.preventDefault();
    take(active);
  } else if (press.key === "Escape") {
    press.stopPropagation();
    closeSuggestions();
  }
});
