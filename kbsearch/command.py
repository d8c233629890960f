"""What the two command-line programs share: parsers with examples, exit codes, errors as one sentence on stderr."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from kbsearch.errors import KbsearchError, UsageError
from kbsearch.version import __version__

Outcome = str
"""What a command prints on stdout."""

FAILED, WRONG_USE = 1, 2


def example(command: str) -> str:
    """The epilog that every command's --help ends with."""
    return f"example:\n  {command}"


def command_parser(program: str, description: str) -> tuple[argparse.ArgumentParser, Any]:
    """A parser with sub-commands, and the object to add them to."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_ParserWithExample)
    return parser, commands


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse, run, print; map errors to exit codes."""
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], Outcome] = options.run
    try:
        text = run(options)
    except UsageError as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return WRONG_USE
    except KbsearchError as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"{parser.prog} {options.command}: stopped; nothing was published.", file=sys.stderr)
        return 130
    if text:
        print(text)
    return 0


class _ParserWithExample(argparse.ArgumentParser):
    """Keeps the line breaks of the example."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, formatter_class=argparse.RawDescriptionHelpFormatter)
