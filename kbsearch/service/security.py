"""Keys: who may see what. A JSON Web Token signed with the service's secret (HS256) and nothing else.

No key means the public. A key that is presented is either good or refused with 401: never quietly public.

An `origins` list binds a key to web pages. A browser always says from where a cross-origin call comes and pages
cannot forge it, so an Origin outside the list is refused. Calls without Origin come from servers (or from the
service's own page) and pass: whoever runs a server holds the key anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import jwt

from kbsearch.errors import KeyRejected, UsageError
from kbsearch.service.origins import clean_origin, read_origin
from kbsearch.service.settings import check_secret

PUBLIC = frozenset({"public"})
KEY_HEADER = "x-kbsearch-key"
KEY_HEADERS = frozenset({b"authorization", KEY_HEADER.encode()})
"""Headers that may present a key, as a server gives their names."""

_ISSUER = "kbsearch"
_ALGORITHM = "HS256"
_MAX_KEY = 4096


def make_key(secret: str, audiences: Iterable[str], origins: Iterable[str], ttl: timedelta, subject: str) -> str:
    """Sign a key that shows these audiences (and public) for `ttl`, on pages of these origins (none: any).

    :raises UsageError: the secret is too short or no text, or the key would never be valid.
    """
    check_secret("secret", secret)
    names = PUBLIC | set(audiences)
    if not all(map(str.strip, names)):
        raise UsageError("an audience has no name; give --audience NAME, or leave it out for the public", "audience")
    if ttl <= timedelta(0):
        raise UsageError(f"a key must live longer than {ttl}", "ttl")
    if not subject:
        raise UsageError("a key needs a subject that says whose it is", "subject")
    issued = datetime.now(UTC)
    claims: dict[str, object] = {
        "iss": _ISSUER,
        "sub": subject,
        "iat": issued,
        "exp": issued + ttl,
        "audiences": sorted(names),
    }
    allowed = [read_origin(origin, "origin") for origin in origins]
    if allowed:
        claims["origins"] = allowed
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def held_by(key: str) -> dict[str, object]:
    """What a key that we made says, in words of the command that made it; the times as ISO 8601."""
    claims = jwt.decode(key, options={"verify_signature": False})
    issued_at, expires_at = (datetime.fromtimestamp(claims[name], UTC).isoformat() for name in ("iat", "exp"))
    return {
        "subject": claims["sub"],
        "audiences": claims["audiences"],
        "origins": claims.get("origins", []),
        "issued_at": issued_at,
        "expires_at": expires_at,
    }


def audiences_of(headers: Mapping[str, str], secret: str) -> frozenset[str]:
    """Return the audiences that a request may see, from its headers (names in lower case).

    :raises KeyRejected: a key was presented and is not good, for whatever reason.
    """
    key = _presented(headers)
    if key is None:
        return PUBLIC
    if not secret:
        raise KeyRejected("this service accepts no keys, since it has no KBSEARCH_SECRET")
    claims = _verified(key, secret)
    origins = claims.get("origins")
    if origins is not None:
        _check_origin(_strings(origins, "origins"), headers.get("origin"))
    return PUBLIC | frozenset(_strings(claims.get("audiences"), "audiences"))


def _presented(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization")
    # A site behind a password prompt sends Basic with every request: a greeting to the proxy, not a key of ours.
    if authorization is not None and not authorization.lower().startswith("basic "):
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise KeyRejected("the Authorization header must read: Bearer KEY")
        return key.strip()
    return headers.get(KEY_HEADER)


def _verified(key: str, secret: str) -> Mapping[str, object]:
    if len(key) > _MAX_KEY:
        raise KeyRejected("the key is malformed; make one with: kbsearch key")
    try:
        claims: Mapping[str, object] = jwt.decode(
            key,
            secret,
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise KeyRejected("the key has expired; make a new one with: kbsearch key") from None
    except jwt.InvalidIssuerError:
        raise KeyRejected("the key was not issued by kbsearch; make one with: kbsearch key") from None
    except jwt.MissingRequiredClaimError as error:
        raise KeyRejected(f"the key has no claim {error.claim!r}; make one with: kbsearch key") from None
    except jwt.InvalidSignatureError:
        raise KeyRejected("the key was not signed with this service's secret") from None
    except (jwt.PyJWTError, ValueError):
        raise KeyRejected("the key is malformed; make one with: kbsearch key") from None
    return claims


def _check_origin(allowed: list[str], origin: str | None) -> None:
    if origin is not None and clean_origin(origin) not in {clean_origin(name) for name in allowed}:
        raise KeyRejected(f"the key may not be used from {origin!r}")


def _strings(value: object, claim: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise KeyRejected(f"the key's claim {claim!r} is not a list of names; make one with: kbsearch key")
    return value
