"""The addresses in a sitemap (sitemaps.org protocol 0.9): plain or packed, an index of others, or a list in text."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin
from xml.etree import ElementTree

from indexer.web.client import AGENT, MAX_BYTES, Client, Failed, Refused, resolve
from kbsearch.errors import SourceError

MAX_SITEMAPS = 2_000
MAX_PAGES = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One page."""

    url: str
    changed: str
    """As the sitemap says, or ""."""


def entries(client: Client, address: str) -> Iterator[Entry]:
    """Yield each page of a site once.

    `address` is that of a sitemap, or any of the site: then robots.txt names the sitemaps, or it is /sitemap.xml.

    :raises SourceError: where a sitemap cannot be read: half of one would look like deleted articles.
    """
    waiting = [address] if _names_sitemap(address) else list(client.robots.sitemaps)
    if not waiting:
        waiting = [urljoin(address, "/sitemap.xml")]
    read: set[str] = set()
    pages: set[str] = set()
    while waiting:
        url = waiting.pop(0)
        if url in read:
            continue
        read.add(url)
        if len(read) > MAX_SITEMAPS:
            raise SourceError(f"{address} names more than {MAX_SITEMAPS} sitemaps; name the one that you need.")
        for entry, is_sitemap in _parse(client, url):
            if is_sitemap:
                waiting.append(entry.url)
            elif entry.url not in pages:
                pages.add(entry.url)
                if len(pages) > MAX_PAGES:
                    raise SourceError(f"{address} names more than {MAX_PAGES:,} pages; name a sitemap with fewer.")
                yield entry


def _names_sitemap(address: str) -> bool:
    return address.lower().partition("?")[0].endswith((".xml", ".xml.gz", ".txt"))


def _parse(client: Client, url: str) -> Iterator[tuple[Entry, bool]]:
    """Entries of one file, and whether each is a sitemap itself."""
    try:
        data = _unpacked(client.get(url).data)
        text = data.decode("utf-8-sig")
        if not text.lstrip().startswith("<"):
            yield from ((Entry(resolve(line.strip()), ""), False) for line in text.splitlines() if line.strip())
            return
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ValueError("it has a DOCTYPE; an HTML page, perhaps")
        root = ElementTree.fromstring(text)
        kind = _bare(root.tag)
        if kind not in ("urlset", "sitemapindex"):
            raise ValueError(f"it begins with <{kind}>, not with <urlset> or <sitemapindex>")
    except (Failed, Refused, OSError, EOFError, zlib.error, ValueError, ElementTree.ParseError) as error:
        raise SourceError(
            f"{url} is no sitemap that {AGENT} can read ({error}); check the address. Nothing was published."
        ) from error
    for node in root:
        fields = {_bare(child.tag): (child.text or "").strip() for child in node}
        if fields.get("loc"):
            entry = Entry(resolve(fields["loc"], url), fields.get("lastmod", ""))
            yield entry, kind == "sitemapindex"


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpack = zlib.decompressobj(31)
    plain = unpack.decompress(data, MAX_BYTES * 4)
    if unpack.unconsumed_tail:
        raise gzip.BadGzipFile("it unpacks to too much")
    if not unpack.eof:
        raise EOFError("it is cut short")
    return plain


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]
