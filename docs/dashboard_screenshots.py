"""Takes the pictures of the dashboard in docs/images: `make screenshots`.

Builds an index of sample_kb, fills an event store with invented visits (benchmarks/traffic.py), serves both, signs in
through the form and drives Chromium through the page.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.traffic import facts
from docs.screenshots import CHROMIUM, IMAGES, ROOT, free_port, wait_until_ready
from kbsearch.engine import open_engine
from kbsearch.events.connect import open_store
from kbsearch.metrics.moments import day_after
from kbsearch.service.security import make_key

DAYS, VISITS_A_DAY = 56, 150
WIDE, NARROW = (1440, 1180), (390, 844)
_BATCH = 500

PICTURES = (
    ("dashboard", "#main", WIDE, "light"),
    ("dashboard-flow", "[aria-labelledby=h-flow]", WIDE, "dark"),
    ("dashboard-articles", "[aria-labelledby=h-hold]", WIDE, "light"),
    ("dashboard-phone", "#main", NARROW, "light"),
    ("dashboard-phone-gaps", "[aria-labelledby=h-gaps]", NARROW, "dark"),
)
"""Name, the part that the picture begins with, size, colours."""


def main() -> None:
    """Build, fill, serve, photograph."""
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        index, events = f"{folder}/index", f"sqlite:///{folder}/events.db"
        subprocess.run([binaries / "kbsearch-index", "build", ROOT / "sample_kb", "--out", index], check=True)
        questions = ROOT / "sample_kb" / "questions.jsonl"
        subprocess.run([binaries / "kbsearch", "calibrate", "--index", index, "--queries", questions], check=True)
        last = day_after(datetime.now(UTC).date().isoformat(), -1)
        fill(index, events, last)
        secret, port = secrets.token_hex(32), free_port()
        server = subprocess.Popen(
            [binaries / "kbsearch", "serve", "--index", index, "--events", events, "--port", str(port)],
            env=os.environ
            | {"KBSEARCH_TITLE": "Brize help centre", "KBSEARCH_SECRET": secret, "KBSEARCH_HOLDOUT": "0.05"},
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{address}/readyz")
            key = make_key(secret, ["admin", "agent", "customer"], [], timedelta(hours=1), "screenshots")
            with sync_playwright() as playwright:
                arguments = ["--no-sandbox", "--disable-background-networking"]
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
                period = f"?from={day_after(last, -27)}&to={last}"
                take_pictures(browser, address, period, key)
                browser.close()
        finally:
            server.terminate()
            server.wait()


def fill(index: str, events: str, last: str) -> None:
    """Write weeks of invented visits."""
    store = open_store(events)
    batch = []
    for visit in facts(open_engine(index), last, DAYS, VISITS_A_DAY, seed=6):
        batch += visit
        if len(batch) > _BATCH:
            store.write(batch)
            batch = []
    store.write(batch)
    store.close()


def take_pictures(browser: Browser, address: str, period: str, key: str) -> None:
    """Sign in as somebody would, then take one PNG a picture."""
    for name, start, (width, height), scheme in PICTURES:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.goto(f"{address}/dashboard")
        page.get_by_label("Admin key").fill(key)
        page.get_by_role("button", name="Open").click()
        page.goto(f"{address}/dashboard{period}")
        scroll_to(page, start)
        page.screenshot(path=IMAGES / f"{name}.png")
        page.close()


def scroll_to(page: Page, start: str) -> None:
    """Put a part at the top of the picture; the page itself begins with its heading."""
    if start != "#main":
        page.locator(start).evaluate("part => scrollTo(0, part.getBoundingClientRect().top + scrollY - 16)")


if __name__ == "__main__":
    main()
