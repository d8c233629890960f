"""The kinds of visits that the script plays; each says in its last line how it ends."""

from __future__ import annotations

from collections.abc import Callable

from metrics_script import DAY, HOUR, NONSENSE, QUERIES, Visitor


def confirmed_by_vote(visitor: Visitor) -> None:
    answer = visitor.search(opened=True)
    visitor.click(answer, visitor.rng.randrange(1, 6))
    visitor.vote(True)
    visitor.leave("confirmed")


def confirmed_by_declaration(visitor: Visitor) -> None:
    answer = visitor.search(opened=True)
    visitor.click(answer, 1)
    visitor.wait(1, 60)
    visitor.event("resolved_declared", answer)
    visitor.leave("confirmed")


def second_thoughts(visitor: Visitor) -> None:
    """No, then yes, about the same article: the last word counts, and one vote."""
    visitor.click(visitor.search(opened=True), 2)
    visitor.vote(False, counts=False)
    visitor.vote(True)
    visitor.leave("confirmed")


def taken_back(visitor: Visitor) -> None:
    """Yes, then no: opened, but not solved."""
    visitor.click(visitor.search(opened=True), 2)
    visitor.vote(True, counts=False)
    visitor.vote(False)
    visitor.leave("assumed")


def returned(visitor: Visitor) -> None:
    """Solved, it seemed; three days later the same question."""
    text = visitor.rng.choice(QUERIES[visitor.lang])
    visitor.click(visitor.search(text, opened=True), 1)
    visitor.vote(True)
    visitor.leave("confirmed", durable=False)
    visitor.come_back(3 * DAY)
    visitor.click(visitor.search(text, opened=True), 1)
    visitor.leave("assumed")


def returned_late(visitor: Visitor) -> None:
    """Eight days later it is a new question."""
    text = visitor.rng.choice(QUERIES[visitor.lang])
    visitor.click(visitor.search(text, opened=True), 1)
    visitor.vote(True)
    visitor.leave("confirmed")
    visitor.come_back(8 * DAY + 3 * HOUR)
    visitor.click(visitor.search(text, opened=True), 3)
    visitor.leave("assumed")


def assumed_by_click(visitor: Visitor) -> None:
    """Two clicks; the first in time gives the position."""
    answer = visitor.search(opened=True)
    visitor.click(answer, visitor.rng.randrange(1, 9), shape="insights" if visitor.known else "ubi")
    visitor.click(answer, 1, first=False)
    visitor.leave("assumed")


def assumed_by_answer(visitor: Visitor) -> None:
    visitor.answer_shown(visitor.search())
    visitor.leave("assumed")


def typed(visitor: Visitor) -> None:
    """Letter by letter is one search; so is a second page."""
    text = QUERIES[visitor.lang][0]
    for length in (3, 5, 8):
        visitor.search(text[:length], counts=False)
        visitor.wait(1, 4)
    answer = visitor.search(text, opened=True)
    visitor.wait(40, 50)
    visitor.search(text, counts=False, offset=10)
    visitor.click(answer, 1)
    visitor.leave("assumed")


def reworded(visitor: Visitor) -> None:
    """Another try after a minute, since nothing was worth opening."""
    visitor.search(QUERIES[visitor.lang][1], again=True)
    visitor.wait(60, 90)
    visitor.click(visitor.search(QUERIES[visitor.lang][3], opened=True), 1)
    visitor.leave("assumed")


def abandoned(visitor: Visitor) -> None:
    answer = visitor.search()
    for hit in answer["hits"][:3]:
        visitor.event("impression", answer, hit["id"], position=hit["position"])
    visitor.leave("abandoned")


def nonsense(visitor: Visitor) -> None:
    visitor.search(NONSENSE, words=False)
    visitor.leave("abandoned")


def ticket(visitor: Visitor) -> None:
    visitor.click(visitor.search(opened=True), 4)
    visitor.vote(False)
    visitor.wait(30, 90)
    visitor.event("ticket_created")
    visitor.leave("escalated", handed=True)


def human_after_yes(visitor: Visitor) -> None:
    """Said that it helped, and then asked for a human."""
    visitor.click(visitor.search(opened=True), 1)
    visitor.vote(True)
    visitor.wait(30, 90)
    visitor.event("handover")
    visitor.leave("escalated", handed=True)


def ticket_next_day(visitor: Visitor) -> None:
    """Within 24 hours a ticket undoes the success; its own journey searched for nothing."""
    visitor.click(visitor.search(opened=True), 1)
    visitor.vote(True)
    visitor.leave("escalated", handed=True)
    visitor.come_back(20 * HOUR)
    visitor.event("ticket_created")
    visitor.leave("escalated", searched=False, handed=True)


def ticket_later(visitor: Visitor) -> None:
    """After more than 24 hours it does not."""
    visitor.click(visitor.search(opened=True), 1)
    visitor.vote(True)
    visitor.leave("confirmed")
    visitor.come_back(26.5 * HOUR)
    visitor.event("ticket_created")
    visitor.leave("escalated", searched=False, handed=True)


def survey(visitor: Visitor) -> None:
    """Asked all three, answers two of them; a rating beyond the scale is none."""
    visitor.answer_shown(visitor.search())
    for name in ("csat", "ces", "nps"):
        visitor.event("impression", None, name, kind="survey")
        visitor.count(**{f"{name}_asked": 1})
    csat, nps = visitor.rng.randrange(1, 6), visitor.rng.randrange(0, 11)
    visitor.say(csat=csat)
    visitor.say(nps=nps)
    visitor.say(ces=9)
    visitor.count(**{f"csat={csat}": 1, f"nps={nps}": 1, "csat_answered": 1, "nps_answered": 1})
    visitor.leave("assumed")


def unasked(visitor: Visitor) -> None:
    """Says how much effort it was without being asked; came from a search engine, straight to an article."""
    visitor.event("view", None, "place-order.en")
    ces = visitor.rng.randrange(1, 8)
    visitor.say(ces=ces)
    visitor.count(**{f"ces={ces}": 1})
    visitor.leave("assumed", searched=False)


def form_treated(visitor: Visitor) -> None:
    """Sees suggestions at the ticket form; half of them file all the same."""
    visitor.event("ticket_started", suggestions_shown=True, holdout=False)
    filed = visitor.rng.random() < 0.5
    if filed:
        visitor.wait(60, 300)
        visitor.event("ticket_created")
    visitor.leave("escalated" if filed else "unknown", searched=False, handed=filed, filed_form="treated")


def form_held_out(visitor: Visitor) -> None:
    """Sees none; most file, some of them by other means hours later."""
    visitor.event("ticket_started", suggestions_shown=False, holdout=True)
    chance = visitor.rng.random()
    if chance < 0.4:
        visitor.wait(60, 300)
        visitor.event("ticket_created")
    handed = chance < 0.8
    visitor.leave("escalated" if handed else "unknown", searched=False, handed=handed, filed_form="held_out")
    if 0.4 <= chance < 0.8:
        visitor.come_back(5 * HOUR)
        visitor.event("handover")
        visitor.leave("escalated", searched=False, handed=True)


KINDS: tuple[Callable[[Visitor], None], ...] = (
    confirmed_by_vote,
    confirmed_by_declaration,
    second_thoughts,
    taken_back,
    returned,
    returned_late,
    assumed_by_click,
    assumed_by_answer,
    typed,
    reworded,
    abandoned,
    nonsense,
    ticket,
    human_after_yes,
    ticket_next_day,
    ticket_later,
    survey,
    unasked,
    form_treated,
    form_held_out,
)
