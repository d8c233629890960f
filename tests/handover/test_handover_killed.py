"""A hand-over that was acknowledged is delivered, whatever happens to the service: real processes, SIGKILL."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
from handover_facts import SIGNING, open_tickets
from handover_receiver import Receiver, receiving

from kbsearch.bench.server import free_port
from kbsearch.handover.outbox import WAITING
from kbsearch.handover.sender import Sender
from kbsearch.handover.targets.connect import open_targets
from kbsearch.handover.targets.protocol import Secrets

pytestmark = pytest.mark.slow
ROUNDS = 4


@contextmanager
def serving(index: Path, target: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """Run the service with two workers, ready; whatever is left of it at the end is killed."""
    port = free_port()
    command = [sys.executable, "-c", "from kbsearch.cli import main; raise SystemExit(main())", "serve"]
    process = subprocess.Popen(
        [*command, "--index", str(index), "--port", str(port), "--workers", "2"],
        env={**os.environ, "KBSEARCH_HANDOVER_TARGET": target, "KBSEARCH_HANDOVER_SECRET": SIGNING},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            deadline = time.monotonic() + 90
            while True:
                try:
                    if client.get("/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield client, process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def test_killed_between_acknowledgement_and_delivery(handmade_index: Path, tmp_path: Path) -> None:
    """The target is down, slow, or answers 500 meanwhile; each acknowledged ticket arrives, once by its key."""
    index = Path(shutil.copytree(handmade_index, tmp_path / "index"))
    draw = random.Random(7)
    acknowledged: list[str] = []
    receiver = Receiver(port=free_port())
    failing = {"now": False}
    receiver.answer = lambda _: (500, {}) if failing["now"] else (201, {"id": 1})
    target = f"webhook+http://{receiver.address}/hook"
    for number in range(ROUNDS):
        receiver.delay = (0.0, 0.2)[number % 2]
        failing["now"] = number == 2
        with serving(index, target) as (client, process):
            for each in range(12):
                body = {
                    "reason": "customer_request",
                    "subject": f"Round {number} ticket {each}",
                    "contact": {"email": f"anna{number}.{each}@example.org"},
                    "idempotency_key": f"{number}-{each}",
                }
                answer = client.post("/v1/handover", json=body)
                assert answer.status_code == 201
                acknowledged.append(answer.json()["id"])
                if each == 5 and number:
                    # The first round never finds the target.
                    with receiving(receiver):
                        time.sleep(draw.uniform(0.05, 0.6))
                        os.killpg(process.pid, signal.SIGKILL)
                        process.wait(30)
                    break
            else:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)

    assert len(set(acknowledged)) == 12 + 6 * (ROUNDS - 1)
    failing["now"], receiver.delay = False, 0.0
    store = open_tickets(index)
    assert {ticket.id for ticket in store.listed()} == set(acknowledged)
    assert store.outbox.counts()[WAITING]
    with receiving(receiver):
        # When every lease has ended: what the next process of the service does some minutes later.
        targets = open_targets(target, Secrets(signing=SIGNING))
        later = datetime.now(UTC) + timedelta(hours=1)
        sender = Sender(store, targets, retention_days=90, clock=lambda: later)
        while sender.send_next(targets[0]):
            pass
    assert store.outbox.counts()[WAITING] == 0
    taken: dict[str, str] = {}
    for call in receiver.calls:
        taken.setdefault(call.headers["idempotency-key"], call.body["id"])
        assert taken[call.headers["idempotency-key"]] == call.body["id"]
    assert sorted(taken.values()) == sorted(acknowledged)
    store.close()


def test_the_next_process_delivers_what_the_killed_one_left(handmade_index: Path, tmp_path: Path) -> None:
    """Acknowledged while the target was down, killed, started again with the target up: one delivery."""
    index = Path(shutil.copytree(handmade_index, tmp_path / "index"))
    receiver = Receiver(port=free_port())
    target = f"webhook+http://{receiver.address}/hook"
    with serving(index, target) as (client, process):
        body = {"reason": "customer_request", "subject": "Help", "contact": {"email": "anna@example.org"}}
        filed = client.post("/v1/handover", json=body).json()
        time.sleep(0.5)  # the attempt that finds nobody
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    with receiving(receiver), serving(index, target) as (client, _process):
        deadline = time.monotonic() + 30
        while not receiver.calls and time.monotonic() < deadline:
            time.sleep(0.1)
        status = client.get(f"/v1/handover/{filed['id']}", params={"key": filed["key"]})
        assert status.json()["subject"] == "Help"
        time.sleep(1)  # for a second delivery, if there were one
    assert [call.body["id"] for call in receiver.calls] == [filed["id"]]
