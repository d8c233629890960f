"""`/healthz`, `/readyz`, `/metrics`: for whoever runs the service."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from kbsearch.service import shapes
from kbsearch.service.context import service_of
from kbsearch.service.meters import CONTENT_TYPE
from kbsearch.service.respond import json_response

router = APIRouter(tags=["operation"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Is the process alive")
async def healthz() -> Response:
    """Answer as long as the process runs, with or without an index."""
    return json_response({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    responses={200: {"model": shapes.Readiness}, 503: {"model": shapes.Readiness, "description": "Not yet."}},
    summary="Can searches be answered",
)
async def readyz(request: Request) -> Response:
    """Answer 200 with the snapshot that serves, 503 before the first is open; `error` when a newer one fails."""
    holder = service_of(request).holder
    answer = {"ready": holder.snapshot is not None, "snapshot": holder.snapshot, "error": holder.error}
    return json_response(answer) if holder.snapshot else json_response(answer, 503, {"Retry-After": "1"})


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", response_class=PlainTextResponse, summary="Prometheus metrics")
async def metrics(request: Request) -> Response:
    """Requests, latency, decisions, events written and dropped, snapshot and reloads."""
    return Response(service_of(request).meters.render(), media_type=CONTENT_TYPE)
