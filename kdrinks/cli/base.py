"""What the commands share: the services of one run, numbers that must be positive."""

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kdrinks.config import from_environment
from kdrinks.errors import StoreLocked
from kdrinks.hub.spelled import on_disk
from kdrinks.records import Adapter, Choice, Language
from kdrinks.services import Services, find_ref, open_services

Command = Callable[..., argparse.ArgumentParser]
"""Makes a command, given its name, function, help text and, for a command within another, where it belongs."""


@contextlib.contextmanager
def open_session(*, memory: bool = False, note: bool = False) -> Iterator[Services]:
    """The services; beside a running app, which has the store to itself, with a store in memory."""
    settings = from_environment()
    try:
        services = open_services(settings, memory=memory)
    except StoreLocked:
        if note:
            print("The app is running and has the database: this answer is not recorded.", file=sys.stderr)
        services = open_services(settings, memory=True)
    try:
        yield services
    finally:
        services.close()


def choice_of(services: Services, model_id: str, device: Any) -> Choice:
    return Choice(find_ref(services, model_id), device)


def adapter(text: str) -> Adapter:
    """FILE or FILE:SCALE; only a number at the end is a scale, for paths have colons too (C:\\models\\tea.gguf)."""
    found = re.fullmatch(r"(?P<file>.+):(?P<scale>[+-]?(\d+\.?\d*|\.\d+))", text)
    file, scale = (found["file"], float(found["scale"])) if found else (text, 1.0)
    return Adapter(on_disk(Path(os.path.expanduser(file)).absolute()), scale)


def language() -> Language:
    """Of the person at the terminal."""
    return "ko" if os.environ.get("LANG", "").lower().startswith("ko") else "en"


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value
