"""Takes the pictures of the chat widget in docs/images, on a page of another site: `make screenshots`.

Builds an index of sample_kb, serves it on a free port and drives Chromium through it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from docs.screenshots import CHROMIUM, IMAGES, NARROW, ROOT, WIDE, free_port, wait_until_ready

SHOP = "http://127.0.0.2:8000/"
PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Brize</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><style>
body {{ margin: 0; font: 16px/1.6 Georgia, serif; }} main {{ max-width: 44rem; margin: 0 auto; padding: 2rem 1.5rem; }}
nav {{ padding: 1rem 1.5rem; border-bottom: 1px solid #8884; font-weight: bold; }} h1 {{ line-height: 1.2; }}
.ware {{ height: 15rem; border-radius: 12px; background: linear-gradient(120deg, #7fb3c8, #c9b27f); }}
</style><nav>Brize</nav><main><h1>Brize Duo</h1><p class="ware"></p><p>{text}</p></main>
<script src="{service}/widget.js" data-kb="brize" data-lang="{lang}" data-title="Brize" data-theme="{theme}"
 data-contact="mailto:help@brize.example" async></script>"""
TEXTS = {"lv": "Robots, kas sūc un mazgā.", "lt": "Robotas, kuris siurbia ir plauna.", "en": "Vacuums and mops."}


def main() -> None:
    """Build, serve, photograph."""
    IMAGES.mkdir(exist_ok=True)
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as index:
        subprocess.run([binaries / "kbsearch-index", "build", ROOT / "sample_kb", "--out", index], check=True)
        questions = ROOT / "sample_kb" / "questions.jsonl"
        subprocess.run([binaries / "kbsearch", "calibrate", "--index", index, "--queries", questions], check=True)
        port = free_port()
        server = subprocess.Popen(
            [binaries / "kbsearch", "serve", "--index", index, "--port", str(port)],
            env=os.environ | {"KBSEARCH_TITLE": "Brize"},
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz")
            with sync_playwright() as playwright:
                # The shop's page is made up by this script; Chromium asks before such a page may call this machine.
                arguments = [
                    "--no-sandbox",
                    "--disable-background-networking",
                    "--disable-features=LocalNetworkAccessChecks",
                ]
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
                take_pictures(browser, f"http://127.0.0.1:{port}")
                browser.close()
        finally:
            server.terminate()
            server.wait()


def take_pictures(browser: Browser, service: str) -> None:
    """One PNG for each thing that a customer meets."""
    page = shop(browser, service, "lv", WIDE, "light")
    page.screenshot(path=IMAGES / "widget-closed.png")
    page.get_by_role("button", name="Palīdzība").click()
    page.wait_for_timeout(400)
    page.screenshot(path=IMAGES / "widget-open.png")
    page.get_by_role("combobox").press_sequentially("robot")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.screenshot(path=IMAGES / "widget-suggest.png")
    ask(page, "kā atjaunot paroli")
    page.screenshot(path=IMAGES / "widget-answer.png")
    ask(page, "Nē")
    page.screenshot(path=IMAGES / "widget-choices.png")
    page.locator(".choice").first.click()
    page.locator(".prose").wait_for()
    page.screenshot(path=IMAGES / "widget-article.png")
    page.close()

    page = shop(browser, service, "lt", NARROW, "dark")
    page.get_by_role("button", name="Pagalba").click()
    ask(page, "neveikia nuolaidos kodas")
    page.screenshot(path=IMAGES / "widget-phone-dark.png")
    ask(page, "noriu kalbėti su žmogumi")
    page.get_by_role("textbox", name="El. paštas").wait_for()
    page.screenshot(path=IMAGES / "widget-person.png")
    page.get_by_role("textbox", name="El. paštas").fill("ona@parduotuve.example")
    page.get_by_role("button", name="Siųsti žinutę").click()
    page.locator(".filed").wait_for()
    page.screenshot(path=IMAGES / "widget-sent.png")
    page.close()

    page = shop(browser, service, "en", NARROW, "light")
    page.get_by_role("button", name="Help").click()
    ask(page, "can I rent a submarine")
    page.screenshot(path=IMAGES / "widget-nothing.png")
    page.close()


def shop(browser: Browser, service: str, lang: str, size: tuple[int, int], theme: str) -> Page:
    """A page of another site that embeds the widget."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    html = PAGE.format(lang=lang, service=service, theme=theme, text=TEXTS[lang])
    page.route(SHOP, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(SHOP, wait_until="networkidle")
    return page


def ask(page: Page, question: str) -> None:
    """Say something and wait until it is answered."""
    page.get_by_role("combobox").fill(question)
    page.keyboard.press("Enter")
    page.locator(".wait").wait_for(state="detached")
    page.wait_for_timeout(400)


if __name__ == "__main__":
    main()
