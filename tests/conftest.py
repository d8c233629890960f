"""What all tests share: no network, a handmade help centre, and engines over it."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

from kbsearch.types import SearchOutcome, SearchRequest

# The engine is imported by the fixtures that need it, so that tests of one part neither wait for the others nor fail
# with them.
if TYPE_CHECKING:
    from kbsearch.engine import Engine

REPOSITORY = Path(__file__).resolve().parents[1]

# Whoever starts the tests in the background has them ignore interrupts, and the commands that they start as well.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("kbsearch", deadline=None)
settings.load_profile("kbsearch")

Row = dict[str, Any]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, of which four will do: now and then every test waits for a disk or a process."""
    return min(len(os.sched_getaffinity(0)), 4) + 1


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """A test that reaches for another machine fails at once."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, original: Callable[..., Any] = original) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
                raise RuntimeError(f"a test tried to reach {address!r}; tests use no network")
            return original(self, address)

        patch.setattr(socket.socket, name, guarded)
    resolve = socket.getaddrinfo

    def resolve_locally(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_local(name):
            raise RuntimeError(f"a test tried to resolve {name!r}; tests use no network")
        return resolve(host, *arguments, **options)

    patch.setattr(socket, "getaddrinfo", resolve_locally)
    yield
    patch.undo()


def _is_local(host: str) -> bool:
    if host in ("", "localhost", "0.0.0.0"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _row(group: str, lang: str, title: str, body: str, **fields: Any) -> Row:
    return {"id": f"{group}.{lang}", "group": group, "lang": lang, "title": title, "body": body, **fields}


HANDMADE: tuple[Row, ...] = (
    _row(
        "reset-password",
        "en",
        "How to reset your password",
        "Open the sign-in page and choose Forgot password. We send a link to your e-mail address.",
        category=["Account"],
        tags=["password", "sign-in"],
    ),
    _row(
        "reset-password",
        "lv",
        "Kā atjaunot paroli",
        "Atveriet pieteikšanās lapu un izvēlieties Aizmirsu paroli. Saiti nosūtīsim uz e-pastu.",
        category=["Konts"],
        tags=["parole"],
    ),
    _row(
        "reset-password",
        "lt",
        "Kaip pakeisti slaptažodį",
        "Atidarykite prisijungimo puslapį ir pasirinkite Pamiršau slaptažodį. Nuorodą atsiųsime el. paštu.",
        category=["Paskyra"],
        tags=["slaptažodis"],
    ),
    _row(
        "track-order",
        "en",
        "Where is my order",
        "Each parcel has a tracking number. Follow the courier on the map.",
        type="faq",
        category=["Delivery"],
    ),
    _row(
        "track-order",
        "lv",
        "Kur ir mans pasūtījums",
        "Katram sūtījumam ir izsekošanas numurs. Kurjeru var redzēt kartē.",
        type="faq",
        category=["Piegāde"],
    ),
    _row(
        "track-order",
        "lt",
        "Kur yra mano užsakymas",
        "Kiekviena siunta turi sekimo numerį. Kurjerį matysite žemėlapyje.",
        type="faq",
        category=["Pristatymas"],
    ),
    _row(
        "return-item",
        "en",
        "Returning an item",
        "You may return an unused item within thirty days. Pack it well.",
        category=["Returns", "Delivery"],
    ),
    _row(
        "return-item",
        "lv",
        "Preces atgriešana",
        "Nelietotu preci var atgriezt trīsdesmit dienu laikā.",
        category=["Atgriešana", "Piegāde"],
    ),
    _row(
        "find-invoice",
        "lv",
        "Kur atrast rēķinu",
        "Rēķins ir sadaļā Pirkumi. To var lejupielādēt PDF formātā.",
        category=["Maksājumi"],
    ),
    _row(
        "extend-warranty",
        "lt",
        "Garantijos pratęsimas",
        "Garantiją galima pratęsti dvejiems metams parduotuvėje.",
        category=["Garantija"],
    ),
    _row("wedding", "lv", "Dāvanas", "Kāzas ir svētki. Pasūtiet dāvanas laikus.", type="forum"),
    _row("goats", "lv", "Lauki", "Kazas ir dzīvnieki. Pasūtiet barību laikus.", type="forum"),
    _row(
        "hub-setup",
        "en",
        "Setting up the hub",
        "Plug in the router, wait for the green light and open the app.",
        type="video",
        category=["Devices"],
        tags=["hub"],
        url="https://shop.example/hub",
    ),
    _row("woodwork", "en", "Workshop talk", "A rooter is not a router bit; it grubs up the ground.", type="forum"),
    _row("misspelt", "en", "Members ask", "My pasword was lost, says a member.", type="forum"),
    _row(
        "discount",
        "en",
        "Loyalty vouchers",
        "Members get a velvet voucher each spring.",
        audience=["customer"],
        type="faq",
        category=["Rewards"],
        tags=["velvet"],
    ),
    _row(
        "fraud",
        "en",
        "Chargeback procedure",
        "Freeze the zircon ledger and phone the bank before a chargeback.",
        audience=["agent"],
        category=["Internal"],
        tags=["zircon"],
    ),
    _row(
        "fraud",
        "lv",
        "Krāpšanas pārbaude",
        "Iesaldējiet cirkona virsgrāmatu un zvaniet bankai.",
        audience=["agent"],
        category=["Iekšējie"],
        tags=["cirkons"],
    ),
    _row(
        "refund-limit",
        "en",
        "Refund ceiling",
        "Agents may refund up to obsidian level alone.",
        audience=["agent"],
        category=["Internal"],
    ),
    _row(
        "refund-limit",
        "lv",
        "Naudas atmaksa",
        "Naudu atmaksājam piecu darba dienu laikā uz karti.",
        category=["Maksājumi"],
    ),
    _row("twin-first", "en", "Opening hours", "The shop is open from nine to six."),
    _row("twin-second", "en", "Opening hours", "The shop is open from nine to six."),
    *(
        _row(
            f"city-{number:02}",
            "en",
            f"Shipping to {city}",
            f"Shipping to {city} takes {number + 2} working days.",
            type="tutorial" if number % 2 else "article",
            category=["Shipping"],
        )
        for number, city in enumerate(
            [
                "Riga",
                "Vilnius",
                "Tallinn",
                "Helsinki",
                "Oslo",
                "Stockholm",
                "Warsaw",
                "Berlin",
                "Prague",
                "Vienna",
                "Rome",
                "Paris",
                "Madrid",
            ]
        )
    ),
)
"""A help centre in three languages with what each engine test needs; everything is about a small shop."""


def jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as JSON Lines; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def write_jsonl() -> Callable[[Path, Sequence[Mapping[str, Any]]], Path]:
    return jsonl


@pytest.fixture(scope="session")
def handmade_rows() -> tuple[Row, ...]:
    return HANDMADE


@pytest.fixture(scope="session")
def build_index(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[Mapping[str, Any]]], Path]:
    """Rows → a directory of snapshots with one published version, built by the real pipeline."""
    from indexer.pipeline import build
    from kbsearch.embed.hashing import HashingEmbedder

    def build_rows(rows: Sequence[Mapping[str, Any]]) -> Path:
        folder = tmp_path_factory.mktemp("built")
        build([jsonl(folder / "source.jsonl", rows)], folder / "index", embedder=HashingEmbedder())
        return folder / "index"

    return build_rows


@pytest.fixture(scope="session")
def handmade_index(build_index: Callable[[Sequence[Mapping[str, Any]]], Path]) -> Path:
    """Shared by all tests: read only."""
    return build_index(HANDMADE)


@pytest.fixture(scope="session")
def engine(handmade_index: Path) -> Engine:
    from kbsearch.engine import open_engine

    return open_engine(handmade_index)


@pytest.fixture(scope="session")
def search(engine: Engine) -> Callable[..., SearchOutcome]:
    """`search("query", lang="lv", …)`: fields of SearchRequest by name."""

    def run(q: str, **fields: Any) -> SearchOutcome:
        return engine.search(SearchRequest(q=q, **fields))

    return run


@pytest.fixture(scope="session")
def static_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model in the layout of the bundled one: a word-level vocabulary and random int8 rows."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    known = sorted({word for row in HANDMADE for word in f"{row['title']} {row['body']}".lower().split()})
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *known])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder = tmp_path_factory.mktemp("model") / "tiny-static"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    random = np.random.default_rng(7)
    save_file(
        {
            "embeddings": random.integers(-127, 128, (len(vocabulary), 48), dtype=np.int8),
            "weights": random.uniform(0.001, 0.01, len(vocabulary)).astype(np.float32),
        },
        folder / "model.safetensors",
    )
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL of our own, without a database name; see `new_database`."""
    from benchmarks.postgres_server import binaries, running_server

    if binaries() is None:
        pytest.skip("PostgreSQL is not installed; run: apt-get install postgresql")
    with running_server("-c", "fsync=off") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty database."""
    from benchmarks.postgres_server import new_database

    return new_database(postgres_server)


@pytest.fixture(scope="session")
def checksums() -> Callable[[Path], dict[str, str]]:
    """A folder → the checksum of each file in it."""

    def of(root: Path) -> dict[str, str]:
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return of
