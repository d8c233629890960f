"""Every setting of the service, read once from arguments and environment into one frozen value.

The documentation makes its table from `SETTINGS`; nothing else in the service reads settings from the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any

from kbsearch.amounts import amount
from kbsearch.errors import UsageError
from kbsearch.events.connect import default_url
from kbsearch.metrics.costs import Costs
from kbsearch.service.origins import read_origin

MIN_SECRET_BYTES = 32
"""A key shorter than the hash it signs with (HS256) can be guessed offline (RFC 7518, section 3.2)."""

MAX_WAIT = 3600
"""Seconds."""

MAX_DAYS = 36_500
"""A hundred years: what is kept longer is kept for good, and no calendar goes back before the year 1."""

_PREFIX = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._~-]*)+")


def _setting(env: str, default: Any, text: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"env": env, "help": text, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one service runs."""

    index: Path = field(
        metadata={"env": "KBSEARCH_INDEX", "help": "Folder that kbsearch-index build wrote, with CURRENT in it."}
    )
    host: str = _setting("KBSEARCH_HOST", "127.0.0.1", "Address to listen on; 0.0.0.0 for every interface.")
    port: int = _setting("KBSEARCH_PORT", 8080, "TCP port to listen on.")
    prefix: str = _setting(
        "KBSEARCH_PREFIX", "", "Path below which a proxy offers the service, such as /help; it takes that off again."
    )
    workers: int = _setting("KBSEARCH_WORKERS", 1, "Processes that answer; the index is shared in memory.")
    events: str = _setting(
        "KBSEARCH_EVENTS", "", "Event store, sqlite:///PATH or postgresql://…; default INDEX/events.db."
    )
    secret: str = _setting(
        "KBSEARCH_SECRET",
        "",
        "Secret of 32 bytes or more that signs keys; without it no key is accepted.",
        secret=True,
    )
    title: str = _setting("KBSEARCH_TITLE", "", "Name above the search page; default “Help centre”, translated.")
    contact: str = _setting("KBSEARCH_CONTACT", "", "https:, mailto: or tel: link offered where nothing answers.")
    origins: str = _setting(
        "KBSEARCH_ORIGINS", "*", "Web origins that may call /v1 from a browser, with commas; * for any."
    )
    threads: int = _setting("KBSEARCH_THREADS", 4, "Searches of one process that run at the same time.")
    queue: int = _setting("KBSEARCH_QUEUE", 64, "Searches of one process that may wait; more are answered 503.")
    embed_budget: float = _setting(
        "KBSEARCH_EMBED_BUDGET", 0.5, "Seconds to wait for a query's vector before words alone answer."
    )
    cache: int = _setting(
        "KBSEARCH_CACHE", 1000, "Answers of one process that are kept for the same question; 0 for none."
    )
    poll: float = _setting("KBSEARCH_POLL", 0.25, "Seconds between two looks at CURRENT.")
    event_capacity: int = _setting(
        "KBSEARCH_EVENT_CAPACITY", 10_000, "Facts kept in memory while the event store is slow; more are dropped."
    )
    event_journal: str = _setting(
        "KBSEARCH_EVENT_JOURNAL",
        "",
        "Folder on a local disk for facts on their way to the event store; default INDEX/events.journal.",
    )
    retention_days: int = _setting(
        "KBSEARCH_RETENTION_DAYS", 90, "Days that searches, events and solved tickets are kept."
    )
    salt_days: int = _setting(
        "KBSEARCH_SALT_DAYS", 30, "Days after which client ids are hashed with a new salt (docs/privacy.md)."
    )
    holdout: float = _setting(
        "KBSEARCH_HOLDOUT",
        0.0,
        "Share of sessions that see no suggestions on the ticket form, such as 0.05; 0 switches the experiment off.",
    )
    ticket_cost: float = _setting(
        "KBSEARCH_TICKET_COST", Costs().ticket, "Dollars that a resolved ticket costs, for reports."
    )
    contact_cost: float = _setting(
        "KBSEARCH_CONTACT_COST", Costs().contact, "Dollars that a portal contact costs, for reports."
    )
    handover_target: str = _setting(
        "KBSEARCH_HANDOVER_TARGET",
        "",
        "Where tickets are delivered, with spaces between several, such as webhook://HOST/PATH (docs/handover.md); "
        "default: kept here.",
    )
    handover_secret: str = _setting(
        "KBSEARCH_HANDOVER_SECRET",
        "",
        "Secret of 32 bytes or more that signs webhooks and the help desk's status callbacks.",
        secret=True,
    )
    handover_token: str = _setting(
        "KBSEARCH_HANDOVER_TOKEN", "", "API token of the help desk in KBSEARCH_HANDOVER_TARGET.", secret=True
    )
    smtp_password: str = _setting(
        "KBSEARCH_SMTP_PASSWORD", "", "Password of the mail server's user in KBSEARCH_HANDOVER_TARGET.", secret=True
    )
    shutdown: int = _setting("KBSEARCH_SHUTDOWN", 10, "Seconds that open requests get when the service stops.")

    def __post_init__(self) -> None:
        for name, secret in (("secret", self.secret), ("handover_secret", self.handover_secret)):
            if secret:
                check_secret(name, secret)
        _check_numbers(self)
        _ = self.allowed_origins  # raises where one is none
        if self.prefix and not _PREFIX.fullmatch(self.prefix):
            raise UsageError(f"prefix must be a path such as /help or /a/b, got {self.prefix!r}", "prefix")
        if self.contact and not self.contact.startswith(("https://", "http://", "mailto:", "tel:")):
            raise UsageError(f"contact must be an https:, mailto: or tel: link, got {self.contact!r}", "contact")

    @property
    def events_url(self) -> str:
        """The event store's URL, with the default filled in."""
        return self.events or default_url(self.index)

    @property
    def allowed_origins(self) -> list[str]:
        """Origins as browsers send them, or `*`."""
        given = filter(None, map(str.strip, self.origins.split(",")))
        return [origin if origin == "*" else read_origin(origin, "origins") for origin in given]

    @property
    def journal_folder(self) -> Path:
        """Where facts wait for the event store, with the default filled in."""
        return Path(self.event_journal) if self.event_journal else self.index / "events.journal"


def check_secret(name: str, secret: str) -> None:
    """Raise UsageError, without the secret itself, where nothing should be signed with it. `name`: of the setting."""
    variable, advice = f"KBSEARCH_{name.upper()}", "make one with: openssl rand -hex 32"
    try:
        size = len(secret.encode())
    except UnicodeEncodeError:
        raise UsageError(f"{variable} is not UTF-8; {advice}", name) from None
    if size < MIN_SECRET_BYTES:
        has = amount(size, "byte")
        raise UsageError(f"{variable} has {has}, at least {MIN_SECRET_BYTES} are needed; {advice}", name)


def _check_numbers(settings: Settings) -> None:
    for name in ("workers", "threads", "queue", "event_capacity", "retention_days", "salt_days"):
        if getattr(settings, name) <= 0:
            raise UsageError(f"{name} must be more than 0, got {getattr(settings, name)}; give 1 or more", name)
    for name in ("cache", "shutdown", "ticket_cost", "contact_cost"):
        # Neither NaN nor infinity is a cost.
        if not 0 <= getattr(settings, name) < inf:
            raise UsageError(
                f"{name} must be 0 or more, got {getattr(settings, name)}; leave it out for the default", name
            )
    for name in ("poll", "embed_budget"):
        # NaN would not wait at all, infinity cannot be waited for.
        if not 0 < getattr(settings, name) <= MAX_WAIT:
            raise UsageError(
                f"{name} must be more than 0 and at most {MAX_WAIT} seconds, got {getattr(settings, name)}; "
                "leave it out for the default",
                name,
            )
    if settings.retention_days > MAX_DAYS:
        raise UsageError(
            f"retention_days must be at most {MAX_DAYS}, got {settings.retention_days}; give {MAX_DAYS} to keep all",
            "retention_days",
        )
    if not 0 <= settings.holdout < 1:
        raise UsageError(
            f"holdout must be a share from 0 to below 1, got {settings.holdout}; give 0.05 for 5 %", "holdout"
        )
    if not 0 <= settings.port <= 65535:
        raise UsageError(
            f"port must be within 0 and 65535, got {settings.port}; give one such as 8080, or 0 for any", "port"
        )


SETTINGS: tuple[Field[Any], ...] = fields(Settings)


def read_settings(
    index: Path | None = None,
    events: str | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Join what the command line gave (None: nothing) with the environment; the command line wins.

    :raises UsageError: a value of the wrong kind, a secret that is too short, no index.
    """
    given = {"index": index, "events": events, "host": host, "port": port, "workers": workers}
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for setting in SETTINGS:
        text = environ.get(setting.metadata["env"])
        if text and setting.name not in values:
            values[setting.name] = _convert(setting, text)
    if "index" not in values:
        raise UsageError("no index given; use --index DIR or KBSEARCH_INDEX", "index")
    return Settings(**values)


def _convert(setting: Field[Any], text: str) -> object:
    kind = {"Path": Path, "int": int, "float": float}.get(str(setting.type), str)
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(
            f"{setting.metadata['env']} must be {what}, got {text!r}; give one such as {setting.default}", setting.name
        ) from None
