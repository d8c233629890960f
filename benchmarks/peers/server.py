"""A server that an engine's client starts, waits for and ends: for engines that cannot run inside a process."""

from __future__ import annotations

import atexit
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SECONDS = 600  # some read their whole index before they answer


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


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
