"""Who sees no suggestions on the ticket form: a stable, random part of the sessions, so that their effect is known.

Pure. Called by the ticket form's route; the estimate made from it is in `incremental.py`.
"""

from __future__ import annotations

import hashlib

_BYTES = 8
_DRAWS = 256.0**_BYTES


def in_holdout(session_id: str, share: float, salt: str) -> bool:
    """Tell whether a session is held out; `share` is in 0..1, and 0 (switched off) holds out nobody.

    The same session and salt always give the same answer, on every worker and after a restart. Raising the share only
    adds sessions. Another salt draws afresh. A session without an id cannot be followed and is never held out.
    """
    if not session_id:
        return False
    digest = hashlib.blake2b(f"{salt}\x00{session_id}".encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()
    return int.from_bytes(digest) < share * _DRAWS
