// kbsearch('open'), kbsearch('search', 'refund'), kbsearch('on', 'reply', f): one function for all widgets of a page.
// Calls made before this file arrived wait in kbsearch.q.

const does = {
  open: openPanel,
  close: closePanel,
  async search(text) {
    openPanel();
    // One question after the other.
    while (answering) await answering;
    show("chat");
    return say(String(text ?? ""));
  },
  person() {
    openPanel();
    openPerson("customer_request", questionInput.value);
  },
  // Pages that do not know their customer yet say nothing.
  identify(who) {
    for (const name of Object.keys(identity)) if (typeof who?.[name] === "string") identity[name] = who[name];
  },
};

function makeHub(before) {
  const made = (...call) => {
    const [command, ...values] = call;
    if (command === "on") {
      made.listeners.push(values);
      return;
    }
    // The last value may name one widget: kbsearch('open', { kb: 'shop' }).
    const last = values[values.length - 1];
    const named = last && typeof last === "object" && last.kb !== undefined;
    const chosen = made.widgets.filter((one) => !named || one.kb === last.kb);
    if (!Object.hasOwn(does, command)) {
      console.warn(`kbsearch: there is no command "${command}"; see docs/widget.md`);
    } else if (!chosen.length) {
      // Its script is still on its way.
      made.q.push(call);
    } else {
      // Who somebody is holds for all widgets; one panel opens.
      for (const one of command === "identify" || command === "close" ? chosen : chosen.slice(0, 1)) one.does[command](...values);
    }
  };
  return Object.assign(made, { widgets: [], listeners: [], q: before });
}

const early = (window.kbsearch && window.kbsearch.q) || [];
if (!window.kbsearch || !window.kbsearch.widgets) window.kbsearch = makeHub([...early].map((call) => [...call]));
const commands = window.kbsearch;

function begin() {
  const calls = commands.q.splice(0);
  // Listeners first, so that none misses what the other calls cause.
  for (const call of calls.filter(([command]) => command === "on")) commands(...call);
  mount();
  for (const call of calls.filter(([command]) => command !== "on")) commands(...call);
}

// Where a page swaps its body and runs our tag in it again, the widget of the tag that went still stands beside the body.
const standing = commands.widgets.find((one) => one.name === memoryName && !one.script?.isConnected);
if (standing) {
  standing.stand();
} else {
  commands.widgets.push({ kb, name: memoryName, script, stand, does });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
}
