"""A mail server on the loopback (RFC 5321, as much as a client that behaves needs), with TLS if a test wants it."""

from __future__ import annotations

import base64
import contextlib
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread


@dataclass
class Mailbox:
    """What a server was sent; `refuse` is what it says to RCPT instead of taking it, `bye` to QUIT."""

    messages: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: str = ""
    bye: str = "221 bye"
    port: int = 0


class _Handler(socketserver.StreamRequestHandler):
    """One session."""

    server: _Server
    secure = False
    sender = recipient = ""

    def handle(self) -> None:
        # A client that trusts nobody hangs up.
        with contextlib.suppress(OSError):
            if self.server.at_once:
                self._secure()
            self._say("220 test ready")
            while line := self.rfile.readline().decode().strip():
                verb, _, rest = line.partition(" ")
                answer = getattr(self, f"on_{verb.lower()}", lambda _rest: "250 ok")(rest)
                self._say(answer)
                if verb == "STARTTLS":
                    self._secure()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def on_ehlo(self, _rest: str) -> str:
        more = "AUTH PLAIN" if self.secure else "STARTTLS" if self.server.context else "8BITMIME"
        return f"250-test\r\n250 {more}"

    def on_starttls(self, _rest: str) -> str:
        return "220 go on"

    def on_auth(self, rest: str) -> str:
        self.server.mailbox.logins.append(base64.b64decode(rest.split()[1]).decode())
        return "235 welcome"

    def on_mail(self, rest: str) -> str:
        self.sender = rest.partition("<")[2].partition(">")[0]
        return "250 ok"

    def on_rcpt(self, rest: str) -> str:
        self.recipient = rest.partition("<")[2].partition(">")[0]
        return self.server.mailbox.refuse or "250 ok"

    def on_data(self, _rest: str) -> str:
        self._say("354 go on")
        content = b""
        while (part := self.rfile.readline()) != b".\r\n":
            content += part.removeprefix(b".") if part.startswith(b"..") else part
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.server.mailbox.messages.append(message)
        self.server.mailbox.envelopes.append((self.sender, self.recipient))
        return "250 taken"

    def on_quit(self, _rest: str) -> str:
        return self.server.mailbox.bye

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def _secure(self) -> None:
        assert self.server.context is not None
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        self.secure = True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    mailbox: Mailbox
    context: ssl.SSLContext | None
    at_once: bool


@contextmanager
def receiving_mail(
    mailbox: Mailbox, context: ssl.SSLContext | None = None, *, at_once: bool = False
) -> Iterator[Mailbox]:
    """Run a server, with STARTTLS or TLS `at_once` where there is a context."""
    with _Server(("127.0.0.1", mailbox.port), _Handler) as server:
        server.mailbox, server.context, server.at_once = mailbox, context, at_once
        mailbox.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield mailbox
        finally:
            server.shutdown()
            thread.join()
