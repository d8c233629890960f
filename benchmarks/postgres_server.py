"""A real PostgreSQL for tests and benchmarks: a new cluster in a temporary folder, on a free port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

_NUMBERS = count()


def binaries() -> Path | None:
    """Return the folder with `initdb` and `postgres`, newest version first, or None."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    found = shutil.which("initdb")
    places += [Path(found).resolve().parent] if found else []
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


@contextmanager
def running_server(*options: str, keep: Path | None = None) -> Iterator[str]:
    """Yield the URL of a server without a database name; it refuses to run as root, so then it is user postgres.

    With `keep`, its cluster lies in that folder, is used again where there is one, and stays.
    """
    place = binaries()
    if place is None:
        raise FileNotFoundError("PostgreSQL is not installed; run: apt-get install postgresql")
    folder = keep or Path(tempfile.mkdtemp(prefix="kbsearch-postgres-"))
    folder.mkdir(exist_ok=True)
    as_whom: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if as_whom:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    initdb = [
        str(place / "initdb"),
        "-D",
        str(data),
        "-U",
        "kbsearch",
        "--auth=trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    if not data.exists():
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, timeout=120, **as_whom)
    serve = [str(place / "postgres"), "-D", str(data), "-k", str(folder), "-h", "127.0.0.1", "-p", str(port), *options]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(serve, stdout=log, stderr=log, cwd=folder, **as_whom)
    try:
        _wait(server, port, folder / "log")
        yield f"postgresql://kbsearch@127.0.0.1:{port}"
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str) -> str:
    """Make an empty database and return its URL."""
    import psycopg

    name = f"events_{next(_NUMBERS)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import psycopg

    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(f"postgresql://kbsearch@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}")
