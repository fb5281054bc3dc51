"""The command `versions`: what exactly runs here."""

import argparse

from kdrinks.cli.base import Command, open_session
from kdrinks.engine.protocol import local_model
from kdrinks.hub import model_hash
from kdrinks.services import last_choice
from kdrinks.watch.versions import versions


def add(command: Command) -> None:
    """Adds it."""
    command(
        "versions",
        _versions,
        "what runs here: kdrinks, its commit, Python, llama.cpp, the data, the model and its hash",
    )


def _versions(options: argparse.Namespace) -> dict[str, str]:
    with open_session() as services:
        services.knowledge.fill()
        path = local_model(last_choice(services).model).path
        found = versions(
            data=services.knowledge.index.content_version,
            model=path.name,
            model_hash=model_hash.known(services.db, path) or model_hash.take(services.db, path),
        )
    if not options.json:
        for name, value in found.items():
            print(f"{name:32} {value or '-'}")
    return found
