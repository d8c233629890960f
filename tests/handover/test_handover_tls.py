"""Targets over TLS: whom to trust is decided before anything is sent."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from handover_facts import SIGNING, ticket
from handover_mail import Mailbox, receiving_mail
from handover_receiver import Receiver, receiving

from kbsearch.errors import DeliveryError
from kbsearch.handover.document import document_of
from kbsearch.handover.targets.connect import open_targets
from kbsearch.handover.targets.protocol import Secrets, Target

DOCUMENT = document_of(ticket())
MAIL = "/?to=support%40example.com&from=kb%40example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1, signed by nobody but itself, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; run: apt-get install openssl")
    path = tmp_path_factory.mktemp("tls") / "self.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    """What the server shows."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def target(text: str) -> Target:
    (opened,) = open_targets(text, Secrets(signing=SIGNING, password="password-1"))
    return opened


def test_an_unknown_certificate_gets_nothing(context: ssl.SSLContext) -> None:
    """Neither the document nor the password."""
    with receiving(Receiver(), context) as receiver:
        with pytest.raises(DeliveryError, match=r"(?i)certificate"):
            target(f"webhook://{receiver.address}/").deliver(DOCUMENT, "d1", 1)
        assert receiver.calls == []
    for kind in ("smtp", "smtps"):
        with receiving_mail(Mailbox(), context, at_once=kind == "smtps") as mailbox:
            with pytest.raises(DeliveryError, match=r"(?i)certificate"):
                target(f"{kind}://user@127.0.0.1:{mailbox.port}{MAIL}").deliver(DOCUMENT, "d1", 1)
            assert mailbox.logins == mailbox.messages == []


def test_a_known_one_is_trusted(context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by SSL_CERT_FILE, as for every program that uses OpenSSL; the password goes over TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    with receiving(Receiver(), context) as receiver:
        target(f"webhook://{receiver.address}/").deliver(DOCUMENT, "d1", 1)
        assert receiver.keys == ["d1"]
    for kind in ("smtp", "smtps"):
        with receiving_mail(Mailbox(), context, at_once=kind == "smtps") as mailbox:
            target(f"{kind}://user@127.0.0.1:{mailbox.port}{MAIL}").deliver(DOCUMENT, "d1", 1)
            assert len(mailbox.messages) == 1
            assert mailbox.logins == ["\0user\0password-1"]
