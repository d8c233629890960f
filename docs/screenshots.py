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

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
WIDE, NARROW = (1280, 800), (390, 844)

PICTURES = (
    ("portal", "/?lang=lv&q=ka+atjaunot+paroli", WIDE, "light"),
    ("portal-dark", "/?lang=lt&q=neveikia+nuolaidos+kodas", WIDE, "dark"),
    ("portal-home", "/?lang=en", WIDE, "light"),
    ("portal-phone", "/?lang=lv&q=robots+nelādējas", NARROW, "light"),
    ("portal-nothing", "/?lang=en&q=can+i+rent+a+submarine", NARROW, "dark"),
    ("article", "/?lang=en&doc=vac-error-codes.en", WIDE, "light"),
)


def main() -> None:
    """Build, serve, photograph."""
    IMAGES.mkdir(exist_ok=True)
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as index:
        subprocess.run([binaries / "kbsearch-index", "build", ROOT / "sample_kb", "--out", index], check=True)
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
    page.close()


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
