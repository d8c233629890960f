"""Python's search for garbage, left out where it can find none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Look for no garbage meanwhile: where millions of objects are made that all stay and none refers to itself, going
    through them time and again is a tenth of an update and a sixth of reading a day's facts."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def keep_what_is_there() -> None:
    """Look for garbage only among what is made from now on: going through a model, an index and the libraries once more
    stops a service for 70 ms, and in a forked process copies every page of them."""
    gc.collect()
    gc.freeze()
