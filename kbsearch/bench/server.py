"""A server of our own to measure: `kbsearch serve` as a process of its own, on a free port, events thrown away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kbsearch.errors import KbsearchError

_START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: tuple[str, int]
    pid: int
    """The process that was started; its workers are its children."""


@contextmanager
def serving(index: Path, *, workers: int = 1, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Serve `index` until the block ends. Raises KbsearchError where it does not start."""
    with tempfile.TemporaryDirectory(prefix="kbsearch-bench-") as folder:
        command = [sys.executable, "-c", "import sys; from kbsearch.cli import main; sys.exit(main())", "serve"]
        command += ["--index", str(index), "--workers", str(workers), "--events", f"sqlite:///{folder}/events.db"]
        given = {"KBSEARCH_EVENT_JOURNAL": f"{folder}/journal", **(environment or {})}
        with running([*command, "--port"], {**os.environ, **given}) as server:
            yield server


@contextmanager
def running(command: list[str], environment: Mapping[str, str], ready: str = "/readyz") -> Iterator[Server]:
    """Run a server command, to which a free port is added, until the block ends; ready when `ready` answers 200."""
    port = free_port()
    with _ended_by_sigterm(), tempfile.TemporaryFile() as log:
        process = subprocess.Popen([*command, str(port)], env=environment, stdout=log, stderr=log)
        try:
            _wait(process, port, ready)
            yield Server(("127.0.0.1", port), process.pid)
        except KbsearchError as error:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            raise KbsearchError(" ".join([str(error), *lines[-1:]])) from error
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that the server and its folder do not outlive whoever started them."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise KbsearchError(f"the server stopped with exit code {process.returncode}; it said:")
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
                if b" 200 " in connection.recv(64):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise KbsearchError(f"the server was not ready after {_START_SECONDS:.0f} seconds; it said:")
