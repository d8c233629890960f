"""What a request says in its headers and its address, read once: its way looks there half a dozen times.

starlette's own `Headers` and `QueryParams` hold everything twice, for repeated names, and `Headers` goes through all
of them at each look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from starlette.types import Scope

_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
_JOINERS = {"langs": ",", "filter": " AND "}
_HEADERS, _PARAMETERS = "kbsearch.headers", "kbsearch.parameters"


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """Return the headers of an HTTP request, names in lower case; of several with one name, the first."""
    headers: Mapping[bytes, bytes] | None = scope.get(_HEADERS)
    if headers is None:
        headers = scope[_HEADERS] = dict(reversed(scope["headers"]))
    return headers


def from_other_site(scope: Scope) -> bool:
    """Tell whether a page of another site sent what may have an effect: browsers say so, and pages cannot forge it.

    Over plain HTTP, and older ones always, they say nothing but the page's origin. Its host is compared, not its
    scheme, which a proxy may have changed without a word; a page cannot set a proxy's header.
    """
    headers = headers_of(scope)
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None or origin is None:
        return site not in (b"same-origin", b"none", None)
    scheme, _, host = origin.lower().partition(b"://")
    port = _DEFAULT_PORTS.get(scheme, b"")
    # Of several proxies the first saw what the browser asked for.
    ours = (headers.get(name, b"").partition(b",")[0] for name in (b"host", b"x-forwarded-host"))
    return not host or host not in (name.strip().lower().removesuffix(port) for name in ours)


def parameters_of(scope: Scope) -> Mapping[str, str]:
    """Return what stands behind the `?` of its address; of several with one name, the last, but every part of a list
    or filter."""
    parameters: dict[str, str] | None = scope.get(_PARAMETERS)
    if parameters is None:
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        parameters = scope[_PARAMETERS] = dict(pairs)
        if len(parameters) < len(pairs):
            for name in _JOINERS.keys() & parameters.keys():
                parameters[name] = _JOINERS[name].join(value for given, value in pairs if given == name and value)
    return parameters


def weighted(header: str) -> Iterator[tuple[str, float]]:
    """Read a list such as `lv, en;q=0.5`: names in lower case and weights; what cannot be read is left out."""
    for part in header[:500].lower().split(","):
        name, _, weight = part.partition(";")
        try:
            yield name.strip(), float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue


def takes_gzip(scope: Scope) -> bool:
    """Tell whether the client reads gzip: it says so, or `*`, and not with a weight of 0."""
    weights = dict(weighted(headers_of(scope).get(b"accept-encoding", b"").decode("latin-1")))
    return weights.get("gzip", weights.get("*", 0.0)) > 0
