// A person: the form, which keeps what was typed, and what became of the message.

const field = (name, properties, control) => {
  const input = el(control || "input", { id: name, name, class: "input", ...properties });
  return [input, el("div", { class: "labelled" }, el("label", { for: name }, texts[name]), input)];
};
const [nameInput, nameField] = field("name", { dir: "auto", autocomplete: "name", maxlength: "200" });
const [emailInput, emailField] = field("email", { type: "email", autocomplete: "email", maxlength: "254", required: true });
const [messageInput, messageField] = field("message", { dir: "auto", rows: "5", maxlength: "10000", required: true }, "textarea");
const problem = el("p", { id: "problem", class: "problem", role: "alert", hidden: true });
const fileButton = el("button", { type: "submit", class: "main" }, texts.file);
const personForm = el("form", { novalidate: true, submit: filePerson },
  el("p", { class: "soft" }, texts.person_text), messageField, emailField, nameField, problem, fileButton);
const personView = el("div", { class: "view person", role: "region", "aria-label": texts.person }, personForm);

let reason = "customer_request";
let typedMessage = false;
// A second press, or a second try after a lost answer, sends the same words under the same key, and files them once,
// whatever was looked at in between. Words that were changed since are another message: the service refuses them under
// a used key, and the lost ones may have been filed.
let lastSent = "";
let fileKey = "";
messageInput.addEventListener("input", () => (typedMessage = true));

// `why`: a reason of the hand-over contract; `unsent`: what stands in the question box.
function openPerson(why, unsent) {
  reason = why || "customer_request";
  if (!nameInput.value) nameInput.value = identity.name;
  if (!emailInput.value) emailInput.value = identity.email;
  if (!typedMessage) messageInput.value = (unsent || questions().pop() || "").trim();
  personView.replaceChildren(memory.ticket ? filedBox() : personForm);
  show("person");
  const empty = [messageInput, emailInput, nameInput].find((input) => !input.value);
  (memory.ticket ? personView.querySelector("h3") : empty || messageInput).focus();
}

const questions = () => (memory.conversation ? memory.conversation.asked.map((one) => one.text) : []);

// `input`: the field that is wrong, where one is; without a text nothing is.
function complain(text, input) {
  for (const one of [messageInput, emailInput]) {
    one.removeAttribute("aria-invalid");
    one.removeAttribute("aria-describedby");
  }
  problem.replaceChildren(text, ...(text === texts.failed && contact ? [" ", outsideLink(contact, texts.contact)] : []));
  problem.hidden = !text;
  if (!input) return;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", "problem");
  input.focus();
}

async function filePerson(submit) {
  submit.preventDefault();
  if (fileButton.disabled) return;
  const message = messageInput.value.trim();
  if (!message) return complain(texts.incomplete, messageInput);
  if (!emailInput.value.trim()) return complain(texts.incomplete, emailInput);
  if (!emailInput.checkValidity()) return complain(texts.email_bad, emailInput);
  complain("");
  fileButton.disabled = true;
  fileButton.textContent = texts.sending;
  try {
    const body = handover(message);
    const words = JSON.stringify([body.message, body.contact, body.conversation]);
    if (words !== lastSent) {
      lastSent = words;
      fileKey = randomId();
    }
    const filed = await ask("v1/handover", { ...body, idempotency_key: fileKey });
    memory.ticket = { ...filed, email: body.contact.email };
    lastSent = "";
    messageInput.value = "";
    typedMessage = false;
    keepMemory();
    emit("handover", { id: filed.id, status: filed.status, url: filed.url });
    personView.replaceChildren(filedBox());
    personView.querySelector("h3").focus();
  } catch (error) {
    // Other refusals are nothing that the customer could complete, such as too many tickets of one address.
    const wrong = error.code === "invalid_value" ? error.field : "";
    if (wrong === "contact.email") complain(texts.email_bad, emailInput);
    else complain(/^(contact|message|subject)\b/.test(wrong) ? texts.incomplete : texts.failed);
  } finally {
    fileButton.disabled = false;
    fileButton.textContent = texts.file;
  }
}

function handover(message) {
  const name = nameInput.value.trim();
  const email = emailInput.value.trim();
  return {
    reason,
    subject: beginning(message.split("\n")[0], 200),
    message,
    lang: textLang,
    contact: { email, ...(name && { name }) },
    conversation: memory.entries.filter((entry) => entry.text).map((entry) => ({ role: entry.who, text: entry.text })).slice(-100),
    queries: questions(),
    query_ids: memory.queryIds.slice(-100),
    shown: memory.shown.slice(-100),
    opened: memory.opened.slice(-100),
    confidence: memory.confidence,
    session,
  };
}

function filedBox() {
  const ticket = memory.ticket;
  const state = el("strong", { class: "state", role: "status" });
  const setState = () => {
    state.textContent = texts[`status_${ticket.status}`] || ticket.status;
    state.dataset.status = ticket.status;
  };
  const replies = el("div", {});
  setState();
  const check = button(texts.check, async () => {
    check.disabled = true;
    try {
      const now = await ask(`v1/handover/${encodeURIComponent(ticket.id)}?key=${encodeURIComponent(ticket.key)}`);
      ticket.status = now.status;
      keepMemory();
      setState();
      replies.replaceChildren(...now.replies.map((reply) => el("p", { class: "bubble", dir: "auto" }, el("strong", { dir: "auto" }, reply.from), " ", reply.text)));
    } catch {
      state.textContent = texts.down;
    }
    check.disabled = false;
  }, "quiet");
  const another = button(texts.another, () => {
    memory.ticket = null;
    keepMemory();
    openPerson("customer_request", "");
  }, "quiet");
  return el("div", { class: "filed" },
    el("h3", { tabindex: "-1" }, texts.filed),
    el("p", {}, texts.filed_text.replace("{email}", ticket.email)),
    el("p", {}, el("span", { class: "soft" }, `${texts.status}: `), state),
    replies,
    ticket.url && el("p", {}, outsideLink(new URL(ticket.url, base).href, texts.own_page)),
    el("div", { class: "row" }, check, another));
}
