"""The command line: the same core as the pages, without a browser.

Exit status: 0 done; 1 a problem with its message and hint; 2 wrong usage. With --json exactly one JSON document goes to
standard output; progress and notes always go to standard error.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kdrinks import sample
from kdrinks.answer import Answer, ask
from kdrinks.cli import documents, models
from kdrinks.config import from_environment
from kdrinks.engine.local import Engine
from kdrinks.errors import BadInput, KdrinksError, StoreLocked
from kdrinks.hub import catalog
from kdrinks.measure import evaluate as evaluation
from kdrinks.records import Choice, Hit, ModelFile, Sampling, Turn
from kdrinks.services import Services, last_choice, open_services
from kdrinks.store import chats, forget
from kdrinks.store.db import Database
from kdrinks.store.export import export
from kdrinks.text.analyzer import Words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    lang = "ko" if os.environ.get("LANG", "").lower().startswith("ko") else "en"
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

    sub = command("ask", _ask, "answer a question")
    sub.add_argument("question")
    sub.add_argument("--model", default="", help="id or path of a GGUF file; the last chosen one by default")
    sub.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    sub.add_argument("--lang", choices=("auto", "ko", "en"), default="auto")
    sub.add_argument("--template", default="guide")
    sub.add_argument("--history", type=Path, help="JSON lines of {role, content} that come before")
    sub.add_argument("--max-tokens", type=_positive, default=Sampling().max_tokens)
    sub.add_argument("--temperature", type=float, default=Sampling().temperature)
    sub.add_argument("--seed", type=int, default=Sampling().seed)
    sub.add_argument("--no-knowledge", action="store_true", help="ask the model without passages")
    sub.add_argument("--no-record", action="store_true", help="do not keep the conversation")

    sub = command("search", _search, "find passages")
    sub.add_argument("query")
    sub.add_argument("-k", type=_positive, default=5)

    sub = command("words", _words, "count the words of a text")
    sub.add_argument("file", nargs="?", type=Path)
    sub.add_argument("--per-line", action="store_true")
    sub.add_argument(
        "--pos",
        nargs="+",
        choices=("drink", "noun", "english", "verb", "adjective"),
        default=("drink", "noun", "english"),
    )

    command("devices", _devices, "list what llama.cpp can run on")

    models.add(commands, command)
    documents.add(commands, command)

    sub = command("evaluate", _evaluate, "measure retrieval and answers on questions")
    sub.add_argument("questions", type=Path)
    sub.add_argument("--retrieval-only", action="store_true")
    sub.add_argument("--model", default=catalog.BUILT_IN)

    sub = command("bench", _bench, "measure the writing speed")
    sub.add_argument("--model", default=catalog.BUILT_IN)
    sub.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    sub.add_argument("--tokens", type=_positive, default=256)
    sub.add_argument("--prompt-tokens", type=_positive, default=128)

    sub = command("sample", _sample, "load 160 marked conversations, to see full charts before the first chat")
    sub.add_argument("--remove", action="store_true", help="take them out again")

    sub = command("forget", _forget, "delete conversations with their words, timings and copies")
    which = sub.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="every conversation")
    which.add_argument("--conversation", metavar="ID", help="this one")
    which.add_argument("--older-than", type=_positive, metavar="DAYS", help="those whose last message is older")

    sub = command("export", _export, "write conversations, words and timings into a folder")
    sub.add_argument("folder", type=Path)
    sub.add_argument("--format", default="parquet,csv,jsonl", help="parquet, csv, jsonl; several with commas")
    return parser


def _ask(options: argparse.Namespace) -> dict[str, Any]:
    with _services(memory=options.no_record, note=True) as services:
        choice = _choice(services, options.model, options.device) if options.model else last_choice(services)
        answer = ask(
            services,
            options.question,
            choice=Choice(choice.model, choice.model_id, options.device, choice.context_tokens),
            sampling=Sampling(max_tokens=options.max_tokens, temperature=options.temperature, seed=options.seed),
            lang=None if options.lang == "auto" else options.lang,
            template=options.template,
            knowledge=not options.no_knowledge,
            turns=_history(options.history) if options.history else (),
        )
        try:
            for piece in answer.pieces():
                if not options.json:
                    print(piece, end="", flush=True)
        except KeyboardInterrupt:
            answer.stop()
            answer.wait()
        if not options.json:
            print()
            for citation in answer.citations:
                print(f"[{citation.number}] {citation.passage.title}: {citation.passage.id}", file=sys.stderr)
        if answer.finish == "failed" and answer.error:
            raise answer.error
        return _answer_document(answer, catalog.find_model(str(choice.model), services.settings), options.device)


def _answer_document(answer: Answer, model: ModelFile, requested: str) -> dict[str, Any]:
    """What `ask --json` prints; device.used is null when the answer is quoted and no model ran."""
    loaded = answer.loaded
    return {
        "answer": answer.text,
        "finish": answer.finish,
        "language": answer.question.lang,
        "citations": [
            {
                "id": cited.passage.subject_id,
                "title": cited.passage.title,
                "passage_id": cited.passage.id,
                "score": cited.score,
                "number": cited.number,
            }
            for cited in answer.citations
        ],
        "model": {"id": model.id, "file": model.path.name, "quantization": model.quantization},
        "device": {
            "requested": requested,
            "used": loaded.used if loaded else None,
            "gpu_layers": loaded.gpu_layers if loaded else 0,
        },
        "timing": asdict(answer.timing),
        "conversation_id": answer.question.conversation_id,
        "message_id": answer.message_id,
        "intent": answer.intent,
        "guard": answer.guard,
        "dropped_turns": answer.dropped_turns,
    }


def _search(options: argparse.Namespace) -> list[dict[str, Any]]:
    with _services() as services:
        services.knowledge.fill()
        found = services.knowledge.find(options.query, k=options.k)
    best: dict[str, Hit] = {}
    for hit in found.hits:
        best.setdefault(hit.passage.subject_id, hit)
    rows = [
        {
            "passage_id": hit.passage.id,
            "id": subject,
            "title": hit.passage.title,
            "text": hit.passage.text,
            "score": hit.score,
            "lexical": hit.lexical,
            "vector": hit.vector,
        }
        for subject, hit in list(best.items())[: options.k]
    ]
    if not options.json:
        for row in rows:
            print(f"{row['score']:.3f}  {row['passage_id']}  {row['text']}")
    return rows


def _words(options: argparse.Namespace) -> dict[str, Any]:
    try:
        text = options.file.read_text(encoding="utf-8-sig") if options.file else sys.stdin.read()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput("file_unreadable", file=options.file, cause=exc) from exc
    words = Words()
    if options.per_line:
        lines = [[asdict(word) for word in words.count(line, tuple(options.pos))] for line in text.splitlines()]
        if not options.json:
            for line in lines:
                print(" ".join(f"{word['word']}/{word['pos']}:{word['count']}" for word in line))
        return {"lines": lines}
    counted = [asdict(word) for word in words.count(text, tuple(options.pos))]
    if not options.json:
        for word in counted:
            print(f"{word['count']:6d}  {word['word']}  {word['pos']}")
    return {"words": counted}


def _devices(options: argparse.Namespace) -> list[dict[str, Any]]:
    with contextlib.closing(Engine()) as engine:
        rows = [asdict(device) for device in engine.devices()]
    if not options.json:
        for row in rows:
            print(
                f"{row['id']}  {row['kind']}  {row['name']}  {row['free_bytes'] / 2**30:.1f} of {row['memory_bytes'] / 2**30:.1f} GiB free"
            )
    return rows


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    with _services(memory=True) as services:
        services.knowledge.fill()
        choice = _choice(services, options.model, "auto")

        def answered(question: str, conversation_id: str) -> Answer:
            answer = ask(services, question, conversation_id=conversation_id, choice=choice)
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
    with contextlib.closing(Engine()) as engine:
        figures = engine.bench(
            Choice(model.path, model.id, options.device), tokens=options.tokens, prompt_tokens=options.prompt_tokens
        )
    if not options.json:
        for key, value in figures.items():
            print(f"{key}: {value}")
    return figures


def _export(options: argparse.Namespace) -> dict[str, Any]:
    settings = from_environment()
    with contextlib.closing(Database.open(settings.database)) as db:
        written = export(db, options.folder, formats=tuple(options.format.split(",")))
    if not options.json:
        for name in written["files"]:
            print(name)
    return written


def _forget(options: argparse.Namespace) -> dict[str, Any]:
    with contextlib.closing(Database.open(from_environment().database)) as db:
        if options.conversation:
            deleted = chats.delete_conversation(db, options.conversation)
        else:
            deleted = forget.everything(db) if options.all else forget.older_than(db, options.older_than)
    if not options.json:
        print(deleted)
    return {"conversations": deleted}


def _sample(options: argparse.Namespace) -> dict[str, Any]:
    with contextlib.closing(Database.open(from_environment().database)) as db:
        changed = sample.remove(db) if options.remove else sample.load(db, Words())
    if not options.json:
        print(changed)
    return {"conversations": changed, "removed": options.remove}


@contextlib.contextmanager
def _services(*, memory: bool = False, note: bool = False) -> Iterator[Services]:
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


def _choice(services: Services, model_id: str, device: Any) -> Choice:
    model = catalog.find_model(model_id, services.settings)
    return Choice(model.path, model.id, device)


def _history(path: Path) -> list[Turn]:
    """Pairs of a user's and an assistant's line; a question without an answer is kept as asked."""
    turns: list[Turn] = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
            if not line.strip():
                continue
            message = json.loads(line)
            if message["role"] == "user":
                turns.append(Turn(message["content"], ""))
            elif message["role"] == "assistant" and turns:
                turns[-1] = Turn(turns[-1].question, turns[-1].answer + message["content"])
            else:
                raise BadInput("history_unfit", file=path, line=number)
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput("file_unreadable", file=path, cause=exc) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise BadInput("history_unfit", file=path, line=number) from exc
    return turns


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, default=str))


if __name__ == "__main__":
    sys.exit(main())
