// Talking to the service. Bodies go as text, which needs no preflight where there is no key.

async function ask(path, body) {
  const headers = identity.key ? { "X-Kbsearch-Key": identity.key } : {};
  const response = await fetch(base + path, {
    method: body ? "POST" : "GET",
    body: body && JSON.stringify(body),
    headers,
    credentials: "omit",
    signal: AbortSignal.timeout(15000),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  if (response.status === 401) console.warn(`kbsearch: ${answer.error.message}`);
  throw Object.assign(new Error(answer.error.message), { ...answer.error, status: response.status });
}

// What only the browser sees. Impressions, answers and votes in the chat are counted by the service itself.
function report(action, about, more) {
  if (!counted) return;
  const event = {
    event_id: randomId(),
    action_name: action,
    session_id: session,
    timestamp: new Date().toISOString(),
    event_attributes: { object: { object_id: about.id, object_id_type: about.type || "document" }, ...more },
  };
  if (about.query_id) event.query_id = about.query_id;
  if (about.position) event.event_attributes.position = { ordinal: about.position };
  const text = JSON.stringify({ events: [event] });
  fetch(`${base}v1/events`, { method: "POST", body: text, keepalive: true, credentials: "omit" }).catch(() => {
    // The event has an id: should both arrive, it is counted once.
    if (navigator.sendBeacon) navigator.sendBeacon(`${base}v1/events`, text);
  });
}

const listeners = () => (window.kbsearch && window.kbsearch.listeners) || [];

// Tell the page. Its handlers' mistakes are its own, and must not stop the chat.
function emit(name, detail) {
  for (const [wanted, handler] of listeners()) {
    if (wanted !== name) continue;
    try {
      handler({ kb, ...detail });
    } catch (error) {
      console.error(error);
    }
  }
}

// By characters: half of a surrogate pair is no text, and the service refuses it.
const beginning = (text, longest) => [...text].slice(0, longest).join("");
const noteOnce = (list, id) => id && !list.includes(id) && list.push(id);
