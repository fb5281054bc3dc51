"""The commands `devices`, `evaluate` and `bench`: what this machine has, how right and how fast it answers.

Returns documents and prints for people; exit status and --json are __main__'s.
"""

import argparse
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kdrinks.cli.base import Command, adapter, open_session, positive
from kdrinks.config import from_environment
from kdrinks.engine.local import LocalEngine
from kdrinks.hub import catalog
from kdrinks.measure import evaluate as evaluation
from kdrinks.measure.run import Asking
from kdrinks.records import Choice, LocalModel, Sampling
from kdrinks.store.evaluations import Setting


def add(command: Command) -> None:
    """Adds them."""
    command("devices", _devices, "list what llama.cpp can run on")

    sub = command("evaluate", _evaluate, "measure retrieval and answers on questions")
    sub.add_argument("questions", type=Path)
    sub.add_argument("--retrieval-only", action="store_true")
    sub.add_argument("--model", default=catalog.BUILT_IN, help="id or path of a GGUF file")
    sub.add_argument("--no-model", action="store_true", help="what the search and the notes say without any model")
    sub.add_argument("--template", default="guide")
    sub.add_argument("--adapter", type=adapter, metavar="FILE[:SCALE]", help="a LoRA adapter (GGUF) for the model")
    sub.add_argument("--seed", type=int, default=Sampling().seed)
    sub.add_argument("--temperature", type=float, default=Sampling().temperature)

    sub = command("bench", _bench, "measure the writing speed")
    sub.add_argument("--model", default=catalog.BUILT_IN)
    sub.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    sub.add_argument("--tokens", type=positive, default=256)
    sub.add_argument("--prompt-tokens", type=positive, default=128)


def _devices(options: argparse.Namespace) -> list[dict[str, Any]]:
    with closing(LocalEngine()) as engine:
        rows = [asdict(device) for device in engine.devices()]
    if not all(row["fresh"] for row in rows):
        print("The engine does not answer: this is what the system says without it.", file=sys.stderr)
    if not options.json:
        for row in rows:
            print(
                f"{row['id']}  {row['kind']}  {row['name']}  {row['free_bytes'] / 2**30:.1f} of {row['memory_bytes'] / 2**30:.1f} GiB free"
            )
    return rows


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    over = options.adapter
    setting = Setting(
        model="" if options.no_model else options.model,
        adapter=str(over.path) if over and not options.no_model else "",
        scale=over.scale if over and not options.no_model else 1.0,
        template=options.template,
        seed=options.seed,
        temperature=options.temperature,
    )
    with open_session(memory=True) as services, closing(Asking(services, setting)) as asking:
        if not options.retrieval_only:
            asking.take_hashes()
        found = evaluation.evaluate(
            options.questions,
            find=services.knowledge.find,
            ask=None if options.retrieval_only else asking,
            words=services.words,
            progress=_tell,
        )
    document = found if options.retrieval_only else found | {"setting": setting.named()}
    if not options.json:
        _print_figures(document)
    return document


def _tell(done: int, of: int) -> None:
    """How far it is, on standard error: over the line before on a terminal, else a line for every tenth of it."""
    if sys.stderr.isatty():
        print(f"\r{done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)
    elif done * 10 // of > (done - 1) * 10 // of:
        print(f"{done} of {of}", file=sys.stderr)


def _print_figures(document: Mapping[str, Any]) -> None:
    for key, value in document.items():
        if not isinstance(value, list | dict):
            print(f"{key}: {value}")
    for name, figure in document["measures"].items():
        print(f"{name}: {figure['mean']} (n={figure['n']})")


def _bench(options: argparse.Namespace) -> dict[str, Any]:
    model = catalog.find_model(options.model, from_environment())
    with closing(LocalEngine()) as engine:
        figures = engine.bench(
            Choice(LocalModel(model.id, model.path), options.device),
            tokens=options.tokens,
            prompt_tokens=options.prompt_tokens,
        )
    if not options.json:
        for key, value in figures.items():
            print(f"{key}: {value}")
    return figures
