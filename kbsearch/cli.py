"""`kbsearch`: search, serve, and measure quality, speed and success."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

import orjson

from kbsearch.amounts import amount
from kbsearch.command import Outcome, command_parser, example, named_path, print_outcome, run_command
from kbsearch.errors import LimitError, UsageError
from kbsearch.handover.arguments import add_actions
from kbsearch.threads import one_thread_each
from kbsearch.types import MAX_LIMIT, MAX_QUERY, SearchOutcome, SearchRequest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (failed) or 2 (wrong use)."""
    return run_command(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    from kbsearch.events.command import add_parser as add_events_parser
    from kbsearch.handover.erasure import erase_tickets

    program_example = example("kbsearch serve --index var/index")
    parser, commands = command_parser("kbsearch", __doc__ or "", program_example)
    sub = commands.add_parser(
        "search",
        help="one query, without a server, seeing all audiences",
        epilog=example('kbsearch search --index var/index "ka atjaunot paroli" --lang lv'),
    )
    _add_index(sub)
    sub.add_argument("query", metavar="QUERY", help="what a customer would type")
    sub.add_argument("--lang", default="", help="where the user is: a language code")
    sub.add_argument("--limit", type=int, default=10, metavar="N", help="hits to print, 1 to 100 (default 10)")
    sub.add_argument("--filter", default="", help="such as: type:faq AND lang:lv")
    sub.add_argument("--mode", choices=("hybrid", "dense", "lexical"), default="hybrid", help="which legs search")
    sub.add_argument("--json", action="store_true", help="print what /v1/search would answer, explained")
    sub.set_defaults(run=_search)
    sub = commands.add_parser(
        "serve", help="the HTTP service and the portal page", epilog=example("kbsearch serve --index var/index")
    )
    sub.add_argument("--index", type=named_path, metavar="DIR", help="directory of snapshots; default: KBSEARCH_INDEX")
    sub.add_argument("--host", help="default 127.0.0.1")
    sub.add_argument("--port", type=int, help="default 8080")
    sub.add_argument("--workers", type=int, metavar="N", help="processes (default 1)")
    sub.add_argument("--events", metavar="URL", help="default: KBSEARCH_EVENTS, else sqlite:///DIR/events.db")
    sub.add_argument("--json", action="store_true", help="print where it answers, as soon as it does, as JSON")
    sub.set_defaults(run=_serve)
    sub = commands.add_parser(
        "eval",
        help="ranking quality on judged queries",
        epilog=example("kbsearch eval --index var/index --queries sample_kb/questions.jsonl --json"),
    )
    _add_index(sub)
    sub.add_argument(
        "--queries", type=named_path, required=True, metavar="FILE.jsonl", help="format in docs/evaluation.md"
    )
    sub.add_argument("--mode", choices=("hybrid", "dense", "lexical"), default="hybrid", help="which legs search")
    sub.add_argument("--json", action="store_true", help="print the report as JSON")
    sub.set_defaults(run=_eval)
    sub = commands.add_parser(
        "bench",
        help="the latency receipt of an index on this machine",
        epilog=example("kbsearch bench --index var/index --queries sample_kb/questions.jsonl --out receipt.json"),
    )
    _add_index(sub)
    sub.add_argument(
        "--queries", type=named_path, metavar="FILE.jsonl", help="what to ask (default: titles of the index)"
    )
    sub.add_argument("--seconds", type=float, default=5.0, help="of each measurement (default 5)")
    sub.add_argument("--rounds", type=int, default=5, metavar="N", help="of the warm measurement (default 5)")
    sub.add_argument("--workers", type=int, default=1, metavar="N", help="processes of the service (default 1)")
    sub.add_argument(
        "--against", type=named_path, metavar="RECEIPT", help="fail where it is slower than this, beyond noise"
    )
    sub.add_argument("--out", type=named_path, metavar="FILE.json", help="write the receipt")
    sub.add_argument("--html", type=named_path, metavar="FILE.html", help="write the receipt as a page with curves")
    sub.add_argument("--json", action="store_true", help="print the receipt as JSON")
    sub.set_defaults(run=_bench)
    sub = commands.add_parser(
        "metrics",
        help="how well self-service works, from the event store",
        epilog=example("kbsearch metrics --events sqlite:///var/index/events.db --from 2026-11-01 --to 2026-11-30"),
    )
    _add_period(sub)
    sub.add_argument(
        "--index", type=named_path, metavar="DIR", help="directory of snapshots: adds what to write or change"
    )
    sub.add_argument("--by", action="append", default=[], metavar="NAME", help="split; repeat, see docs/metrics.md")
    sub.add_argument("--json", action="store_true", help="print the report as JSON, with every split")
    sub.set_defaults(run=_metrics)
    add_events_parser(commands, erase_tickets)
    sub = commands.add_parser(
        "report",
        help="the same as one HTML file, with charts, to read or to send",
        epilog=example("kbsearch report --events sqlite:///var/index/events.db --index var/index --out report.html"),
    )
    _add_period(sub)
    sub.add_argument(
        "--index", type=named_path, required=True, metavar="DIR", help="directory of snapshots: titles and gaps"
    )
    sub.add_argument("--out", type=named_path, required=True, metavar="FILE.html", help="written whole or not at all")
    sub.add_argument("--title", default="Help centre", help="whose report it is (default: Help centre)")
    sub.add_argument("--json", action="store_true", help="print where it is, and what it says first, as JSON")
    sub.set_defaults(run=_report)
    sub = commands.add_parser(
        "questions",
        help="a random sample of what customers asked, to be judged for calibrate and eval",
        epilog=example("kbsearch questions --index var/index --from 2026-11-01 --out questions.jsonl"),
    )
    _add_index(sub)
    _add_its_events(sub)
    _add_days(sub)
    sub.add_argument("--count", type=int, default=100, metavar="N", help="of each language (default 100)")
    sub.add_argument("--out", type=named_path, required=True, metavar="FILE.jsonl", help="must not be there yet")
    sub.add_argument("--json", action="store_true", help="print what was written as JSON")
    sub.set_defaults(run=_questions)
    sub = commands.add_parser(
        "calibrate",
        help="learn from judged questions when to answer, and publish the index with it",
        epilog=example("kbsearch calibrate --index var/index --queries sample_kb/questions.jsonl --error 0.05"),
    )
    _add_index(sub)
    sub.add_argument(
        "--queries", type=named_path, required=True, metavar="FILE.jsonl", help="format in docs/evaluation.md"
    )
    sub.add_argument("--error", type=float, default=0.05, help="share of wrong answers that is accepted (default 0.05)")
    sub.add_argument("--json", action="store_true", help="print the calibration as JSON")
    sub.set_defaults(run=_calibrate)
    sub = commands.add_parser(
        "suggestions",
        help="what customers suggest: read it, decide what others see",
        epilog=example("kbsearch suggestions --index var/index --decide 019aae1c52c47d2e9d3f0f1c2b3a4d5e open"),
    )
    _add_index(sub)
    _add_its_events(sub)
    sub.add_argument("--decide", nargs=2, metavar=("ID", "STATUS"), help="open, planned, done, rejected or pending")
    sub.add_argument("--followers", metavar="ID", help="print the e-mail addresses that follow one")
    sub.add_argument("--forget", metavar="EMAIL", help="let an address follow nothing any more")
    sub.add_argument("--json", action="store_true", help="print the result as JSON")
    sub.set_defaults(run=_suggestions)
    sub = commands.add_parser(
        "handover",
        help="tickets passed to a human, and their delivery",
        epilog=example("kbsearch handover list --index var/index"),
    )
    add_actions(sub)
    sub.set_defaults(run=_handover)
    sub = commands.add_parser(
        "key",
        help="a signed, expiring key for callers who may see more than the public",
        epilog=example("KBSEARCH_SECRET=… kbsearch key --audience customer --origin https://shop.example --days 30"),
    )
    sub.add_argument("--audience", action="append", default=[], metavar="NAME", help="repeat for several")
    sub.add_argument(
        "--origin", action="append", default=[], metavar="URL", help="web origins that may use it; none: any"
    )
    sub.add_argument("--days", type=float, default=30.0, help="until it expires (default 30)")
    sub.add_argument("--subject", default="portal", help="who it is for, to find it in logs")
    sub.add_argument("--json", action="store_true", help="print the key with what it holds as JSON")
    sub.set_defaults(run=_key)
    return parser


def _add_index(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--index", type=named_path, required=True, metavar="DIR", help="directory of snapshots")


def _add_its_events(sub: argparse.ArgumentParser) -> None:
    """Add where the facts of the service are that serves the index."""
    sub.add_argument(
        "--events", default="", metavar="URL", help="default: KBSEARCH_EVENTS, else sqlite:///DIR/events.db"
    )


def _add_days(sub: argparse.ArgumentParser) -> None:
    """Add what says which days are read."""
    sub.add_argument(
        "--from", dest="since", default="", metavar="DAY", help="first UTC day (default: of the first fact)"
    )
    sub.add_argument("--to", dest="until", default="", metavar="DAY", help="last UTC day (default: today)")


def _add_period(sub: argparse.ArgumentParser) -> None:
    """Add what says which facts are read, and how they are judged."""
    sub.add_argument("--events", metavar="URL", required=True, help="event store, such as sqlite:///PATH")
    _add_days(sub)
    sub.add_argument("--as-of", default="", metavar="TIME", help="when windows are judged open or closed (now)")
    sub.add_argument("--window", type=float, default=24.0, metavar="HOURS", help="until an outcome is decided (24)")
    sub.add_argument(
        "--holdout", type=float, metavar="SHARE", help="held out at the ticket form (KBSEARCH_HOLDOUT, else 0.05)"
    )
    sub.add_argument(
        "--ticket-cost", type=float, metavar="DOLLARS", help="a ticket costs (KBSEARCH_TICKET_COST, else 15.56)"
    )
    sub.add_argument(
        "--contact-cost",
        type=float,
        metavar="DOLLARS",
        help="a portal contact costs (KBSEARCH_CONTACT_COST, else 5.00)",
    )


def _search(options: argparse.Namespace) -> Outcome:
    from kbsearch.engine import open_engine
    from kbsearch.events.ids import new_id
    from kbsearch.filters import parse_filter
    from kbsearch.service.answers import search_answer
    from kbsearch.service.wire import LANG, known_language

    if not re.fullmatch(LANG, options.lang):
        raise UsageError(f"--lang {options.lang!r} is no language code; write one such as lv, en or pt-br.", "lang")
    if len(options.query) > MAX_QUERY:
        raise LimitError(
            f"the query has {len(options.query)} characters; at most {MAX_QUERY} are searched for; shorten it.", "query"
        )
    if not 1 <= options.limit <= MAX_LIMIT:
        raise LimitError(f"--limit {options.limit} is out of range; give 1 to {MAX_LIMIT}.", field="limit")
    engine = open_engine(options.index)
    outcome = engine.search(
        SearchRequest(
            q=options.query,
            lang=known_language(options.lang, engine.languages_for(None)),
            limit=options.limit,
            filters=parse_filter(options.filter),
            audiences=None,
            mode=options.mode,
            explain=options.json,
        )
    )
    if not options.json:
        return _describe(outcome)
    took_ms = sum(outcome.timings_ms.values())
    return orjson.dumps(search_answer(outcome, new_id(), took_ms, explain=True)).decode()


def _describe(outcome: SearchOutcome) -> str:
    lines = [f"{outcome.decision.action} · {outcome.found} found · {' '.join(outcome.decision.reasons)}"]
    if outcome.did_you_mean:
        lines.append(f"Did you mean: {outcome.did_you_mean}?")
    for hit in outcome.hits:
        lines += [
            f"{hit.position:3}. {hit.title}  [{hit.lang} {hit.type} {hit.score:.2f}]  {hit.id}",
            f"     {hit.snippet}",
        ]
    return "\n".join(lines)


def _serve(options: argparse.Namespace) -> Outcome:
    # Before the libraries are loaded that read it.
    one_thread_each()
    from kbsearch.service.app import serve
    from kbsearch.service.settings import read_settings

    settings = read_settings(options.index, options.events, options.host, options.port, options.workers)

    def announce(url: str) -> None:
        facts = {"url": url, "index": str(settings.index), "workers": settings.workers}
        print_outcome(orjson.dumps(facts).decode() if options.json else f"Serving {settings.index} on {url}")

    serve(settings, announce)
    return ""


def _eval(options: argparse.Namespace) -> Outcome:
    from kbsearch.engine import open_engine
    from kbsearch.evaluate import read_queries, run_queries, summarise

    queries = read_queries(options.queries)
    report = summarise(run_queries(open_engine(options.index), queries, options.mode))
    if options.json:
        return orjson.dumps(report).decode()
    rows = [("all", report), *report["by_lang"].items()]
    names = ("n", "ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10")
    lines = ["lang     " + "".join(f"{name:>11}" for name in names)]
    lines += [
        f"{lang:9}" + "".join(f"{'–' if row[name] is None else row[name]:>11}" for name in names) for lang, row in rows
    ]
    lines.append("decision  " + ", ".join(f"{name} {value}" for name, value in report["decision"].items()))
    lines.append("latency   " + ", ".join(f"{name} {value} ms" for name, value in report["latency_ms"].items()))
    return "\n".join(lines)


def _bench(options: argparse.Namespace) -> Outcome:
    from kbsearch.bench.command import run

    return run(options)


def _metrics(options: argparse.Namespace) -> Outcome:
    from kbsearch.metrics.command import run
    from kbsearch.service.knowledge import open_knowledge

    return run(options, open_knowledge(options.index) if options.index else None)


def _report(options: argparse.Namespace) -> Outcome:
    from kbsearch.service.dashboard.command import run

    return run(options)


def _questions(options: argparse.Namespace) -> Outcome:
    from kbsearch.questions import run

    return run(options)


def _calibrate(options: argparse.Namespace) -> Outcome:
    from kbsearch.calibrate import FEWEST_QUESTIONS, as_json, calibrate
    from kbsearch.calibration import publish_calibrated
    from kbsearch.engine import open_engine
    from kbsearch.evaluate import read_queries

    # That of another release, which no search can use, is what this replaces.
    engine = open_engine(options.index, calibrated=False)
    found, left_out = calibrate(engine, read_queries(options.queries), options.error)
    version = publish_calibrated(options.index, orjson.dumps(as_json(found)), engine.snapshot)
    if options.json:
        return orjson.dumps({"version": version, "left_out": left_out, **as_json(found)}).decode()
    accepted = f"{100 * options.error:g}%"
    lines = [f"Published {version}: answers with at most {accepted} wrong, where the questions allow it."]
    for lang, learnt in found.languages.items():
        share = f"answers {learnt.answered} of {amount(learnt.questions, 'question')}, {learnt.wrong} wrongly"
        stated = f"expected share of wrong answers at most {learnt.bound:.1%} (95 % sure: {learnt.upper95:.1%})"
        lines.append(f"{lang:6} {share}; {stated}" if learnt.answers else f"{lang:6} not sure enough: list only")
    for lang, answerable in left_out.items():
        given = f"{amount(answerable, 'answerable question')}, at least {FEWEST_QUESTIONS} are needed"
        lines.append(f"{lang or 'unknown':6} not calibrated: {given}; list only")
    return "\n".join(lines)


def _suggestions(options: argparse.Namespace) -> Outcome:
    from kbsearch.suggestions.command import run

    return run(options)


def _handover(options: argparse.Namespace) -> Outcome:
    from kbsearch.handover.command import run

    return run(options)


def _key(options: argparse.Namespace) -> Outcome:
    from kbsearch.service.keys import key_from_environment
    from kbsearch.service.security import held_by

    key = key_from_environment(options.audience, options.origin, options.days, options.subject)
    return orjson.dumps({"key": key, **held_by(key)}).decode() if options.json else key


if __name__ == "__main__":
    raise SystemExit(main())
