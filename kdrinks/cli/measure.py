"""The commands `devices`, `evaluate` and `bench`: what this machine has, how right and how fast it answers.

Returns documents and prints for people; exit status and --json are __main__'s.
"""

import argparse
import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kdrinks.answer import Answer, ask
from kdrinks.cli.base import Command, choice_of, open_session, positive
from kdrinks.config import from_environment
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import local_model
from kdrinks.hub import catalog, model_hash
from kdrinks.measure import evaluate as evaluation
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel


def add(command: Command) -> None:
    """Adds them."""
    command("devices", _devices, "list what llama.cpp can run on")

    sub = command("evaluate", _evaluate, "measure retrieval and answers on questions")
    sub.add_argument("questions", type=Path)
    sub.add_argument("--retrieval-only", action="store_true")
    sub.add_argument("--model", default=catalog.BUILT_IN)

    sub = command("bench", _bench, "measure the writing speed")
    sub.add_argument("--model", default=catalog.BUILT_IN)
    sub.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    sub.add_argument("--tokens", type=positive, default=256)
    sub.add_argument("--prompt-tokens", type=positive, default=128)


def _devices(options: argparse.Namespace) -> list[dict[str, Any]]:
    with contextlib.closing(LocalEngine()) as engine:
        rows = [asdict(device) for device in engine.devices()]
    if not options.json:
        for row in rows:
            print(
                f"{row['id']}  {row['kind']}  {row['name']}  {row['free_bytes'] / 2**30:.1f} of {row['memory_bytes'] / 2**30:.1f} GiB free"
            )
    return rows


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    with open_session(memory=True) as services:
        services.knowledge.fill()
        choice = choice_of(services, options.model, "auto")
        if not options.retrieval_only:  # rows are compared by the identity of their generations
            model_hash.take(services.db, local_model(choice.model).path)

        def answered(question: str, conversation_id: str) -> Answer:
            answer = ask(services, ADMINISTRATOR, question, conversation_id=conversation_id, choice=choice)
            answer.wait()
            if answer.error:
                raise answer.error
            return answer

        figures = evaluation.evaluate(
            options.questions, find=services.knowledge.find, ask=None if options.retrieval_only else answered
        )
    if not options.json:
        for key, value in figures.items():
            if not isinstance(value, list | dict):
                print(f"{key}: {value}")
    return figures


def _bench(options: argparse.Namespace) -> dict[str, Any]:
    model = catalog.find_model(options.model, from_environment())
    with contextlib.closing(LocalEngine()) as engine:
        figures = engine.bench(
            Choice(LocalModel(model.id, model.path), options.device),
            tokens=options.tokens,
            prompt_tokens=options.prompt_tokens,
        )
    if not options.json:
        for key, value in figures.items():
            print(f"{key}: {value}")
    return figures
