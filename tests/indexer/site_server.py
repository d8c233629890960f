"""A website on this machine: pages by path, and what was asked of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Headers = dict[str, str]
Page = tuple[int, Headers, bytes]


@dataclass
class Site:
    """Paths (with query) to answers, or to functions of the request's headers that give one."""

    pages: dict[str, Page | Callable[[Headers], Page]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    address: str = ""

    def html(self, path: str, body: str, *, encoding: str = "utf-8", **headers: str) -> None:
        named = {"Content-Type": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.pages[path] = (200, named, body.encode(encoding))

    def article(self, path: str, title: str, text: str = "", **headers: str) -> None:
        """A page with an ETag, which answers 304 where the copy is still good."""
        body = f"<html lang=en><title>{title}</title><main><h1>{title}</h1><p>{text or title}</p></main>".encode()
        etag = f'"{hash(body)}"'

        def answer(request: Headers) -> Page:
            if request.get("If-None-Match") == etag:
                return 304, {}, b""
            return 200, {"Content-Type": "text/html; charset=utf-8", "ETag": etag, **headers}, body

        self.pages[path] = answer

    def redirect(self, path: str, target: str, status: int = 302) -> None:
        self.pages[path] = (status, {"Location": target}, b"")

    def sitemap(self, *paths: str, at: str = "/sitemap.xml", changed: str = "", kind: str = "urlset") -> None:
        entry = "url" if kind == "urlset" else "sitemap"
        lines = [
            f"<{entry}><loc>{path if '://' in path else self.address + path}</loc>"
            + (f"<lastmod>{changed}</lastmod>" if changed else "")
            + f"</{entry}>"
            for path in paths
        ]
        body = f'<?xml version="1.0"?><{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(lines)}</{kind}>'
        self.pages[at] = (200, {"Content-Type": "application/xml"}, body.encode())


@contextmanager
def running() -> Iterator[Site]:
    """A site that serves until the block ends."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.times.append(time.monotonic())
            page = site.pages.get(self.path, (404, {}, b"not here"))
            status, headers, body = page if isinstance(page, tuple) else page(dict(self.headers.items()))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
