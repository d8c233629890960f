"""`/widget.js`: the chat widget for any page of any site."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from kbsearch.service.sent import takes_gzip
from kbsearch.service.static import file_response
from kbsearch.service.widget_file import load_widget

router = APIRouter(include_in_schema=False)

_HEADERS = {
    # Any page may load it, isolated ones (COEP: require-corp) and those that check a hash (crossorigin) as well.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # Its address stays the same over versions: pages get a new one within five minutes, and ask with the ETag only.
    "Cache-Control": "public, max-age=300, stale-while-revalidate=86400",
    "Vary": "Accept-Encoding",
}


@router.api_route("/widget.js", methods=["GET", "HEAD"])
async def script(request: Request) -> Response:
    """Send the script, or that it has not changed."""
    widget = load_widget()
    tag = widget.compressed_etag if takes_gzip(request.scope) else widget.etag
    headers = {**_HEADERS, "ETag": tag}
    known = {name.strip().removeprefix("W/") for name in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return file_response(request.scope, widget.file, headers)
