"""Settings: read once, checked once, the same in every worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kbsearch.errors import UsageError
from kbsearch.service.settings import SETTINGS, Settings, read_settings

INDEX = Path("/srv/index")


def test_the_command_line_wins_over_the_environment() -> None:
    """And both over the default."""
    environ = {"KBSEARCH_INDEX": "/elsewhere", "KBSEARCH_PORT": "9000", "KBSEARCH_POLL": "0.5"}
    settings = read_settings(INDEX, None, None, 9001, environ=environ)
    assert (settings.index, settings.port, settings.poll, settings.host) == (INDEX, 9001, 0.5, "127.0.0.1")
    assert Path("/elsewhere") == read_settings(environ=environ).index


def test_the_event_store_is_in_the_index_unless_said_otherwise() -> None:
    """As the contract has it."""
    assert Settings(index=INDEX).events_url == "sqlite:////srv/index/events.db"
    assert Settings(index=INDEX, events="sqlite:///e.db").events_url == "sqlite:///e.db"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "no index given"),
        (
            {"KBSEARCH_INDEX": "/i", "KBSEARCH_PORT": "http"},
            "PORT must be a whole number, got 'http'; give one such as 8080",
        ),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_POLL": "often"}, "POLL must be a number, got 'often'; give one such as"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_ORIGINS": "shop.example"}, "no page has the origin 'shop.example'; write"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_ORIGINS": "*, null"}, "no page has the origin 'null'"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_PORT": "70000"}, "port must be within"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_WORKERS": "0"}, "workers must be more than 0"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_RETENTION_DAYS": "99999"}, "retention_days must be at most 36500"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_POLL": "0"}, "poll must be more than 0"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_TICKET_COST": "nan"}, "ticket_cost must be 0 or more, got nan"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_CACHE": "-1"}, "cache must be 0 or more, got -1"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_SHUTDOWN": "-1"}, "shutdown must be 0 or more, got -1"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_POLL": "nan"}, "at most 3600 seconds, got nan"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_EMBED_BUDGET": "inf"}, "at most 3600 seconds, got inf"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_SECRET": "short"}, "has 5 bytes, at least 32 are needed"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_SECRET": "\udcff" * 40}, "KBSEARCH_SECRET is not UTF-8; make one with"),
        ({"KBSEARCH_INDEX": "/i", "KBSEARCH_CONTACT": "javascript:alert(1)"}, "contact must be"),
    ],
)
def test_a_bad_value_is_a_sentence(environ: dict[str, str], words: str) -> None:
    """Which setting, which value."""
    with pytest.raises(UsageError, match=words):
        read_settings(environ=environ)


def test_origins_are_compared_as_browsers_send_them() -> None:
    """Lower case, without a slash; `*` stays."""
    given = "https://Shop.example/ , http://localhost:3000,,*"
    assert Settings(index=INDEX, origins=given).allowed_origins == [
        "https://shop.example",
        "http://localhost:3000",
        "*",
    ]
    assert Settings(index=INDEX).allowed_origins == ["*"]


def test_every_setting_is_explained() -> None:
    """One sentence each, and the secret is not printed."""
    for setting in SETTINGS:
        assert setting.metadata["help"].endswith(".")
        assert setting.metadata["env"].startswith("KBSEARCH_")
    assert "hidden" not in repr(Settings(index=INDEX, secret="hidden" * 6))


def test_importing_kbsearch_loads_no_server() -> None:
    """Nor do settings, keys and events."""
    code = (
        "import sys, kbsearch.service, kbsearch.service.keys, kbsearch.events.connect, kbsearch.events.buffer;"
        "bad = {'fastapi', 'starlette', 'uvicorn', 'jinja2', 'torch'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
