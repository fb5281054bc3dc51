"""The `models` commands: what is here, what a file holds. Contract: README, "Command line".

Returns documents and prints for people; exit status and --json are __main__'s.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from kdrinks.cli.base import Command
from kdrinks.cli.watch import watch
from kdrinks.config import from_environment
from kdrinks.engine.local import LocalEngine
from kdrinks.errors import NotAModel
from kdrinks.hub import catalog, fit, links, offers, quantize
from kdrinks.hub.download import Download, Downloads
from kdrinks.hub.gguf import parts_of
from kdrinks.hub.remote import Hub
from kdrinks.jobs import Job, Jobs
from kdrinks.records import ADMINISTRATOR

NOTHING: Mapping[str, str] = {}


def add(commands: Any, command: Command) -> None:
    """Adds `models` and its commands; command: makes one, given name, function, text and where it belongs."""
    models = commands.add_parser("models", help="list, inspect, fetch and remove GGUF files")
    within = models.add_subparsers(required=True, metavar="COMMAND")
    sub = command("list", _list, "list the models of this machine and of the catalogue", within)
    sub.add_argument("--remote", metavar="REPO", help="list the GGUF files of a repository of the Hugging Face Hub")
    command("inspect", _inspect, "describe a GGUF file", within).add_argument("file")
    sub = command("fetch", _fetch, "download a model; goes on where an earlier try stopped", within)
    sub.add_argument("name", help="id of the catalogue, owner/name:file, or owner/name with --quantization")
    sub.add_argument("--quantization", metavar="TYPE", help="such as Q8_0: the repository's file of that type")
    command("search", _search, "find repositories with GGUF files by name", within).add_argument("words")
    command("link", _link, "use a file or folder where it is, without copying it", within).add_argument(
        "path", type=Path
    )
    command("unlink", _unlink, "take a link off the list; what it leads to stays", within).add_argument("name")
    command("remove", _remove, "delete a downloaded model", within).add_argument("name")
    sub = command("quantize", _quantize, "make a smaller quantization of a model", within)
    sub.add_argument("source", help="id or path, best an F16, BF16 or Q8_0 file")
    sub.add_argument("type", help=", ".join(quantize.TYPES))
    sub.add_argument("out", nargs="?", type=Path, help="the models folder by default")


def _list(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = remote_rows(Hub(), options.remote) if options.remote else catalog.describe(from_environment(), free_now())
    if not options.json:
        for row in rows:
            print(
                f"{row['id']:40s}  {row['quantization']:8s} {row['size_bytes'] / 1e9:6.2f} GB  {row['fit']:8s}"
                f"  {'installed' if row['installed'] else row['repo_id']}"
            )
    return rows


def _inspect(options: argparse.Namespace) -> dict[str, Any]:
    described = inspected(options.file)
    if not options.json:
        for key, value in described.items():
            print(f"{key}: {value}")
    return described


def remote_rows(hub: Hub, repo_id: str) -> list[dict[str, Any]]:
    """The models of a repository, with what each needs in memory: the beginnings of files are read, no weights.

    Raises BadInput, HubError.
    """
    model, settings, free = hub.model(repo_id), from_environment(), free_now()
    return [
        {
            "id": f"{model.repo_id}:{offer.file}",
            "repo_id": model.repo_id,
            "file": offer.file,
            "quantization": offer.quantization,
            "parameters": offer.parameters,
            "size_bytes": offer.size_bytes,
            "license": model.license,
            "gated": model.gated,
            "installed": (settings.models / offer.file.rpartition("/")[2]).is_file(),
            "fit": fit.verdict(offer.estimate, free),
            "estimate": fit.as_document(offer.estimate),
            "slow": offer.slow,
        }
        for offer in offers.listed(hub, model)
    ]


def _search(options: argparse.Namespace) -> list[dict[str, Any]]:
    found = [asdict(one) for one in Hub().search(options.words)]
    if not options.json:
        for one in found:
            print(f"{one['repo_id']:60s}  {one['downloads']:>9,} downloads  {one['license']}")
    return found


def _fetch(options: argparse.Namespace) -> dict[str, Any]:
    settings, hub = from_environment(), Hub()
    if options.quantization:
        repo_id, like = catalog.repository_of(options.name)
        file = offers.file_of(hub, repo_id, options.quantization, like)
    else:
        file = hub.file(*catalog.source_of(options.name))
        offers.check_is_model(hub, file)
    job = Downloads(hub, settings.models, Jobs()).start(ADMINISTRATOR, file)
    watch(job, lambda: _say(job))
    described = inspected(str(job.work.target), {target.name: one.sha256 for target, one in job.work.pairs()})
    if not options.json:
        print(described["file"])
    return described


def _link(options: argparse.Namespace) -> dict[str, Any]:
    settings = from_environment()
    if os.path.isdir(os.path.expanduser(options.path)):
        paths = {model.path for model in links.link_folder(ADMINISTRATOR, options.path, settings)}
    else:
        paths = {links.link(ADMINISTRATOR, options.path, settings).path}
    made = [model for model in catalog.local_models(settings) if model.path in paths]
    if not options.json:
        for model in made:
            print(model.id)
    return {"linked": [{"id": one.id, "file": str(one.path), "size_bytes": one.size_bytes} for one in made]}


def _unlink(options: argparse.Namespace) -> dict[str, Any]:
    removed = links.unlink_named(ADMINISTRATOR, options.name, from_environment())
    if not options.json:
        print(removed)
    return {"unlinked": str(removed)}


def _say(job: Job[Download]) -> None:
    """One line of progress on standard error, over the one before on a terminal."""
    work, left_s = job.work, job.work.left_s
    left = f", {left_s:.0f} s left" if left_s is not None else ""
    share = f"{job.fraction:.1%} of {work.size_bytes / 1e9:.2f} GB"
    line = f"{job.progress.step}: {share}, {work.bytes_per_s / 1e6:.1f} MB/s{left}"
    print(f"\r{line:<75}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr)


def _remove(options: argparse.Namespace) -> dict[str, Any]:
    model = catalog.find_model(options.name, from_environment())
    catalog.remove(ADMINISTRATOR, model, from_environment())
    if not options.json:
        print(f"{model.path.name}: {model.size_bytes / 1e9:.2f} GB")
    return {"id": model.id, "file": str(model.path), "size_bytes": model.size_bytes, "removed": True}


def _quantize(options: argparse.Namespace) -> dict[str, Any]:
    settings = from_environment()
    model = catalog.find_model(options.source, settings)
    target = options.out or quantize.target_for(model, options.type, settings.models)
    job = quantize.start(Jobs(), ADMINISTRATOR, model, {options.type: target})
    if quantize.requantizes(model):
        print(f"{model.path.name} is {model.quantization} already: quantizing it again loses more.", file=sys.stderr)
    watch(job, lambda: print(f"{job.fraction:.0%}", file=sys.stderr))
    described = inspected(str(target))
    if not options.json:
        print(described["file"])
    return described


def inspected(name: str, known: Mapping[str, str] = NOTHING) -> dict[str, Any]:
    """What `inspect`, `fetch` and `quantize` print of a file or an id; sha256 is of the first part of a split model.

    known: hashes by file name that were taken a moment ago.
    """
    model = catalog.find_model(name, from_environment())
    estimated = catalog.estimate_of(model)
    digests = [(part.name, known.get(part.name) or _sha256(part)) for part in parts_of(model.path)]
    document = {
        "id": model.id,
        "file": str(model.path),
        "size_bytes": model.size_bytes,
        "sha256": digests[0][1],
        "architecture": model.architecture,
        "parameters": model.parameters,
        "quantization": model.quantization,
        "context_length": model.context_length,
        "chat_template": model.chat_template,
        "mode": catalog.default_mode(model.guarded),
        "base_model": not model.chat_template,  # made to go on with a text, not to answer
        "thinks": model.thinks,
        "fit": fit.verdict(estimated, free_now()),
        "estimate": fit.as_document(estimated),
    }
    if len(digests) > 1:
        document["parts"] = [{"file": file, "sha256": digest} for file, digest in digests]
    return document


def free_now() -> fit.Free:
    """Memory free on this machine and on the GPUs that llama.cpp can use."""
    with closing(LocalEngine()) as engine:
        return fit.free_memory(psutil.virtual_memory().available, engine.devices())


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        raise NotAModel("model_broken", file=path.name, reason=str(exc)) from exc
