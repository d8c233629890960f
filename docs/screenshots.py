"""Takes the pictures in docs/images of the portal page, as it really answers: `make screenshots`.

Builds an index of sample_kb, serves it on a free port and drives Chromium through it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from kbsearch.suggestions.store import PENDING, Suggestion, SuggestionStore, suggestions_path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
WIDE, NARROW = (1280, 800), (390, 844)

PICTURES = (
    ("portal", "/?lang=lv&q=aizmirsu+paroli", WIDE, "light"),
    ("portal-dark", "/?lang=lt&q=neveikia+nuolaidos+kodas", WIDE, "dark"),
    ("portal-home", "/?lang=en", WIDE, "light"),
    ("portal-phone", "/?lang=lv&q=robots+nelādējas", NARROW, "light"),
    ("portal-nothing", "/?lang=en&q=can+i+rent+a+submarine", NARROW, "dark"),
    ("article", "/?lang=en&doc=return-label.en&q=return+label", WIDE, "light"),
    ("article-phone", "/?lang=lt&doc=two-step-login.lt", NARROW, "dark"),
    ("video", "/?lang=en&doc=firmware-update.en&q=firmware", WIDE, "light"),
)
SUGGESTIONS = (
    ("Delivery on Sundays", "I work on weekdays and cannot wait for the courier.", "open", 14),
    ("Pay with two gift cards at once", "", "planned", 9),
    ("A darker night mode for the hub light", "Even the lowest level wakes me up.", "done", 21),
)


def main() -> None:
    """Build, serve, photograph."""
    IMAGES.mkdir(exist_ok=True)
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as index:
        subprocess.run([binaries / "kbsearch-index", "build", ROOT / "sample_kb", "--out", index], check=True)
        questions = ROOT / "sample_kb" / "questions.jsonl"
        subprocess.run([binaries / "kbsearch", "calibrate", "--index", index, "--queries", questions], check=True)
        suggest(Path(index))
        port = free_port()
        environment = os.environ | {"KBSEARCH_TITLE": "Brize", "KBSEARCH_CONTACT": "mailto:help@brize.example"}
        server = subprocess.Popen(
            [binaries / "kbsearch", "serve", "--index", index, "--port", str(port)], env=environment
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz")
            with sync_playwright() as playwright:
                arguments = ["--no-sandbox", "--disable-background-networking"]
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
                take_pictures(browser, f"http://127.0.0.1:{port}")
                browser.close()
        finally:
            server.terminate()
            server.wait()


def suggest(index: Path) -> None:
    """Suggestions as a company would have read them, with votes."""
    store = SuggestionStore(suggestions_path(index, ""))
    for number, (title, text, status, votes) in enumerate(SUGGESTIONS):
        filed = Suggestion(f"sample-{number}", title, text, "en", PENDING, f"2026-11-{20 - number}T09:00:00.000Z", 0)
        store.file(filed, f"network {number}")
        store.decide(filed.id, status)
        for voter in range(votes):
            store.vote(filed.id, f"voter {voter}")
    store.close()


def take_pictures(browser: Browser, address: str) -> None:
    """One PNG a picture, and one of the suggestions while somebody types."""
    for name, path, (width, height), scheme in PICTURES:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.goto(address + path, wait_until="networkidle")
        page.screenshot(path=IMAGES / f"{name}.png")
        page.close()
    page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]}, color_scheme="light")
    page.goto(address + "/?lang=lv")
    page.locator("#q").press_sequentially("par")
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.screenshot(path=IMAGES / "portal-suggest.png")
    page.goto(address + "/suggestions?lang=en")
    page.screenshot(path=IMAGES / "suggestions.png")
    file_ticket(page, address)
    page.close()


def file_ticket(page: Page, address: str) -> None:
    """The form with articles beside what is typed, and the ticket's own page."""
    page.goto(address + "/ticket?lang=en")
    page.get_by_label("Subject").press_sequentially("My invoice is missing")
    page.locator("#deflect a").first.wait_for()
    page.screenshot(path=IMAGES / "ticket.png")
    page.get_by_label("Message").fill("Order 1042 was paid last week.")
    page.get_by_label("E-mail for our answer").fill("anna@example.org")
    page.get_by_role("button", name="Send message").click()
    page.locator(".state").wait_for()
    page.screenshot(path=IMAGES / "ticket-status.png")


def free_port() -> int:
    """A TCP port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, seconds: float = 60.0) -> None:
    """Return when the service answers; raise TimeoutError when it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url):
                return
        except urllib.error.URLError:
            time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


if __name__ == "__main__":
    main()
