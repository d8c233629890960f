"""Who runs, who waits, who is refused."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from kbsearch.service import gate as gate_module
from kbsearch.service.errors import Overloaded
from kbsearch.service.gate import INTERVAL, PATIENCE, Gate


def busy(seconds: float) -> Callable[[], str]:
    """Work that takes so long and tells its thread."""

    def work() -> str:
        time.sleep(seconds)
        return threading.current_thread().name

    return work


async def outcomes(gate: Gate, count: int, seconds: float) -> list[str]:
    """Ask for `count` works at once; a thread's name each, or "refused"."""

    async def one() -> str:
        try:
            return await gate.run(busy(seconds), "search")
        except Overloaded:
            return "refused"

    return await asyncio.gather(*(one() for _ in range(count)))


def test_quick_work_comes_to_run_on_the_event_loop():
    """Unknown work goes to a thread, quick work needs none, slow work goes back to one."""

    async def ask() -> None:
        gate = Gate(threads=2, queue=8)
        main = threading.current_thread().name
        assert await gate.run(busy(0.0), "search") != main
        assert await gate.run(busy(0.0), "search") == main
        assert await gate.run(busy(0.0), "other") != main
        assert await gate.run(busy(0.2), "search") == main
        assert await gate.run(busy(0.0), "search") != main
        await asyncio.sleep(0)
        assert gate.inside == 0

    asyncio.run(ask())


def test_what_does_not_fit_the_queue_is_refused_at_once():
    """Two run, three wait, the sixth and seventh are sent away before any of them is done."""

    async def ask() -> None:
        gate = Gate(threads=2, queue=3)
        names = await outcomes(gate, 7, 0.05)
        assert names.count("refused") == 2
        assert names[5:] == ["refused", "refused"]
        assert gate.inside == 0
        assert not gate.full

    asyncio.run(ask())


def test_one_quick_search_an_iteration(monkeypatch: pytest.MonkeyPatch):
    """Between two of them the loop does other things."""
    # A clock of its own: on a busy machine a search of no time may take long by the clock, and is no quick one then.
    looks = itertools.count()
    monkeypatch.setattr(gate_module, "perf_counter", lambda: next(looks) * 1e-6)

    async def ask() -> None:
        gate = Gate(threads=4, queue=64)
        await outcomes(gate, 1, 0.0)
        ticks = 0
        done = False

        async def tick() -> None:
            nonlocal ticks
            while not done:
                ticks += 1
                await asyncio.sleep(0)

        clock = asyncio.create_task(tick())
        assert set(await outcomes(gate, 20, 0.0)) == {threading.current_thread().name}
        done = True
        await clock
        assert ticks >= 20

    asyncio.run(ask())


def test_a_backlog_that_only_grows_is_cut():
    """Asked twice as much as it can do for longer than the interval, it keeps those waiting short."""

    async def ask() -> None:
        gate = Gate(threads=1, queue=1000)
        await outcomes(gate, 1, 0.0)
        waits: list[float] = []
        refused = 0

        async def one() -> None:
            nonlocal refused
            started = time.perf_counter()
            try:
                await gate.run(busy(0.002), "search")
                waits.append(time.perf_counter() - started)
            except Overloaded:
                refused += 1

        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []

        def keep_asking() -> None:
            # From another thread: the loop is busy, and customers do not wait for it.
            for _ in range(400):
                loop.call_soon_threadsafe(lambda: tasks.append(asyncio.create_task(one())))
                time.sleep(0.001)

        await asyncio.to_thread(keep_asking)
        await asyncio.gather(*tasks)
        assert refused > len(tasks) / 10
        # Without the rule the last would have waited for half of the run: 0.4 s.
        assert sorted(waits[-20:])[10] < 0.1
        assert len(waits) > 20

    asyncio.run(ask())


def test_a_burst_is_served_whole():
    """As many as there are places, all at once, and nobody is sent away."""

    async def ask() -> None:
        gate = Gate(threads=1, queue=64)
        await outcomes(gate, 1, 0.0)
        assert "refused" not in await outcomes(gate, 60, 0.003)

    asyncio.run(ask())


def test_clients_that_wait_for_their_answers_are_no_overload():
    """Sixteen ask again as soon as they are answered, for several intervals."""

    async def ask() -> None:
        gate = Gate(threads=1, queue=64)
        await outcomes(gate, 1, 0.0)
        ends = time.perf_counter() + 5 * INTERVAL

        async def client() -> None:
            while time.perf_counter() < ends:
                await gate.run(busy(0.001), "search")

        await asyncio.gather(*(client() for _ in range(16)))

    asyncio.run(ask())


@pytest.mark.parametrize("seconds", [0.002, 0.0002])
def test_a_short_pause_in_an_overload_fills_no_queue(monkeypatch: pytest.MonkeyPatch, seconds: float):
    """Asked twice as much as it can do, with pauses in which the queue runs empty: what is answered takes about three
    times as long as in calm, on a slow machine and on a quick one."""
    clock = 0.0
    monkeypatch.setattr(gate_module, "perf_counter", lambda: clock)

    def work() -> None:
        nonlocal clock
        clock += seconds

    async def ask() -> None:
        gate = Gate(threads=1, queue=1000)
        for _ in range(100):
            await gate.run(work, "search")
        half = round(1 / seconds)
        waits: list[float] = []

        async def one() -> None:
            asked = clock
            with suppress(Overloaded):
                await gate.run(work, "search")
                waits.append(clock - asked)

        for step in range(2 * half):
            pause = step > half and step % 40 > 30
            tasks = [] if pause else [asyncio.create_task(one()) for _ in range(2)]
            await asyncio.sleep(0)
            if step == half:
                early = len(waits)
        await asyncio.gather(*tasks)
        assert gate.inside == 0
        assert len(waits) - early > 0.3 * half
        assert max(waits[early:]) < (PATIENCE + 2) * seconds

    asyncio.run(ask())


@pytest.mark.parametrize("rest", [0.05, 0.25, 3600.0])
def test_an_overload_is_over_after_an_interval_in_which_nothing_was_asked(monkeypatch: pytest.MonkeyPatch, rest: float):
    """A burst that comes later is served whole; one that comes at once still meets the overload."""
    clock = 0.0
    monkeypatch.setattr(gate_module, "perf_counter", lambda: clock)

    def work() -> None:
        nonlocal clock
        clock += 0.001

    async def ask() -> None:
        nonlocal clock
        gate = Gate(threads=1, queue=64)

        async def one() -> bool:
            with suppress(Overloaded):
                await gate.run(work, "search")
                return True
            return False

        for _ in range(100):
            await one()
        tasks = []
        for _ in range(600):
            tasks += [asyncio.create_task(one()) for _ in range(3)]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)
        assert gate.inside == 0
        clock += rest
        assert all(await asyncio.gather(*(one() for _ in range(20)))) is (rest > INTERVAL)

    asyncio.run(ask())


def test_what_is_on_its_way_counts(monkeypatch: pytest.MonkeyPatch):
    """Searches that were read a moment ago and would have to wait too long, until the loop has come to them."""
    monkeypatch.setattr(gate_module, "LONGEST_WAIT", 1.5 * gate_module.INLINE)

    async def ask() -> None:
        gate = Gate(threads=1, queue=2)
        gate.expect()
        assert not gate.full
        gate.expect()
        assert gate.full
        await asyncio.sleep(0)
        assert not gate.full

    asyncio.run(ask())


def test_who_leaves_the_queue_gives_his_turn_away():
    """A client that hangs up while it waits, or as its turn comes, holds up nobody."""

    async def ask() -> None:
        gate = Gate(threads=1, queue=8)
        first = asyncio.create_task(gate.run(busy(0.05), "search"))
        await asyncio.sleep(0.01)
        gone = [asyncio.create_task(gate.run(busy(0.0), "search")) for _ in range(3)]
        last = asyncio.create_task(gate.run(busy(0.0), "search"))
        await asyncio.sleep(0)
        gone[0].cancel()
        await first
        # The turn of the second has come by now; it is cancelled before it could use it.
        for task in gone[1:]:
            task.cancel()
        await last
        await asyncio.sleep(0)
        assert gate.inside == 0

    asyncio.run(ask())


def test_failing_work_leaves_the_gate():
    """Its error is the caller's; its place is free."""

    def fail() -> None:
        raise ValueError("boom")

    async def ask() -> None:
        gate = Gate(threads=1, queue=1)
        for _ in range(3):
            with pytest.raises(ValueError, match="boom"):
                await gate.run(fail, "search")
        await asyncio.sleep(0)
        assert gate.inside == 0

    asyncio.run(ask())


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch):
    """However short the overload: who waited too long is told so."""
    monkeypatch.setattr(gate_module, "LONGEST_WAIT", 0.02)

    async def ask() -> None:
        assert (await outcomes(Gate(threads=1, queue=8), 3, 0.05)).count("refused") == 2

    asyncio.run(ask())
