"""Files that pages load: plain and compressed, each named with a version of all, so that browsers may keep them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi.responses import Response
from starlette.types import Scope

from kbsearch.service.sent import takes_gzip

# The address of a static file holds their version.
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, plain and compressed."""

    content: bytes
    compressed: bytes
    media_type: str


def static_file(content: bytes, media_type: str) -> StaticFile:
    """A file with its compressed form."""
    return StaticFile(content, gzip.compress(content, 9, mtime=0), media_type)


def version_of(files: Iterable[StaticFile]) -> str:
    """What changes with any of the files."""
    return hashlib.sha256(b"".join(file.content for file in files)).hexdigest()[:12]


def file_response(scope: Scope, file: StaticFile, headers: Mapping[str, str]) -> Response:
    """Answer with a file, compressed where the client takes that."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    if takes_gzip(scope):
        headers["Content-Encoding"] = "gzip"
        return Response(file.compressed, media_type=file.media_type, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
