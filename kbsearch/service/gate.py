"""How many searches run, how many wait, and when more are refused.

Used from the event loop only. A search that takes a millisecond runs on the loop itself, since handing it to a thread
costs a tenth of that and the interpreter runs one at a time anyway; one search an iteration, so that the loop reads
new requests in between and refuses at once what it cannot serve. Slower ones (a large model, a huge index) run in
threads.

The queue takes bursts, and as many patient clients as it has places, but no backlog that only grows (CoDel: Nichols &
Jacobson, "Controlling queue delay", 2012, in the form of Maurer, "Fail at scale", 2015): once it has not been empty
for `INTERVAL` while more was asked than done, a search that would have waited longer than `PATIENCE` allows is
refused, until no more is asked than done over an interval. What is served under overload was therefore asked a moment
ago. Without that memory a queue kept this short would be empty now and then, and be filled to its last place each time.
"""

from __future__ import annotations

from asyncio import CancelledError, Future, get_running_loop
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from kbsearch.service.errors import Overloaded

PATIENCE = 2.0
"""How many times as long as its kind takes work may wait while there is more of it than can be done: what is answered
then takes about three times as long as in calm, on a quick machine and on a slow one."""
INTERVAL = 0.1
"""Seconds over which that is judged; ten times the usual duration where that is more."""
GROWTH = 1.2
"""Asked to done, over an interval, from which the queue only grows: clients that wait for answers stay below."""
LONGEST_WAIT = 2.0
"""Seconds after which a client is better told to come back, however short the overload."""
INLINE = 0.004
"""Seconds that work may take on the event loop; other requests wait for it."""

_SMOOTHING = 0.05
_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Kind:
    """What is known of one kind of work."""

    may_inline: bool = True
    usual: float = INLINE
    """Seconds, smoothed. Where nothing is known yet, a thread does no harm."""

    @property
    def inline(self) -> bool:
        return self.may_inline and self.usual < INLINE

    def time(self, work: Callable[[], _Result]) -> _Result:
        """Do `work` and learn from it."""
        started = perf_counter()
        try:
            return work()
        finally:
            self.usual += _SMOOTHING * (perf_counter() - started - self.usual)


class Gate:
    """Lets work through, a few at a time and in order; more is refused at once, while that still costs little."""

    def __init__(self, threads: int, queue: int) -> None:
        self._threads = threads
        self._queue = queue
        self._limiter = CapacityLimiter(threads)
        self._kinds: defaultdict[str, _Kind] = defaultdict(_Kind)
        self._running = 0
        self._on_loop = False
        self._waiting: deque[tuple[Future[bool], float, _Kind]] = deque()
        self._last_empty = self._window = perf_counter()
        self._asked = self._done = 0
        self._growth = 0
        self._overloaded = False
        self._expected = 0

    @property
    def inside(self) -> int:
        """Searches that run or wait."""
        return self._running + len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the next one will be refused."""
        return self._full(self._expected)

    def expect(self) -> None:
        """Count a search that has been read and will ask for its turn when the loop comes to it.

        A loop reads from all connections before it looks at anything of what it read.
        """
        self._expected += 1
        get_running_loop().call_soon(self._arrived)

    def refuse(self) -> Overloaded:
        """Count what is refused without having been asked."""
        self._count(asked=1)
        return self._refusal()

    async def run(self, work: Callable[[], _Result], kind: str = "other", *, inline: bool = True) -> _Result:
        """Do `work` when its turn comes; works of one kind take about as long as one another.

        `inline`: whether it may run on the event loop where it is quick.

        :raises Overloaded: too many wait already, or it would be served too late.
        """
        known = self._kinds[kind]
        known.may_inline = inline
        inline = await self._enter(known)
        try:
            if inline:
                return known.time(work)
            return await to_thread.run_sync(known.time, work, limiter=self._limiter)
        finally:
            if inline:
                # Not before the loop has looked for new requests.
                get_running_loop().call_soon(self._leave, True)
            else:
                self._leave(False)

    async def _enter(self, kind: _Kind) -> bool:
        """Wait for a turn; True where the work is to be done on the event loop."""
        self._count(asked=1)
        if not self._waiting and self._may_start(kind):
            return self._start(kind)
        if self._full(0):
            raise self._refusal()
        if not self._waiting:
            self._last_empty = perf_counter()
        turn: Future[bool] = get_running_loop().create_future()
        self._waiting.append((turn, perf_counter(), kind))
        try:
            return await turn
        except CancelledError:
            # The client has gone; a turn that had come is the next one's.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave(turn.result())
            raise

    def _arrived(self) -> None:
        self._expected -= 1

    def _full(self, expected: int) -> bool:
        """Whether one is refused that comes after those that wait and so many searches."""
        ahead = len(self._waiting) + expected
        # What is expected may need no turn (an answer from the cache), so it takes no place.
        if ahead == 0 or len(self._waiting) >= self._queue:
            return ahead > 0
        # What would be refused when its turn comes is refused now, while it has cost nothing.
        kind = self._waiting[0][2] if self._waiting else self._kinds["search"]
        at_once = 1 if kind.inline else self._threads
        return ahead * kind.usual / at_once > self._patience(kind, perf_counter())

    def _may_start(self, kind: _Kind) -> bool:
        return self._running < self._threads and not (kind.inline and self._on_loop)

    def _start(self, kind: _Kind) -> bool:
        self._running += 1
        inline = kind.inline
        self._on_loop |= inline
        return inline

    def _leave(self, inline: bool) -> None:
        self._running -= 1
        self._count(done=1)
        if inline:
            self._on_loop = False
        now = perf_counter()
        while self._waiting and self._may_start(self._waiting[0][2]):
            turn, since, kind = self._waiting.popleft()
            if turn.done():
                continue
            if now - since > self._patience(kind, now):
                turn.set_exception(self._refusal())
            else:
                turn.set_result(self._start(kind))

    def _patience(self, kind: _Kind, now: float) -> float:
        """Seconds that work may have waited when its turn comes."""
        standing = bool(self._waiting) and now - self._last_empty > max(INTERVAL, 10 * kind.usual)
        self._overloaded |= standing and self._growth > 1
        return PATIENCE * kind.usual if self._overloaded else LONGEST_WAIT

    def _count(self, *, asked: int = 0, done: int = 0) -> None:
        now = perf_counter()
        passed = now - self._window
        if passed > INTERVAL and passed > (interval := self._interval()):
            # A burst fills one interval; a second one with more asked than done is no burst. What is counted here came
            # within the first: where a second has passed and nobody is inside, nothing more was asked.
            rested = passed > 2 * interval and self.inside == 0
            self._growth = self._growth + 1 if self._asked > GROWTH * self._done and not rested else 0
            self._overloaded &= self._growth > 0
            self._window, self._asked, self._done = now, 0, 0
        self._asked += asked
        self._done += done

    def _interval(self) -> float:
        return max(INTERVAL, 10 * max((kind.usual for kind in self._kinds.values()), default=0.0))

    def _refusal(self) -> Overloaded:
        return Overloaded(f"{self.inside} searches are under way; try again in a second")
