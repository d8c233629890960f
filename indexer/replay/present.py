"""A report as text for a terminal and as JSON values; as a page for an editor: `page.py`.

Queries of the log are shown only where five people or more asked them (docs/metrics.md); of the others, how many there
are. Questions of a file are the editor's own.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from indexer.replay.compare import ANSWERED, Compared, Shown
from indexer.replay.report import Counts, Loss, Report, Section, share_text

SHOWN = 10
"""Losses, wins and flips that the terminal shows; JSON and the page have all of them."""


def as_text(report: Report) -> str:
    """What a terminal shows: the verdict last, where it is read."""
    lines = [f"{report.candidate} ({report.models[1]}) against {report.against} ({report.models[0]})"]
    if report.searches:
        left_out = f"{report.undecided:,} that may still end in a ticket, {report.programs:,} of programs"
        lines.append(f"{report.searches:,} searches in the log; left out: {left_out}")
    for part in report.sections:
        lines.append(f"{part.name}: {_counts(part)}")
        lines += [
            f"  {lang:8} {counts.broken:>7,} of {counts.held:>7,} break ({share_text(counts)}), {counts.won:,} won"
            for lang, counts in part.by_lang.items()
            if counts.broken or counts.won
        ]
    for total in report.causes:
        lines.append(f"broken {total.searches:>6,} × {total.cause.sentence}")
    lines += [f"  {_times(loss.compared)} {story(loss)}" for loss in report.losses[:SHOWN]]
    lines += [f"won {_times(item)}" for item in report.wins[:SHOWN]]
    for flip in report.flips:
        lines.append(f"decision {flip.before} → {flip.after}: {flip.searches:,} searches")
    if report.latency:
        took = report.latency
        lines.append(
            f"latency: median {took.median_before} → {took.median_after} ms, "
            f"95 % below {took.p95_before} → {took.p95_after} ms"
        )
    return "\n".join([*lines, verdict(report)])


def verdict(report: Report) -> str:
    """One sentence."""
    if report.over:
        broken = "; ".join(report.over)
        return f"{report.candidate} breaks too many successful searches (budget {report.budget:.2%}): {broken}."
    return f"{report.candidate} may be published: at most {report.budget:.2%} may break, and that holds."


def as_json(report: Report) -> dict[str, Any]:
    """The whole report; withheld queries are null."""
    return {
        "candidate": report.candidate,
        "against": report.against,
        "models": {"against": report.models[0], "candidate": report.models[1]},
        "passed": not report.over,
        "over_budget": list(report.over),
        "max_broken": report.budget,
        "first": report.first,
        "searches": report.searches,
        "undecided": report.undecided,
        "programs": report.programs,
        "sets": [
            {
                "name": part.name,
                **_figures(part.total),
                "by_lang": {lang: _figures(counts) for lang, counts in part.by_lang.items()},
            }
            for part in report.sections
        ],
        "causes": [
            {"kind": total.cause.kind, "subject": total.cause.subject, "sentence": total.cause.sentence}
            | {"searches": total.searches, "queries": len(total.losses)}
            for total in report.causes
        ],
        "broken": [_loss(loss) for loss in report.losses],
        "won": [_compared(item) for item in report.wins],
        "flips": [
            {"before": flip.before, "after": flip.after, "searches": flip.searches}
            | {"examples": [_compared(item) for item in flip.examples]}
            for flip in report.flips
        ],
        "queries_withheld": withheld(report),
        "latency_ms": asdict(report.latency) if report.latency else None,
    }


def query_of(item: Compared) -> str:
    """The query in quotation marks, or that it is withheld."""
    return f"“{item.success.query}”" if item.success.printable else "(asked by fewer than five people)"


def story(loss: Loss) -> str:
    """What became of one success, in a line."""
    return "".join(part if isinstance(part, str) else article(part) for part in story_parts(loss))


def story_parts(loss: Loss) -> list[str | Shown]:
    """The same in parts: words, and the articles between them."""
    item = loss.compared
    old, new = item.before.shown, item.after.shown
    if old is None:
        return ["was rightly not answered, and would be"]
    was = "as the answer" if item.before.level == ANSWERED else f"at place {old.position}"
    if new and new.lang != old.lang:
        now = f"shown in {new.lang}"
    elif new:
        now = f"at place {new.position}, decision {item.after.action.value}"
    else:
        now = f"now at place {loss.place}" if loss.place else "not found"
    instead: list[str | Shown] = ["; instead ", item.replaced_by] if item.replaced_by else []
    return [old, f" {was}: {now}", *instead]


def article(shown: Shown) -> str:
    """Title and id."""
    return f"“{shown.title}” ({shown.id})"


def withheld(report: Report) -> int:
    """How many queries are not shown, for privacy."""
    items = {item for loss in report.losses for item in [loss.compared.success]}
    items |= {item.success for item in report.wins}
    items |= {item.success for flip in report.flips for item in flip.examples}
    return sum(not success.printable for success in items)


def _times(item: Compared) -> str:
    return f"{item.success.searches:>6,} × {query_of(item)} [{item.success.lang}]"


def _counts(part: Section) -> str:
    counts = part.total
    return (
        f"{counts.broken:,} of {counts.held:,} successful searches break ({share_text(counts)}), "
        f"{counts.won:,} won, {counts.lost_before:,} lost before"
    )


def _figures(counts: Counts) -> dict[str, Any]:
    return asdict(counts) | {"share": None if counts.share is None else round(counts.share, 6)}


def _compared(item: Compared) -> dict[str, Any]:
    success = item.success
    return {
        "query": success.query if success.printable else None,
        "lang": success.lang,
        "searches": success.searches,
        "kind": success.kind,
        "article": item.before.shown.id if item.before.shown else success.documents[0] if success.documents else None,
        "before": _standing(item.before),
        "after": _standing(item.after),
    }


def _loss(loss: Loss) -> dict[str, Any]:
    replaced = loss.compared.replaced_by
    return _compared(loss.compared) | {
        "place": loss.place,
        "replaced_by": replaced._asdict() if replaced else None,
        "cause": {"kind": loss.cause.kind, "subject": loss.cause.subject, "sentence": loss.cause.sentence},
    }


def _standing(standing: Any) -> dict[str, Any]:
    shown = standing.shown
    return {"action": standing.action.value, "position": shown and shown.position, "lang": shown and shown.lang}
