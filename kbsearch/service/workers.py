"""Several worker processes behind one socket, forked from one that has opened the index.

What is loaded before the fork (Python itself, the libraries, the model, the open index) is there once for all of them:
the kernel copies a page only when a process writes to it. A worker that dies is replaced; SIGTERM and SIGINT are passed
on, and the parent waits until the last request is answered. Where it is the parent that dies, by whatever signal, its
workers stop as well: nobody would replace them, and the next start would find the address taken.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from kbsearch.collector import keep_what_is_there

_LOG = logging.getLogger(__name__)

_YOUNG_SECONDS = 5.0
"""A worker that lives shorter than this is replaced no sooner: whatever ended it would end the next one at once."""


def _while_open(parent: int, mine: int, work: Callable[[], int]) -> Callable[[], int]:
    """Let work be told to stop when the pipe ends: with the parent, since `mine`, what is written to, is its alone."""

    def watch() -> None:
        os.read(parent, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def watched() -> int:
        os.close(mine)
        threading.Thread(target=watch, name="kbsearch-parent", daemon=True).start()
        return work()

    return watched


def run_workers(count: int, work: Callable[[], int], on_started: Callable[[], None]) -> None:
    """Run `work` in `count` child processes until told to stop; its result is their exit code.

    `on_started` is called here once they have what was opened for them: what they hold is theirs to let go.
    """
    keep_what_is_there()
    parent, mine = os.pipe()
    work = _while_open(parent, mine, work)
    started: dict[int, float] = {}
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        _end(started)

    def start() -> None:
        child = _fork(work, before)
        started[child] = time.monotonic()
        # Where the signal came before this one was known.
        if stopping:
            _end((child,))

    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    for name in before:
        signal.signal(name, stop)
    while len(started) < count and not stopping:
        start()
    try:
        on_started()
        while started:
            child, status = os.wait()
            began = started.pop(child, None)
            # The first process of a container inherits what a worker that was killed had started: no worker itself.
            if began is None or stopping:
                continue
            _LOG.error("worker %d ended (exit code %d) and is replaced", child, os.waitstatus_to_exitcode(status))
            time.sleep(max(0.0, began + _YOUNG_SECONDS - time.monotonic()))
            if not stopping:
                start()
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
        os.close(parent)
        os.close(mine)
        gc.unfreeze()


def _end(children: Iterable[int]) -> None:
    for child in children:
        # It may just have ended by itself.
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)


def _fork(work: Callable[[], int], handlers: Mapping[signal.Signals, Any]) -> int:
    # What is sent to the child waits until it has handlers of its own.
    signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
        return child
    code = 1
    try:
        for name, handler in handlers.items():
            signal.signal(name, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
        code = work()
    except BaseException:
        _LOG.exception("a worker could not run")
    finally:
        # Nothing of the parent's is the child's to clean up.
        os._exit(code)
