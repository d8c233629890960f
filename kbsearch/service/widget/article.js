// An article inside the panel.

const articleView = el("div", { class: "view article", tabindex: "0", role: "region" });
let wanted = 0;

// `about`: id, and query_id and position where a search led here.
async function openArticle(about) {
  const mine = ++wanted;
  fillArticle(textLang, texts.wait, el("p", { class: "soft", role: "status" }, texts.wait));
  show("article");
  // What was pressed is hidden now, and what comes may be a failure.
  articleView.focus();
  let found;
  try {
    found = await ask(`v1/documents/${encodeURIComponent(about.id)}`);
  } catch (error) {
    if (mine !== wanted) return;
    const gone = error.status === 404;
    const said = gone ? texts.missing : texts.down;
    const again = button(texts.retry, () => openArticle(about), "quiet");
    fillArticle(textLang, said, el("p", { role: "alert" }, said), ...(gone ? [] : row(contactLink(), again)));
    return;
  }
  if (mine !== wanted) return;
  const viewed = { ...about, type: found.type };
  report("view", viewed);
  noteOnce(memory.opened, found.id);
  keepMemory();
  emit("article", { id: found.id, query_id: about.query_id || null });
  const heading = el("h3", { tabindex: "-1", dir: directionOf(found.lang) }, found.title);
  fillArticle(found.lang, found.title, heading, prose(found), articleFoot(found, viewed));
  heading.focus();
}

// The article, or our own words where it will stand, or would.
function fillArticle(lang, name, ...content) {
  articleView.lang = lang;
  articleView.setAttribute("aria-label", name);
  articleView.scrollTop = 0;
  articleView.replaceChildren(...content);
}

function prose(found) {
  const box = el("div", { class: "prose", dir: directionOf(found.lang) });
  try {
    box.append(safeHtml(found.html, found.url || base));
  } catch {
    // The page lets nobody parse HTML (Trusted Types without our policy): its plain text then.
    box.classList.add("plain");
    box.append(found.text);
  }
  return box;
}

function articleFoot(found, viewed) {
  const others = Object.entries(found.translations).map(([lang, id]) =>
    button(languageName(lang), () => openArticle({ ...viewed, id }), "pill", { lang: textLang }));
  return el("footer", { lang: textLang },
    vote(viewed),
    others.length > 0 && el("div", { class: "row" }, el("span", { class: "soft" }, texts.also), ...others),
    /^https?:/i.test(found.url) && el("p", {}, outsideLink(found.url, texts.own_page)));
}

function vote(viewed) {
  const say = (helpful) => () => {
    report("feedback", viewed, { helpful });
    emit("feedback", { id: viewed.id, helpful, query_id: viewed.query_id || null });
    const noted = el("span", { role: "status", tabindex: "-1" }, texts.thanks);
    box.replaceChildren(noted);
    // The button that was pressed is gone; the keyboard goes on from here.
    noted.focus();
  };
  const box = el("div", { class: "row vote" }, el("span", {}, texts.helpful), button(texts.yes, say(true)), button(texts.no, say(false)));
  return box;
}

const row = (...children) => [el("div", { class: "row" }, ...children)];
