"""`/v1/metrics`: how well self-service works, for holders of a key whose audiences hold `admin`."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response

from kbsearch.metrics.bounds import read_bound, read_period
from kbsearch.metrics.costs import Costs
from kbsearch.metrics.incremental import HOLDOUT_SHARE
from kbsearch.metrics.insight import insight
from kbsearch.metrics.moments import HOUR
from kbsearch.metrics.present import as_json
from kbsearch.metrics.present_insight import insight_json
from kbsearch.metrics.report import SPLITS, Report, report
from kbsearch.service import shapes
from kbsearch.service.context import Service, service_of
from kbsearch.service.errors import Forbidden
from kbsearch.service.knowledge import Knowledge
from kbsearch.service.respond import json_response

router = APIRouter(tags=["metrics"])

ADMIN = "admin"
ONE_AT_A_TIME = CapacityLimiter(1)
"""A report keeps a processor busy; searches must not wait behind several."""
_DAY = "A UTC day such as 2026-11-24, or the ISO 8601 time of a midnight UTC."
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": shapes.MetricsAnswer, "description": "Figures, outcomes, hold-out and data health."},
    401: {"model": shapes.ErrorAnswer, "description": "The key is not good."},
    403: {"model": shapes.ErrorAnswer, "description": "No key, or one without the audience admin."},
    422: {"model": shapes.ErrorAnswer, "description": "A bound or a split that cannot be read."},
}


_PERIOD_RESPONSES = {status: answer for status, answer in _RESPONSES.items() if status != 200}


def check_admin(audiences: frozenset[str]) -> None:
    """Let only holders of an admin key pass.

    :raises Forbidden: there is none, or it does not have the audience `admin`.
    """
    if ADMIN not in audiences:
        raise Forbidden(f"this needs a key with the audience {ADMIN}; make one with: kbsearch key --audience {ADMIN}")


def costs_of(service: Service) -> Costs:
    """Return what tickets and contacts of this company cost."""
    return Costs(service.settings.ticket_cost, service.settings.contact_cost)


@router.get("/v1/metrics", responses=_RESPONSES, summary="How well self-service works")
async def metrics(
    request: Request,
    since: Annotated[str, Query(alias="from", max_length=40, description=_DAY, examples=["2026-11-01"])] = "",
    until: Annotated[str, Query(alias="to", max_length=40, description=_DAY + " A day is included.")] = "",
    by: Annotated[str, Query(max_length=100, description=f"Splits, with commas: {', '.join(SPLITS)}.")] = "",
    as_of: Annotated[str, Query(max_length=40, description="When windows are judged open or closed; now.")] = "",
    window: Annotated[float, Query(ge=0, le=168, description="Hours until an outcome is decided.")] = 24.0,
) -> Response:
    """Give every figure of docs/metrics.md with n, interval and reason, for the journeys that began in a period."""
    service = service_of(request)
    check_admin(service.audiences(request))
    splits = [name.strip() for name in by.split(",") if name.strip()]
    bounds = read_period(since, until)
    moment = read_bound(as_of, "as_of")

    def make() -> Report:
        return report(
            service.store,
            *bounds,
            splits,
            as_of=moment,
            window=round(window * HOUR),
            shelf=service.store,
            costs=costs_of(service),
            holdout_share=service.settings.holdout or HOLDOUT_SHARE,
        )

    return json_response(as_json(await to_thread.run_sync(make, limiter=ONE_AT_A_TIME)))


@router.get(
    "/v1/metrics/content",
    responses={
        **_PERIOD_RESPONSES,
        200: {"model": shapes.ContentAnswer, "description": "Flow from search to outcome, gaps, and articles."},
    },
    summary="What to write, translate, reword or rewrite",
)
async def content(
    request: Request,
    since: Annotated[str, Query(alias="from", max_length=40, description=_DAY, examples=["2026-11-01"])] = "",
    until: Annotated[str, Query(alias="to", max_length=40, description=_DAY + " A day is included.")] = "",
) -> Response:
    """Give what docs/dashboard.md defines: failed searches as gaps, the article table, and where searches lead."""
    service = service_of(request)
    check_admin(service.audiences(request))
    bounds = read_period(since, until)
    knowledge = Knowledge(service.holder.engine(), service.audiences(request))

    def make() -> dict[str, Any]:
        made = report(service.store, *bounds, shelf=service.store, costs=costs_of(service))
        return insight_json(insight(service.store, made, knowledge, shelf=service.store))

    return json_response(await to_thread.run_sync(make, limiter=ONE_AT_A_TIME))
