"""What the two command-line programs share: parsers with examples, exit codes, errors as one sentence on stderr."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from kbsearch.errors import KbsearchError, UsageError
from kbsearch.version import __version__

Outcome = str
"""What a command prints on stdout."""

FAILED, WRONG_USE = 1, 2

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def example(command: str) -> str:
    """The epilog that every command's --help ends with."""
    return f"example:\n  {command}"


def named_path(text: str) -> Path:
    """The type of arguments that name a file or a folder.

    An empty one, mostly an unset variable of a script, must not come to mean the current folder.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; name a file or a folder")
    return Path(text)


def command_parser(program: str, description: str, epilog: str) -> tuple[argparse.ArgumentParser, Any]:
    """A parser with sub-commands, and the object to add them to."""
    parser = _Parser(prog=program, description=description, epilog=epilog)
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    return parser, commands


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse, run, print; map errors to exit codes."""
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], Outcome] = options.run

    def fail(code: int, message: str) -> int:
        print(f"{parser.prog} {options.command}: {one_line(message)}", file=sys.stderr)
        return code

    try:
        _refuse_undecodable(options)
        text = run(options)
        if text:
            return print_outcome(text)
    except KbsearchError as error:
        if error.report:
            print_outcome(error.report)
        return fail(WRONG_USE if isinstance(error, UsageError) else FAILED, str(error))
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        reason = error.strerror or str(error)
        return fail(FAILED, f"{where}{reason}; check the path, its permissions and the space on the disk.")
    except KeyboardInterrupt:
        print(f"{parser.prog} {options.command}: stopped; nothing was published.", file=sys.stderr)
        return 130
    return 0


def print_outcome(text: str) -> int:
    """Print on stdout at once, and return the exit code; a reader who left early (`| head`) is told nothing.

    Letters that the terminal's encoding lacks are written as escapes, as Python itself does on stderr.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(_harmless(text).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        # Else the interpreter tries to write the rest when it ends, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return 0


def one_line(text: str) -> str:
    """A message as it may be printed; what it quotes of libraries, and names of files, may have several lines."""
    return _harmless(" ".join(text.splitlines()))


def _harmless(text: str) -> str:
    """Write control characters as JSON does: what others wrote must not steer the terminal of who reads it."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _refuse_undecodable(options: argparse.Namespace) -> None:
    """Nothing that is stored, printed or searched could hold bytes that are no text."""
    for name, value in vars(options).items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str | Path) and not _is_text(str(part)):
                raise UsageError(f"{name} {str(part)!r} is not UTF-8; write or rename it in UTF-8.", field=name)


def _is_text(part: str) -> bool:
    try:
        part.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Parser(argparse.ArgumentParser):
    """Keeps the line breaks of the example; where the arguments are wrong, says so in one sentence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_USE, f"{self.prog}: {one_line(message)}; see: {self.prog} --help\n")
