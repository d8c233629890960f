"""JSON in: a body's size is checked while it is read, not after; then its members are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from kbsearch.service.errors import BadJson, BodyTooLarge, ClientGone, field_of, validation_error

MOST_DROPPED = 16 * 1024 * 1024
"""Bytes of a body that is refused which are read all the same, so that its sender reads the answer."""
DROPPED_SECONDS = 5.0
_Given = TypeVar("_Given", bound=BaseModel)


def read_as(model: type[_Given], raw: object) -> _Given:
    """Return what was given as the model that describes it; a member that is null is as good as left out.

    :raises UsageError: a member is missing or wrong; the error names it.
    """
    if isinstance(raw, dict):
        raw = {name: value for name, value in raw.items() if value is not None}
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problem = error.errors()[0]
        raise validation_error(problem, field_of(problem, raw)) from None


async def read_json(request: Request, limit: int) -> object:
    """Read and decode a body of at most `limit` bytes, whatever content type it claims (beacons send text/plain).

    :raises BodyTooLarge: more bytes than that, announced or sent.
    :raises BadJson: not JSON.
    """
    return decode_json(await read_bytes(request, limit))


async def read_bytes(request: Request, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, as it was sent.

    :raises BodyTooLarge: more bytes than that, announced or sent.
    :raises ClientGone: the client went away before its end.
    """
    announced = request.headers.get("content-length", "")
    body, sent = bytearray(), request.stream()
    try:
        if not (announced.isdigit() and int(announced) > limit):
            async for chunk in sent:
                body += chunk
                if len(body) > limit:
                    break
            else:
                return bytes(body)
        # Who asks first whether to send it (Expect: 100-continue) reads the answer before that.
        if "expect" not in request.headers:
            await _drop(sent)
    except ClientDisconnect:
        raise ClientGone("the client went away before the end of the body") from None
    raise BodyTooLarge(f"the body has more than {limit} bytes; send less")


async def _drop(rest: AsyncIterator[bytes]) -> None:
    """Read on to the end of what is refused, within reason: a client that is still sending when its connection is
    closed never reads why."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DROPPED_SECONDS):
            async for chunk in rest:
                size += len(chunk)
                if size > MOST_DROPPED:
                    return


def decode_json(body: bytes) -> object:
    """Decode a body.

    :raises BadJson: not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadJson(f"the body is not JSON: {error}") from None
