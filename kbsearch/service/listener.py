"""The socket that the service listens on, and how many connections it takes: no more than there are files for.

Each connection is an open file. Without a bound, whoever opens a few hundred and sends nothing leaves none for others
nor for the service itself, and asyncio then reports thousands of failed attempts a second.
"""

from __future__ import annotations

import logging
import resource
import socket
from typing import Any

from kbsearch.errors import KbsearchError
from kbsearch.service.log import Seldom

_LOG = logging.getLogger(__name__)

_MOST_FILES = 16_384
"""Open files that a process asks the system for; more connections than that are no customers, and each takes memory."""
_CLOSED = Seldom(60.0)


def raise_file_limit() -> None:
    """Let this process, and those it forks, have as many open files as the system allows it, up to `_MOST_FILES`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listen(host: str, port: int) -> socket.socket:
    """Listen: what comes in waits for a worker to accept it.

    :raises KbsearchError: the address is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, or asyncio would not know that what comes in is TCP, and an answer of two writes would wait 40 ms for the
    # acknowledgement of the first (Nagle).
    listener = _Listener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise KbsearchError(
            f"the service could not start on {host}:{port}: {error.strerror}; choose another --host or --port."
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of what answers there."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class _Listener(socket.socket):
    """Closes at once what would take the last quarter of the files that this process may open: that is its own.

    In `accept` and not in the protocol, since asyncio accepts hundreds before it makes the protocol of the first.
    """

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection.

        :raises ConnectionAbortedError: there was one, which has been closed; asyncio goes on with the next.
        """
        connection, address = super().accept()
        # The system gives the lowest number that is free.
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if limit != resource.RLIM_INFINITY and connection.fileno() >= limit - limit // 4:
            connection.close()
            if _CLOSED.is_due():
                _LOG.warning(
                    "too many connections for %d open files: new ones are closed; raise the limit (ulimit -n)", limit
                )
            raise ConnectionAbortedError
        return connection, address
