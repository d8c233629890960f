"""What `/metrics` tells Prometheus. The only module that imports prometheus_client.

With several workers the values lie in shared files (PROMETHEUS_MULTIPROC_DIR, set by `serve`), so that one scrape
sees all of them; what only the answering worker knows (its snapshot) is collected at the moment of asking.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST

# From half a millisecond (a suggestion) to where a client has given up.
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Meters:
    """The service's counters, in a registry of their own."""

    def __init__(
        self,
        serving: Callable[[], tuple[str | None, str | None]],
        waiting: Callable[[], int],
        outbox: Callable[[], Mapping[str, int]],
    ) -> None:
        """Take how to ask for (snapshot, reload error), for the number of searches under way, and for the number of
        hand-overs that are not delivered, by state."""
        if os.environ.get(MULTIPROCESS_VARIABLE):
            # The library decides when it is imported, which may be before the workers are forked.
            values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        own = CollectorRegistry()
        self.requests = Counter("kbsearch_requests", "Requests answered.", ["route", "method", "status"], registry=own)
        self.latency = Histogram(
            "kbsearch_request_seconds", "Time to the end of the answer.", ["route"], buckets=_BUCKETS, registry=own
        )
        self.decisions = Counter(
            "kbsearch_decisions", "Searches by what was decided.", ["action", "lang"], registry=own
        )
        self.refused = Counter("kbsearch_refused", "Searches answered 503 at the door.", registry=own)
        self.events_written = Counter("kbsearch_events_written", "Facts stored.", registry=own)
        self.events_refused = Counter(
            "kbsearch_events_refused", "Events answered 503: whoever can sends them again.", registry=own
        )
        self.events_dropped = Counter("kbsearch_events_dropped", "Facts lost: no room, or no store.", registry=own)
        self.reloads = Counter("kbsearch_reloads", "Snapshots opened or refused.", ["result"], registry=own)
        self.handovers = Counter("kbsearch_handovers", "Tickets taken.", ["reason"], registry=own)
        self.deliveries = Counter(
            "kbsearch_handover_deliveries", "Attempts to deliver tickets.", ["target", "result"], registry=own
        )
        # Looking a child up by its labels costs more than counting.
        self._of_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._of_decision: dict[tuple[str, str], Counter] = {}
        for result in ("ok", "failed"):
            self.reloads.labels(result)
        self._shown = own
        if os.environ.get(MULTIPROCESS_VARIABLE):
            self._shown = CollectorRegistry()
            MultiProcessCollector(self._shown)  # type: ignore[no-untyped-call]
        self._shown.register(_Live(serving, waiting, outbox))

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request and its time."""
        key = (route, method, status)
        if (children := self._of_request.get(key)) is None:
            children = self.requests.labels(route, method, str(status)), self.latency.labels(route)
            self._of_request[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def decision(self, action: str, lang: str) -> None:
        """Count what was decided."""
        if (child := self._of_decision.get((action, lang))) is None:
            child = self._of_decision[(action, lang)] = self.decisions.labels(action, lang)
        child.inc()

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._shown)


class _Live(Collector):
    def __init__(
        self,
        serving: Callable[[], tuple[str | None, str | None]],
        waiting: Callable[[], int],
        outbox: Callable[[], Mapping[str, int]],
    ) -> None:
        self._serving = serving
        self._waiting = waiting
        self._outbox = outbox

    def collect(self) -> Iterator[GaugeMetricFamily]:
        snapshot, error = self._serving()
        info = GaugeMetricFamily("kbsearch_snapshot_info", "The snapshot that serves.", labels=["snapshot"])
        if snapshot is not None:
            info.add_metric([snapshot], 1)
        yield info
        yield GaugeMetricFamily("kbsearch_ready", "1 when searches are answered.", value=int(snapshot is not None))
        yield GaugeMetricFamily(
            "kbsearch_reload_failing", "1 while the published snapshot cannot be opened.", value=int(error is not None)
        )
        yield GaugeMetricFamily("kbsearch_searches_waiting", "Searches under way or waiting.", value=self._waiting())
        outbox = GaugeMetricFamily(
            "kbsearch_handovers_undelivered", "Tickets on their way to a target, or given up.", labels=["state"]
        )
        for state, count in self._outbox().items():
            outbox.add_metric([state], count)
        yield outbox
