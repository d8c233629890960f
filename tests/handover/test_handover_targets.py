"""Each target against a local server that checks requests against the documented shape of its API."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from handover_facts import SIGNING, Clock, file_one, open_tickets, ticket
from handover_mail import Mailbox, receiving_mail
from handover_receiver import Answer, Call, Receiver, receiving

from kbsearch.errors import DeliveryError, UsageError
from kbsearch.events.ids import iso
from kbsearch.handover.document import document_of
from kbsearch.handover.outbox import DELIVERED
from kbsearch.handover.sender import Sender
from kbsearch.handover.signing import signature
from kbsearch.handover.targets.connect import open_targets
from kbsearch.handover.targets.protocol import Secrets, Target
from kbsearch.handover.targets.text import as_text

DOCUMENT = document_of(ticket())
ENCODED = "=?utf-8?q?x=0d=0aX-Injected:_yes=0d=0a=0d=0aINJECTED?="
SECRETS = Secrets(signing=SIGNING, token="token-1", password="password-1")


@pytest.fixture
def receiver():
    with receiving(Receiver()) as started:
        yield started


def target(text: str) -> Target:
    """Open one target."""
    (opened,) = open_targets(text, SECRETS)
    return opened


def test_webhook(receiver: Receiver) -> None:
    """The document, signed over the very bytes, at the very address."""
    hook = target(f"webhook+http://{receiver.address}/hooks/kb/?source=portal")
    assert hook.deliver(DOCUMENT, "d1", 1) == "7"
    (call,) = receiver.calls
    assert (call.method, call.path, call.query) == ("POST", "/hooks/kb/", {"source": ["portal"]})
    assert call.body == json.loads(json.dumps(DOCUMENT))
    assert call.headers["content-type"] == "application/json"
    assert call.headers["idempotency-key"] == "d1"
    timestamp = call.headers["x-kbsearch-timestamp"]
    assert call.headers["x-kbsearch-signature"] == signature(SIGNING, timestamp, call.raw)
    receiver.answer = lambda _: (204, b"")
    assert hook.deliver(DOCUMENT, "d1", 2) == ""


class FakeZendesk:
    """POST /api/v2/tickets.json and GET …?external_id=, as developer.zendesk.com documents them."""

    def __init__(self) -> None:
        self.tickets: list[dict[str, Any]] = []

    def __call__(self, call: Call) -> Answer:
        user = base64.b64encode(b"agent@example.com/token:token-1").decode()
        if call.headers.get("authorization") != f"Basic {user}":
            return 401, {"error": "Couldn't authenticate you"}
        if call.path != "/api/v2/tickets.json":
            return 404, {"error": "RecordNotFound"}
        if call.method == "GET":
            (wanted,) = call.query["external_id"]
            return 200, {"tickets": [one for one in self.tickets if one["external_id"] == wanted]}
        given = call.body["ticket"]
        assert set(call.body) == {"ticket"}
        assert set(given) <= {"subject", "comment", "requester", "external_id", "tags", "priority", "type"}
        if not given["comment"]["body"] or not given["requester"]["name"] or "@" not in given["requester"]["email"]:
            return 422, {"error": "RecordInvalid"}
        assert call.headers["idempotency-key"]
        self.tickets.append({"id": 35436 + len(self.tickets), **given})
        return 201, {"ticket": self.tickets[-1]}


def test_zendesk(receiver: Receiver) -> None:
    """A ticket of the customer's; a later attempt finds it by external_id."""
    desk = receiver.answer = FakeZendesk()
    zendesk = target(f"zendesk+http://agent%40example.com@{receiver.address}")
    assert zendesk.deliver(DOCUMENT, "d1", 1) == "35436"
    (made,) = desk.tickets
    assert made["requester"] == {"name": "Anna Ozola", "email": "Anna@Example.org"}
    assert made["comment"]["body"] == as_text(DOCUMENT)
    assert made["tags"] == ["kbsearch", "kbsearch_low_confidence"]
    assert zendesk.deliver(DOCUMENT, "d1", 2) == "35436"
    assert len(desk.tickets) == 1
    assert zendesk.deliver({**DOCUMENT, "id": "t2"}, "d2", 2) == "35437"
    assert receiver.calls[0].headers["idempotency-key"] == "d1"


class FakeLiveAgent:
    """POST /api/v3/tickets with the header apikey, as LiveAgent's API 3 has it."""

    def __init__(self) -> None:
        self.tickets: list[dict[str, Any]] = []

    def __call__(self, call: Call) -> Answer:
        if call.headers.get("apikey") != "token-1":
            return 403, {"message": "Forbidden"}
        if (call.method, call.path) != ("POST", "/api/v3/tickets"):
            return 404, {"message": "Not found"}
        assert set(call.body) == {"useridentifier", "recipient", "departmentid", "subject", "message"}
        self.tickets.append(call.body)
        return 200, {"id": "abc123", "code": "XYZ-ABCDE-123"}


def test_liveagent(receiver: Receiver) -> None:
    """From the customer, to the department and the mailbox of the setting."""
    desk = receiver.answer = FakeLiveAgent()
    text = f"liveagent+http://{receiver.address}/?department=default&recipient=support%40example.com"
    assert target(text).deliver(DOCUMENT, "d1", 1) == "XYZ-ABCDE-123"
    assert desk.tickets == [
        {
            "useridentifier": "Anna@Example.org",
            "recipient": "support@example.com",
            "departmentid": "default",
            "subject": "Invoice is missing",
            "message": as_text(DOCUMENT),
        }
    ]


class FakeZammad:
    """POST /api/v1/tickets and GET /api/v1/tickets/search, as docs.zammad.org documents them."""

    def __init__(self) -> None:
        self.tickets: list[dict[str, Any]] = []

    def __call__(self, call: Call) -> Answer:
        if call.headers.get("authorization") != "Token token=token-1":
            return 401, {"error": "authentication failed"}
        if (call.method, call.path) == ("GET", "/api/v1/tickets/search"):
            (wanted,) = call.query["query"]
            return 200, [one for one in self.tickets if wanted in one["note"]]
        if (call.method, call.path) != ("POST", "/api/v1/tickets"):
            return 404, {"error": "not found"}
        given = call.body
        assert set(given) == {"title", "group", "customer_id", "note", "article"}
        assert set(given["article"]) == {"subject", "body", "content_type", "type", "sender", "internal"}
        if given["group"] != "Users":
            return 422, {"error": "Group can't be blank"}
        self.tickets.append({"id": 123 + len(self.tickets), **given})
        return 201, self.tickets[-1]


def test_zammad(receiver: Receiver) -> None:
    """The customer is found or made by address; a later attempt finds the ticket by its note."""
    desk = receiver.answer = FakeZammad()
    zammad = target(f"zammad+http://{receiver.address}/?group=Users")
    assert zammad.deliver(DOCUMENT, "d1", 1) == "123"
    (made,) = desk.tickets
    assert made["customer_id"] == "guess:Anna@Example.org"
    assert made["article"]["body"] == as_text(DOCUMENT)
    assert not made["article"]["internal"]
    assert zammad.deliver(DOCUMENT, "d1", 2) == "123"
    assert zammad.deliver({**DOCUMENT, "id": "t2"}, "d2", 2) == "124"
    assert len(desk.tickets) == 2
    with pytest.raises(DeliveryError, match="answered 422"):
        target(f"zammad+http://{receiver.address}/?group=Nobody").deliver(DOCUMENT, "d1", 1)


class FakeChatwoot:
    """The public API of an API inbox: contacts, their conversations, messages; `lose` the answer to one path."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.conversations: dict[str, list[dict[str, Any]]] = {}
        self.lose = ""

    def __call__(self, call: Call) -> Answer:
        base = "/public/api/v1/inboxes/inbox-1/contacts"
        assert call.path.startswith(base)
        steps = call.path.removeprefix(base).strip("/").split("/")
        answer = self._answer(call, steps)
        return (502, {}) if self.lose and call.method == "POST" and call.path.endswith(self.lose) else answer

    def _answer(self, call: Call, steps: list[str]) -> Answer:
        if steps == [""]:
            assert set(call.body) <= {"source_id", "identifier", "name", "email", "phone_number", "custom_attributes"}
            self.people.setdefault(call.body["source_id"], call.body)
            return 200, {"source_id": call.body["source_id"], "pubsub_token": "p", "id": 1}
        mine = self.conversations.setdefault(steps[0], [])
        assert steps[0] in self.people
        if steps[1:] == ["conversations"]:
            if call.method == "GET":
                return 200, mine
            assert set(call.body) == {"custom_attributes"}
            mine.append({"id": 40 + len(mine), "messages": [], **call.body})
            return 200, mine[-1]
        assert steps[1] == "conversations"
        assert steps[3] == "messages"
        (conversation,) = [one for one in mine if str(one["id"]) == steps[2]]
        assert set(call.body) == {"content", "echo_id"}
        conversation["messages"].append(call.body)
        return 200, {"id": "1", **call.body}


@pytest.mark.parametrize("lost", ["", "/contacts", "/conversations", "/messages"])
def test_chatwoot(receiver: Receiver, lost: str) -> None:
    """One contact, one conversation, one message, whichever answer was lost on the way."""
    desk = receiver.answer = FakeChatwoot()
    chatwoot = target(f"chatwoot+http://{receiver.address}/?inbox=inbox-1")
    desk.lose = lost
    if lost:
        with pytest.raises(DeliveryError, match="502"):
            chatwoot.deliver(DOCUMENT, "d1", 1)
    desk.lose = ""
    assert chatwoot.deliver(DOCUMENT, "d1", 2 if lost else 1) == "40"
    assert desk.people["t1"]["phone_number"] == "+37120000000"
    (conversation,) = desk.conversations["t1"]
    assert conversation["custom_attributes"] == {"kbsearch_ticket": "t1", "kbsearch_reason": "low_confidence"}
    assert [message["content"] for message in conversation["messages"]] == [as_text(DOCUMENT)]


@pytest.mark.parametrize("written_differently", [False, True])
@pytest.mark.parametrize(
    ("kind", "start", "query"),
    [
        (FakeZendesk, "zendesk+http://agent%40example.com@", ""),
        (FakeZammad, "zammad+http://", "?group=Users"),
        (FakeChatwoot, "chatwoot+http://", "?inbox=inbox-1"),
    ],
    ids=["zendesk", "zammad", "chatwoot"],
)
def test_a_delivery_that_is_brought_back_makes_no_second_ticket(
    receiver: Receiver, tmp_path: Path, kind: Any, start: str, query: str, written_differently: bool
) -> None:
    """By `retry`, or since its target's address is written differently: its attempts are counted anew, and the ticket
    of an earlier one, whose answer was lost, is found all the same."""
    desk, lost = kind(), []

    def answer(call: Call) -> Answer:
        given = desk(call)
        if call.method == "POST" and not lost and not call.path.endswith("/contacts"):
            lost.append(call.path)
            return 502, {}
        return given

    receiver.answer = answer
    store, clock = open_tickets(tmp_path), Clock()
    before, after = (target(f"{start}{receiver.address}{slash}{query}") for slash in ("", "/"))
    file_one(store, [before.name])
    assert Sender(store, [before], retention_days=90, clock=clock).send_next(before)
    first = len(receiver.calls)
    if written_differently:
        assert store.outbox.adopt([after.name], iso(clock())) == 1
    else:
        assert store.outbox.retry(iso(clock())) == 1
    again = after if written_differently else before
    assert Sender(store, [again], retention_days=90, clock=clock).send_next(again)
    assert [(one.state, one.attempts) for one in store.outbox.listed()] == [(DELIVERED, 1)]
    store.close()
    assert lost[0] not in [call.path for call in receiver.calls[first:] if call.method == "POST"]


def test_chatwoot_without_a_number_it_would_refuse(receiver: Receiver) -> None:
    """It takes E.164 only; the number stands in the text. An answer without an id is no success."""
    desk = receiver.answer = FakeChatwoot()
    chatwoot = target(f"chatwoot+http://{receiver.address}/?inbox=inbox-1")
    chatwoot.deliver({**DOCUMENT, "contact": {"email": "a@b.lv", "phone": "20000000"}}, "d1", 1)
    assert "phone_number" not in desk.people["t1"]
    assert desk.people["t1"]["name"] == "a"
    receiver.answer = lambda _: (200, {})
    with pytest.raises(DeliveryError, match="has no source_id"):
        chatwoot.deliver(DOCUMENT, "d1", 1)


def test_mail() -> None:
    """Text and document; a reply goes to the customer; the same Message-ID at every attempt."""
    with receiving_mail(Mailbox()) as mailbox:
        text = f"smtp://127.0.0.1:{mailbox.port}/?to=support%40example.com&from=kb%40example.com"
        document = {**DOCUMENT, "subject": "Rēķins\nBcc: x@example.org", "message": "Sveiki!\n.\nĀ"}
        reference = target(text).deliver(document, "d1", 1)
        target(text).deliver(document, "d1", 2)
    message = mailbox.messages[0]
    assert reference == "<d1@example.com>"
    assert [one["Message-ID"] for one in mailbox.messages] == [reference] * 2
    assert mailbox.envelopes[0] == ("kb@example.com", "support@example.com")
    assert message["Subject"] == "Rēķins Bcc: x@example.org"
    assert message["Bcc"] is None
    assert message["Reply-To"] == "Anna Ozola <Anna@Example.org>"
    assert message["X-Kbsearch-Ticket"] == "t1"
    body, attachment = message.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == as_text(document)
    assert attachment.get_filename() == "handover.json"
    assert json.loads(attachment.get_content()) == json.loads(json.dumps(document))


@pytest.mark.parametrize(
    ("subject", "name", "email"),
    [
        pytest.param(ENCODED, "", "anna@example.org", id="subject"),
        pytest.param(f"x {ENCODED}", ENCODED, "anna@example.org", id="name"),
        pytest.param("x", "", f"{ENCODED}@example.org", id="address"),
        pytest.param("x", "Anna", f"anna@{ENCODED}.example.org", id="host"),
    ],
)
def test_mail_has_no_header_of_the_customers(subject: str, name: str, email: str) -> None:
    """An encoded word (RFC 2047) is not decoded on its way into a header, line ends and all."""
    with receiving_mail(Mailbox()) as mailbox:
        text = f"smtp://127.0.0.1:{mailbox.port}/?to=support%40example.com&from=kb%40example.com"
        contact = {"email": email, "name": name}
        target(text).deliver({**DOCUMENT, "subject": subject, "contact": contact}, "d1", 1)
    (message,) = mailbox.messages
    assert not [line for line in message.as_bytes().splitlines() if line.startswith((b"X-Injected", b"INJECTED"))]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == subject.replace("=?", "= ?")
    assert message["Reply-To"] is None or message["Reply-To"].addresses[0].addr_spec == "anna@example.org"
    assert (message["Reply-To"] is None) == (email != "anna@example.org")


def test_mail_that_is_refused() -> None:
    """By the server, by nobody being there, or by us: a password goes over TLS only."""
    with receiving_mail(Mailbox(refuse="550 no such mailbox")) as mailbox:
        options = "/?to=support%40example.com&from=kb%40example.com"
        with pytest.raises(DeliveryError, match="no such mailbox"):
            target(f"smtp://127.0.0.1:{mailbox.port}{options}").deliver(DOCUMENT, "d1", 1)
        with pytest.raises(DeliveryError, match="the password stays here"):
            target(f"smtp://user@127.0.0.1:{mailbox.port}{options}").deliver(DOCUMENT, "d1", 1)
        port = mailbox.port
    with pytest.raises(DeliveryError, match="did not take the message"):
        target(f"smtp://127.0.0.1:{port}{options}").deliver(DOCUMENT, "d1", 1)
    with pytest.raises(DeliveryError, match="did not take the message"):
        target(f"smtps://127.0.0.1:{port}{options}").deliver(DOCUMENT, "d1", 1)


@pytest.mark.parametrize("bye", ["250 ok", "421 busy, closing", "500 what?", "nonsense"])
def test_mail_that_was_taken_is_delivered_whatever_is_said_to_quit(bye: str) -> None:
    """Else the help desk would get it again, up to 28 times."""
    with receiving_mail(Mailbox(bye=bye)) as mailbox:
        text = f"smtp://127.0.0.1:{mailbox.port}/?to=support%40example.com&from=kb%40example.com"
        assert target(text).deliver(DOCUMENT, "d1", 1) == "<d1@example.com>"
    assert len(mailbox.messages) == 1


def test_mail_from_an_address_that_old_servers_cannot_carry() -> None:
    """No Reply-To; the address stands in the text."""
    with receiving_mail(Mailbox()) as mailbox:
        text = f"smtp://127.0.0.1:{mailbox.port}/?to=support%40example.com&from=kb%40example.com"
        target(text).deliver({**DOCUMENT, "contact": {"email": "āna@example.lv"}}, "d1", 1)
    assert mailbox.messages[0]["Reply-To"] is None
    assert "āna@example.lv" in next(mailbox.messages[0].iter_parts()).get_content()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("hooks.example/path", "is no address"),
        ("webhook://", "is no address"),
        ("webhook+ftp://hooks.example/", "is no address"),
        ("webhook://hooks.example:port/", "is no address"),
        ("pigeon://hooks.example/", "must be one of: webhook, smtp"),
        ("zendesk://agent:secret@acme.zendesk.com", "holds a password"),
        ("zendesk://acme.zendesk.com", "names no user"),
        ("liveagent://acme.ladesk.com/?department=x", "lacks recipient"),
        ("zammad://help.example.com/", "lacks group"),
        ("chatwoot://app.chatwoot.com/", "lacks inbox"),
        ("smtp://mail.example.com/?to=a%40b.lv", "lacks from"),
        ("webhook://a.example/ webhook://a.example/", "named twice"),
        ("zammad://a.example/?group=x zammad://b.example/?group=x", "one KBSEARCH_HANDOVER_TOKEN"),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_at_the_start(text: str, match: str) -> None:
    """It says what is wrong; a secret in it is not repeated."""
    with pytest.raises(UsageError, match=match) as caught:
        open_targets(text, SECRETS)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("webhook://hooks.example/", "KBSEARCH_HANDOVER_SECRET"),
        ("zammad://help.example.com/?group=x", "KBSEARCH_HANDOVER_TOKEN"),
        ("smtp://user@mail.example.com/?to=a%40b.lv&from=a%40b.lv", "KBSEARCH_SMTP_PASSWORD"),
    ],
)
def test_a_missing_secret_is_named(text: str, variable: str) -> None:
    """By the variable to set."""
    with pytest.raises(UsageError, match=variable):
        open_targets(text, Secrets())


def test_addresses_are_https_unless_they_say_otherwise() -> None:
    """And nothing is called before there is something to deliver."""
    text = "webhook://[::1]:8443/hook chatwoot://app.chatwoot.com?inbox=x"
    assert [one.name for one in open_targets(text, SECRETS)] == text.split()
    from kbsearch.handover.targets.address import read_address

    assert read_address("webhook://[::1]:8443/hook").url == "https://[::1]:8443/hook"
    assert read_address("webhook+http://localhost/hook").url == "http://localhost/hook"
    assert open_targets("", Secrets()) == []
    assert "token-1" not in repr(SECRETS)
