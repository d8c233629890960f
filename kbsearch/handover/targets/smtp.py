"""E-mail: the hand-over as text, with the document as an attachment; a reply goes to the customer."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from typing import Any

import orjson

from kbsearch.errors import DeliveryError, UsageError
from kbsearch.handover.targets.address import Address
from kbsearch.handover.targets.protocol import Secrets
from kbsearch.handover.targets.text import as_text, name_of

_TIMEOUT = 15.0
_ENCODED = "=?"
"""How an encoded word begins (RFC 2047)."""
_EXAMPLE = "smtp://user@mail.example.com:587/?to=support%40example.com&from=kbsearch%40example.com"


class Smtp:
    """`smtp://user@mail.example.com:587/?to=…&from=…` (STARTTLS where the server offers it) or `smtps://…` (TLS)."""

    def __init__(self, address: Address, secrets: Secrets) -> None:
        """:raises UsageError: an option is missing, or the user's password."""
        self.name = address.text
        self.kind = address.kind
        self._host = address.host
        self._port = address.port or (465 if address.kind == "smtps" else 25)
        self._to = address.option("to", _EXAMPLE)
        self._from = address.option("from", _EXAMPLE)
        self._user, self._password = address.user, secrets.password
        if self._user and not self._password:
            raise UsageError(f"{self._user} of the mail server has no password; set KBSEARCH_SMTP_PASSWORD")

    def deliver(self, document: Mapping[str, Any], delivery: str, attempt: int) -> str:
        """Send one message; its Message-ID stays the same at every attempt. See `Target.deliver`."""
        message = self._message(document, delivery)
        try:
            server = self._connect()
            try:
                server.send_message(message)
                # Not as a context manager: that fails by what is said to QUIT, after the message was taken.
                with suppress(smtplib.SMTPException):
                    server.docmd("QUIT")
            finally:
                server.close()
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"{self._host}:{self._port} did not take the message: {error}") from error
        return str(message["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.kind == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT)
        try:
            server.ehlo()
            secure = self.kind == "smtps"
            if not secure and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                secure = True
            if self._user:
                if not secure:
                    raise DeliveryError(f"{self._host} offers no TLS, so the password stays here; use smtps://")
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, document: Mapping[str, Any], delivery: str) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = _one_line(document["subject"])
        message["From"] = self._from
        message["To"] = self._to
        email = document["contact"]["email"]
        # An address that older mail servers cannot carry, or that would be decoded, stands in the text.
        if email.isascii() and _ENCODED not in email:
            user, _, domain = email.rpartition("@")
            message["Reply-To"] = MailAddress(_one_line(name_of(document)), user, domain)
        message["Message-ID"] = f"<{delivery}@{self._from.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Kbsearch-Ticket"] = document["id"]
        message.set_content(as_text(document))
        attachment = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        message.add_attachment(attachment, maintype="application", subtype="json", filename="handover.json")
        return message


def _one_line(text: str) -> str:
    # The email package decodes encoded words in what it is given, line ends and all, and writes them as they are.
    return " ".join(text.split()).replace(_ENCODED, "= ?")
