"""A server that an engine's client starts, waits for and ends: for engines that cannot run inside a process."""

from __future__ import annotations

import atexit
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

SECONDS = 1_800  # some read their whole index before they answer: eleven minutes for a million passages


def serve(command: Sequence[object], folder: Path, ready: Callable[[], object], **process: Any) -> None:
    """Run a server until this process ends; return when `ready` has not raised OSError or RuntimeError.

    What it says is in FOLDER/log. Raises SystemExit where it stops or stays silent.
    """
    with open(folder / "log", "ab") as log:
        server = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, **process
        )
    atexit.register(_stop, server)
    deadline = time.monotonic() + SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            ready()
            return
        except (OSError, RuntimeError):
            time.sleep(0.05)
    said = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    raise SystemExit("\n".join([f"{command[0]} did not start; {folder / 'log'} ends with:", *said]))


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on, all different: asked for one by one, the same may come twice."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
