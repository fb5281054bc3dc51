"""The command line: the same core as the pages, without a browser.

Exit status: 0 done; 1 a problem with its message and hint; 2 wrong usage. With --json exactly one JSON document goes to
standard output; progress and notes always go to standard error.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from kdrinks.cli import ask, data, documents, lab, measure, models, portability, versions
from kdrinks.cli.base import language
from kdrinks.errors import KdrinksError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    lang = language()
    try:
        document = options.run(options)
    except KdrinksError as error:
        print(error.message(lang), error.hint(lang), sep="\n", file=sys.stderr)
        if options.json:
            _print_json({"error": {"message": error.message(lang), "hint": error.hint(lang)}})
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough: `kdrinks words | head`
        sys.stdout = open(os.devnull, "w")  # the interpreter flushes it on its way out
        return 0
    if options.json:
        _print_json(document)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kdrinks", description="Talk about traditional Korean drinks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print exactly one JSON document")

    def command(name: str, run: Any, text: str, within: Any = commands) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = within.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    ask.add(command)
    data.add(command)
    portability.add(command)
    measure.add(command)
    lab.add(commands, command)
    models.add(commands, command)
    documents.add(commands, command)
    versions.add(command)
    return parser


def _print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, default=str))


if __name__ == "__main__":
    sys.exit(main())
