"""How the service logs: one line a record on stderr, with the time in UTC and the level."""

from __future__ import annotations

import logging
import time


def log_to_stderr() -> None:
    """Set up the logs of this process, uvicorn's among them; where they are set up already, they stay as they are."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler])
    # What libraries say for their makers is left out.
    for name in ("kbsearch", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
