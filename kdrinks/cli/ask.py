"""The commands `ask` and `search`.

Returns documents and prints for people; exit status and --json are __main__'s.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any, get_args

from kdrinks import given, i18n
from kdrinks.answer import Answer, ask
from kdrinks.cli.base import Command, adapter, choice_of, open_session, positive
from kdrinks.engine.protocol import local_model
from kdrinks.engine.sampling import RANGES
from kdrinks.errors import BadInput
from kdrinks.findings import Findings, Hit
from kdrinks.hub import catalog
from kdrinks.records import ADMINISTRATOR, Choice, Citation, Described, LocalModel, Mode, Sampling, Turn
from kdrinks.services import Services, last_choice, usual_sampling
from kdrinks.text.typed import storable

HELP = {
    "max_tokens": "the longest answer",
    "max_thought_tokens": "the longest thought before it",
    "temperature": "0 takes the most probable token each time",
    "top_p": "leaves out the least probable, above this sum",
    "top_k": "how many tokens may be chosen from; 0: all",
    "min_p": "leaves out what is less probable than this share of the most probable",
    "repeat_penalty": "above 1 what was said lately is said less",
    "seed": "repeats a choice by chance",
}


def add(command: Command) -> None:
    """Adds both."""
    sub = command("ask", _ask, "answer a question")
    sub.add_argument("question")
    sub.add_argument("--model", default="", help="id or path of a GGUF file; the last chosen one by default")
    sub.add_argument(
        "--adapter",
        type=adapter,
        metavar="FILE[:SCALE]",
        help="a LoRA adapter (GGUF) for the model, and its strength: 1",
    )
    sub.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    sub.add_argument("--lang", choices=("auto", "ko", "en"), default="auto")
    sub.add_argument("--template", default="guide")
    sub.add_argument("--history", type=Path, help="JSON lines of {role, content} that come before")
    sub.add_argument(
        "--mode",
        choices=get_args(Mode),
        help="held: sentences of the notes alone; quote: the passage first, then the model's own words; free; the model's own mode by default",
    )
    sub.add_argument(
        "--think",
        action=argparse.BooleanOptionalAction,
        help="think before the answer, or do not; as the model does where it cannot be switched, else not",
    )
    writing = sub.add_argument_group("how it writes", "what is not given is as the model's makers say, or greedy")
    for name, (least, most) in RANGES.items():
        kind, usual = type(getattr(Sampling(), name)), f"{least:g} to {most:,.10g}"
        writing.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=f"{usual}; {HELP[name]}")
    writing.add_argument("--stop", action="append", metavar="TEXT", help="ends the answer, may be given several times")
    sub.add_argument("--no-knowledge", action="store_true", help="ask the model without passages")
    sub.add_argument("--no-record", action="store_true", help="do not keep the conversation")

    sub = command("search", _search, "find passages")
    sub.add_argument("query")
    sub.add_argument("-k", type=positive, default=5)
    sub.add_argument("--understood", action="store_true", help="also what the question was taken to ask, and its rows")


def _ask(options: argparse.Namespace) -> dict[str, Any]:
    with open_session(memory=options.no_record, note=True) as services:
        choice = choice_of(services, options.model, options.device) if options.model else last_choice(services)
        if options.adapter:
            choice = replace(choice, model=replace(local_model(choice.model), adapter=options.adapter))
        answer = ask(
            services,
            ADMINISTRATOR,
            options.question,
            choice=replace(choice, device=options.device),
            sampling=_sampling(options, services, choice),
            lang=None if options.lang == "auto" else options.lang,
            template=options.template,
            mode=options.mode,
            knowledge=not options.no_knowledge,
            turns=_history(options.history) if options.history else (),
        )
        try:
            waits = ""
            for piece in answer.pieces():
                if answer.phase == "queued" and (said := _place(answer)) != waits:
                    print(said, file=sys.stderr)
                    waits = said
                if not options.json:
                    print(piece, end="", flush=True)
        except KeyboardInterrupt:
            answer.stop()
            answer.wait()
        if not options.json:
            print()
            for found, also in ((answer.citations, ""), (answer.also_found, "also found: ")):
                for citation in found:
                    print(f"{also}[{citation.number}] {citation.passage.title}: {citation.passage.id}", file=sys.stderr)
            if answer.draft.thought:
                wrote = answer.text and (answer.guard != "quote_first" or answer.own_from is not None)
                ended = "" if wrote else " and wrote no answer; ask again with --no-think"
                print(f"Thought for {answer.timing.thought_s:.1f} s{ended}.", file=sys.stderr)
        if answer.finish == "failed" and answer.error:
            raise answer.error
        return _answer_document(answer, catalog.describe_ref(choice.model, services.settings), options.device)


def _place(answer: Answer) -> str:
    """How many are before it, and for how long by what the last ones took."""
    values = answer.phase_values
    left_s = values.get("until", 0.0) - time.monotonic()
    key = "chat.phase_queued_for" if left_s > 0 else "chat.phase_queued"
    return i18n.text(key, answer.question.lang, position=int(values.get("position", 0)), left=ceil(left_s))


def _sampling(options: argparse.Namespace, services: Services, choice: Choice) -> Sampling:
    """What the options say over what is usual for the model. Raises BadInput."""
    usual = usual_sampling(services, catalog.describe_ref(choice.model, services.settings), options.mode)
    given = {name: value for name in RANGES if (value := getattr(options, name)) is not None}
    thinking = usual.thinking if options.think is None else options.think
    return replace(usual, **given, thinking=thinking, stop=tuple(options.stop or ()))


def _answer_document(answer: Answer, model: Described, requested: str) -> dict[str, Any]:
    """What `ask --json` prints; device.used is null when no model ran.

    label: how it was written, as the pages name it, in the answer's language.   also_found: passages that the model read and did not name.
    own_from: characters of the answer before the model's own words; null where it wrote none. unknown_numbers: numbers of no passage in them.
    """
    loaded, ref = answer.loaded, answer.question.choice.model
    over = ref.adapter if isinstance(ref, LocalModel) else None
    return {
        "answer": answer.text,
        "thought": answer.draft.thought or None,
        "finish": answer.finish,
        "language": answer.question.lang,
        "citations": [_cited(one) for one in answer.citations],
        "also_found": [_cited(one) for one in answer.also_found],
        "unknown_numbers": [answer.text[start:end] for start, end in answer.unknown_numbers],
        "own_from": answer.own_from,
        "mode": answer.mode,
        "model": {
            "id": model.id,
            "file": model.file,
            "quantization": model.quantization,
            "adapter": over.path.name if over else None,
            "scale": over.scale if over else None,
        },
        "device": {
            "requested": requested,
            "used": loaded.used if loaded else None,
            "gpu_layers": loaded.gpu_layers if loaded else 0,
        },
        "timing": asdict(answer.timing) | {"wait_s": answer.wait_s},
        "conversation_id": answer.question.conversation_id,
        "message_id": answer.message_id,
        "identity": answer.identity or None,
        "intent": answer.findings.intent,
        "guard": answer.guard,
        "label": i18n.text(f"charts.guards.{answer.guard}", answer.question.lang),
        "dropped_turns": answer.dropped_turns,
        "understood": asdict(answer.findings.understood),
        "rows": [asdict(row) for row in answer.findings.rows],
    }


def _cited(one: Citation) -> dict[str, Any]:
    return {
        "id": one.passage.subject_id,
        "title": one.passage.title,
        "passage_id": one.passage.id,
        "score": one.score,
        "number": one.number,
    }


def _search(options: argparse.Namespace) -> list[dict[str, Any]] | dict[str, Any]:
    with open_session() as services:
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
        if options.understood:
            _print_understood(found)
        for row in rows:
            print(f"{row['score']:.3f}  {row['passage_id']}  {row['text']}")
    if options.understood:
        return {"understood": asdict(found.understood), "hits": rows, "rows": [asdict(row) for row in found.rows]}
    return rows


def _print_understood(found: Findings) -> None:
    for name, value in asdict(found.understood).items():
        print(f"{name}: {', '.join(value) if isinstance(value, tuple) else value}")
    for row in found.rows:
        print(f"{row.id}  {'' if row.value is None else row.value}  {row.unit}".rstrip())


def _history(path: Path) -> list[Turn]:
    """Pairs of a user's and an assistant's line; a question without an answer is kept as asked."""
    try:
        lines = given.lines(given.text(path.read_bytes()))
    except (OSError, given.Unfit) as exc:
        raise BadInput("file_unreadable", file=path, cause=exc) from exc
    turns: list[Turn] = []
    for number, line in lines:
        try:
            # half a character, which a chat may well hold, is no reason to refuse it
            message = given.value(storable(json.dumps(json.loads(line), ensure_ascii=False)))
            role, content = message["role"], message["content"]
        except (ValueError, RecursionError, KeyError, TypeError) as exc:
            raise BadInput("history_unfit", file=path, line=number) from exc
        if role == "user" and isinstance(content, str):
            turns.append(Turn(content, ""))
        elif role == "assistant" and isinstance(content, str) and turns:
            turns[-1] = Turn(turns[-1].question, turns[-1].answer + content)
        else:
            raise BadInput("history_unfit", file=path, line=number)
    return turns
