"""What kdrinks answers now, as one file: two of them are equal when a change that should not be seen is not seen.

    python -m benchmarks.golden OUT.json [--quick]
    python -m benchmarks.golden --compare A.json B.json

search     intent, sensitive, subjects and passages with scores, for every question of tests/data
answers    prompt, script, text, guard and citations of the built-in model, one thread, temperature 0; each question has an engine
           process of its own, as nothing of the question before can then be in its memory; earlier questions of a conversation are
           asked in the same process first, as `evaluate` does
free       the same way for a model that no guard holds: its prompt, and what is found in a scripted text (no model runs)
commands   exit status and document of every command but `bench`, in a home and a models folder made for it

Two runs are equal to the byte on one machine. Left out: times, memory and what depends on them (`fit`). Ids are numbered in the order
in which they appear, folders have names. Nothing here touches the network. --compare exits with 1 when something differs.
"""

import argparse
import csv
import importlib.metadata
import io
import itertools
import json
import os
import platform
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from kdrinks.answer import ask
from kdrinks.config import from_environment
from kdrinks.engine.protocol import Done, Text

# All that this file knows of kdrinks' modules; the rest goes through the command line.
from kdrinks.records import ADMINISTRATOR, LocalModel
from kdrinks.services import last_choice, open_services

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "tests" / "data"
ANSWERED = ("questions_dev", "questions_fresh", "questions_multiturn")
LIBRARIES = ("duckdb", "kiwipiepy", "llama-cpp-python", "numpy", "jinja2")
QUICK_EACH = 10
FREE = "free"
"""Id of the model that no guard holds."""
FREE_CONTEXT = 800
"""Window of the free model in its own tokens, two characters each: small enough that passages are cut and old turns leave."""
COMMAND_LIMIT_S = 300
SHOWN = 8
"""Differences shown of one question or command."""

VOLATILE = re.compile(r"(_s|_at|memory_bytes|free_bytes)$|^fit$")
"""Keys of times, memory, and of what depends on how much is free at the moment."""
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")

Document = dict[str, Any]


# Making


def golden(*, quick: bool) -> Document:
    """Everything that is compared; quick: of a tenth of the questions, and the main commands only."""
    each = QUICK_EACH if quick else 1
    questions = [row for file in sorted(QUESTIONS.glob("questions_*.jsonl")) for row in rows_of(file)][::each]
    with tempfile.TemporaryDirectory(prefix="kdrinks-golden-") as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name).resolve()
        clean_environment(folder)
        # two at a time, for two cores; the shells have homes of their own, where commands see what earlier ones left
        parts = [
            pool.submit(asked_of_python, questions, folder),
            pool.submit(commands_of, Shell(folder / "kept", quick=quick), documents, conversations),
            pool.submit(commands_of, Shell(folder / "unkept", quick=quick), without_store, models, asking),
        ]
        sections, kept, unkept = (part.result() for part in parts)
    return {"made_with": made_with(quick), **sections, "commands": kept | unkept}


def rows_of(file: Path) -> list[Document]:
    return [json.loads(line) | {"file": file.stem} for line in file.read_text("utf-8").splitlines() if line.strip()]


def clean_environment(folder: Path) -> None:
    """Leaves this process and those it starts nothing of what a person has set for kdrinks, the Hub, threads or languages."""
    for name in [name for name in os.environ if name.startswith(("KDRINKS_", "HF_", "OMP_", "LC_"))]:
        del os.environ[name]
    fixed = {"LANG": "en_US.UTF-8", "PYTHONUTF8": "1", "TZ": "UTC", "COLUMNS": "100", "HF_HUB_OFFLINE": "1"}
    os.environ.update(fixed, KDRINKS_HOME=str(folder / "home"), KDRINKS_MODELS=str(folder / "models"))


def made_with(quick: bool) -> Document:
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"quick": quick, "machine": platform.machine(), "python": platform.python_version(), **versions}


def asked_of_python(questions: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, Document]:
    """Sections `search`, `answers` and `free`."""
    services = open_services(from_environment(), memory=True)
    try:
        services.knowledge.fill()
        found = {row["id"]: searched(services, row) for row in questions}
        answered = [row for row in questions if row["file"] in ANSWERED]
        return {"search": found, **answers_of(services, answered, big_model(folder / "free.gguf"))}
    finally:
        services.close()


def searched(services: Any, row: Mapping[str, Any]) -> Document:
    findings = services.knowledge.find(row["question"], history=row.get("history", ()), k=5, lang=row["lang"])
    return {
        "question": row["question"],
        "intent": findings.intent,
        "sensitive": findings.sensitive,
        "subjects": list(findings.subjects),
        "hits": [[hit.passage.id, hit.score] for hit in findings.hits],
        "prompt_hits": [[hit.passage.id, hit.score] for hit in findings.prompt_hits],
    }


def answers_of(services: Any, rows: Sequence[Mapping[str, Any]], free_model: Path) -> dict[str, Document]:
    """Sections `answers` and `free`. The engine's stream is listened to; for the free model it is replaced by a script."""
    real, heard = services.engine.stream, Heard()
    built_in = replace(last_choice(services), threads=1)
    free = replace(built_in, model=LocalModel(FREE, free_model))
    answers, written = {}, {}
    for row in rows:
        services.engine.unload()
        services.engine.stream = heard.listening(real)
        answers[row["id"]] = asked(services, row, built_in, heard)
    if heard.done is None:
        raise SystemExit("The built-in model wrote no answer at all.")
    for row in rows:
        services.engine.stream = heard.scripted
        written[row["id"]] = asked(services, row, free, heard)
    return {"answers": answers, "free": written}


def asked(services: Any, row: Mapping[str, Any], choice: Any, heard: "Heard") -> Document:
    """The answers to the earlier questions and to the question, all in one conversation."""
    conversation_id, turns = "", []
    for question in (*row.get("history", ()), row["question"]):
        heard.prompt = heard.script = None
        answer = ask(services, ADMINISTRATOR, question, conversation_id=conversation_id, choice=choice)
        answer.wait()
        conversation_id = answer.question.conversation_id
        turns.append(
            {
                "question": question,
                "language": answer.question.lang,
                "intent": answer.findings.intent,
                "guard": answer.guard,
                "finish": answer.finish,
                "error": answer.error.message("en") if answer.error else None,
                "text": answer.text,
                "citations": [[cited.number, cited.passage.id, cited.score] for cited in answer.citations],
                "unsupported": [list(span) for span in answer.unsupported],
                "dropped_turns": answer.dropped_turns,
                "tokens": None if choice.model.id == FREE else tokens_of(answer.timing),
                "prompt": heard.prompt,
                "script": heard.script,
            }
        )
    return {**turns[-1], "earlier": turns[:-1]}


def tokens_of(timing: Any) -> list[int]:
    """Read, of them not read again, written."""
    return [timing.prompt_tokens, timing.cached_tokens, timing.completion_tokens]


class Heard:
    """What answers hand to the engine: prompt and script stay None where the passages are quoted and no model is asked."""

    def __init__(self) -> None:
        self.prompt: list[Document] | None = None
        self.script: list[Any] | None = None
        """The sentences that the model is held to, with what may follow each."""
        self.done: Any = None
        """The last event of a real answer; the scripted ones end with it too."""

    def listening(self, stream: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """The engine's stream, its prompt and script written down."""

        def listened(build: Callable[..., Any], *arguments: Any, sentences: Any, **options: Any) -> Iterator[Any]:
            def scripted() -> Any:
                script = sentences()
                self.script = None if script is None else [list(astuple(sentence)) for sentence in script]
                return script

            for event in stream(self._noting(build), *arguments, sentences=scripted, **options):
                self.done = event if isinstance(event, Done) else self.done
                yield event

        return listened

    def scripted(self, build: Callable[..., Any], *arguments: Any, **options: Any) -> Iterator[Any]:
        """Says what the first passage says, then a sentence with a year, a figure and a name that no passage holds."""
        messages = self._noting(build)(lambda them: sum(4 + len(each.content) // 2 for each in them), FREE_CONTEXT)
        passages = messages[-1].passages
        text = f"{passages[0]['text']} [1] " if passages else ""
        yield Text(f"{text}이 술은 1397년에 정도전이 77도로 처음 빚었습니다. ")
        yield Text("It was first brewed in 1397 by Jeong Dojeon at 77 percent.")
        yield self.done

    def _noting(self, build: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            messages = build(*arguments)
            self.prompt = [
                {"role": each.role, "content": each.content, "passages": [dict(passage) for passage in each.passages]}
                for each in messages
            ]
            return messages

        return noted


def big_model(file: Path) -> Path:
    """A GGUF header that promises 1.07 billion parameters, above what the guard holds; the weights are a hole in the file."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    values = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("tokenizer.ggml.model") + struct.pack("<I", 8) + text("llama"),
        text("llama.context_length") + struct.pack("<II", 4, 4096),
        text("general.file_type") + struct.pack("<II", 4, 10),
    ]
    side, q2_k = 2**15, 10
    tensor = text("token_embd.weight") + struct.pack("<IQQIQ", 2, side, side, q2_k, 0)
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, len(values)) + b"".join(values) + tensor)
    os.truncate(file, file.stat().st_size + 64 + side * side // 256 * 84)
    return file


# Commands


class Shell:
    """Runs commands one after the other and keeps what they print, without what differs from run to run."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self.folder, self.models = folder, folder / "models"
        self.kept: dict[str, Document] = {}
        self._quick = quick
        self._numbers: dict[str, int] = {}
        self.models.mkdir(parents=True)
        self._environment = os.environ | {"KDRINKS_HOME": str(folder / "home"), "KDRINKS_MODELS": str(self.models)}

    def run(
        self, name: str, *arguments: str, plain: bool = False, stdin: str = "", lang: str = "en_US", script: str = ""
    ) -> Any:
        """The document that the command printed, as it is; None for a text.

        plain: without --json, the text is kept. script: run this Python instead of a command.
        """
        started = ["-c", script] if script else ["-m", "kdrinks", *arguments, *([] if plain else ["--json"])]
        ended = subprocess.run(
            [sys.executable, *started],
            cwd=ROOT,
            env={**self._environment, "LANG": f"{lang}.UTF-8"},
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=COMMAND_LIMIT_S,
        )
        row: Document = {"arguments": list(arguments), "status": ended.returncode}
        document: Any = None
        try:
            if plain:
                raise ValueError
            document = row["document"] = json.loads(ended.stdout)
        except ValueError:
            row |= {"text": ended.stdout, "notes": ended.stderr}
        self.kept[name] = self.steady(row)
        return document

    def more(self, name: str, *arguments: str, **options: Any) -> None:
        """A variant, which --quick leaves out."""
        if not self._quick:
            self.run(name, *arguments, **options)

    def steady(self, value: Any) -> Any:
        """The same without times and memory, ids and folders replaced by names, floats rounded."""
        if isinstance(value, dict):
            return {key: self.steady(item) for key, item in value.items() if not VOLATILE.search(key)}
        if isinstance(value, list):
            return [self.steady(item) for item in value]
        if isinstance(value, float):
            return round(value, 6)
        if isinstance(value, str):
            value = value.replace(str(self.folder), "<folder>").replace(str(ROOT), "<checkout>")
            return UUID.sub(lambda id: f"<id {self._numbers.setdefault(id[0], len(self._numbers) + 1)}>", value)
        return value


def commands_of(shell: Shell, *parts: Callable[[Shell], None]) -> dict[str, Document]:
    for part in parts:
        part(shell)
    return shell.kept


def without_store(shell: Shell) -> None:
    run, more = shell.run, shell.more
    run("devices", "devices")
    text = shell.folder / "text.txt"
    text.write_text("안동소주의 향과 막걸리를 좋아한다\n\nSikhye recipes, 식혜의 재료가 좋았다\n", "utf-8")
    run("words", "words", str(text))
    more("words per line", "words", "--per-line", stdin=text.read_text("utf-8"))
    more("words of other kinds", "words", str(text), "--pos", "verb", "adjective", "noun")
    more("words as text", "words", str(text), plain=True)
    more("words, no file", "words", str(shell.folder / "none.txt"))
    more("words, no file, Korean", "words", str(shell.folder / "none.txt"), lang="ko_KR")
    more("no command", "brew", plain=True)
    more("wrong number", "search", "x", "-k", "0", plain=True)
    more("every --help", script=HELP)


HELP = """
import runpy, sys
for name in ["", *"ask search words devices evaluate bench sample forget export models documents".split()] + [
    f"models {each}" for each in "list inspect fetch remove quantize".split()
] + [f"documents {each}" for each in "add list remove".split()]:
    sys.argv = ["kdrinks", *name.split(), "--help"]
    try:
        runpy.run_module("kdrinks", run_name="__main__")
    except SystemExit:
        pass
"""
"""What `--help` says of each command, in one process: importing takes longer than saying it."""


def models(shell: Shell) -> None:
    run, more = shell.run, shell.more
    small = str(shell.models / "small-Q4_0.gguf")
    run("models list", "models", "list")
    run("models inspect", "models", "inspect", "built-in")
    more("models inspect path", "models", "inspect", "models/kdrinks-mini.gguf")
    more("models inspect no model", "models", "inspect", "README.md")
    more("models inspect nothing", "models", "inspect", "none.gguf")
    more("models list remote, offline", "models", "list", "--remote", "owner/name")
    more("models fetch, offline", "models", "fetch", "owner/name:file.gguf")
    more("models fetch unknown", "models", "fetch", "no-such-model")
    run("models quantize", "models", "quantize", "built-in", "Q4_0", small)
    more("models quantize again", "models", "quantize", "built-in", "Q4_0", small)
    more("models quantize unknown type", "models", "quantize", "built-in", "Q9", small)
    more("models list with a file", "models", "list")
    run("ask another model", "ask", "수정과가 뭐야?", "--model", "small-Q4_0", "--no-record")
    run("models remove", "models", "remove", "small-Q4_0")
    more("models remove again", "models", "remove", "small-Q4_0")
    more("models remove built-in", "models", "remove", "built-in")


def asking(shell: Shell) -> None:
    """Questions that are not kept, and searches."""
    run, more = shell.run, shell.more
    run("search Korean", "search", "겨울에 마시는 따뜻한 차")
    more("search English", "search", "makkoli ingredients", "-k", "3")
    more("search a belief", "search", "막걸리를 마시면 살이 안 쪄?", "-k", "8")
    more("search a misspelling", "search", "sujungwa")
    more("search elsewhere", "search", "오늘 날씨 어때?")
    more("search as text", "search", "summer drink without alcohol", plain=True)
    lines = [{"role": "user", "content": "수정과가 뭐야?"}, {"role": "assistant", "content": "수정과는 음료입니다."}]
    history = shell.folder / "history.jsonl"
    history.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    run("ask with history", "ask", "거기엔 뭐가 들어가?", "--history", str(history), "--no-record")
    more("ask sensitive", "ask", "임신했는데 막걸리 마셔도 돼?", "--no-record")
    more("ask elsewhere", "ask", "What is the capital of France?", "--no-record")
    more("ask in English", "ask", "식혜는 어떻게 만들어?", "--lang", "en", "--no-record")
    more("ask briefly", "ask", "How strong is Andong soju?", "--template", "brief", "--no-record")
    more("ask without knowledge", "ask", "식혜가 뭐야?", "--no-knowledge", "--no-record")
    more("ask for few tokens", "ask", "식혜에는 뭐가 들어가?", "--max-tokens", "5", "--no-record")
    more("ask warm", "ask", "오미자차가 뭐야?", "--temperature", "0.9", "--seed", "3", "--no-record")
    more("ask on the processor", "ask", "오미자차가 뭐야?", "--device", "cpu", "--no-record")
    more("ask as text", "ask", "What goes into sikhye?", "--no-record", plain=True)
    more("ask nothing", "ask", "   ")
    more("ask too much", "ask", "a" * 5000)
    more("ask an unknown model", "ask", "hello", "--model", "no-such-model")
    more("ask an unknown template", "ask", "hello", "--template", "poem")
    more("ask with a bad history", "ask", "hello", "--history", "README.md")
    questions = shell.folder / "questions.jsonl"
    kept = [line for name in ANSWERED for line in (QUESTIONS / f"{name}.jsonl").read_text("utf-8").splitlines()[:3]]
    kept += (QUESTIONS / "questions_outside.jsonl").read_text("utf-8").splitlines()[:2]
    questions.write_text("\n".join(kept), "utf-8")
    run("evaluate", "evaluate", str(questions))
    more("evaluate retrieval", "evaluate", str(questions), "--retrieval-only")
    more("evaluate as text", "evaluate", str(questions), "--retrieval-only", plain=True)
    more("evaluate no file", "evaluate", "none.jsonl")


def documents(shell: Shell) -> None:
    run, more = shell.run, shell.more
    run("documents list, none", "documents", "list")
    ids = {}
    for file, content in document_files().items():
        (shell.folder / file).write_bytes(content)
        added = run(f"documents add {file}", "documents", "add", str(shell.folder / file))
        ids[file] = added.get("id", "") if isinstance(added, dict) else ""
    more("documents add again", "documents", "add", str(shell.folder / "teahouse.md"))
    more("documents add nothing", "documents", "add", str(shell.folder / "none.md"))
    more("documents add another kind", "documents", "add", "models/kdrinks-mini.gguf")
    run("documents list", "documents", "list")
    more("documents list as text", "documents", "list", plain=True)
    run("search a document", "search", "단풍뜰 찻집은 몇 시에 열어요?")
    more("search a document, English", "search", "What does a broken cup cost at Maple Court Teahouse?")
    more("search a table", "search", "달빛 스물 가격", "-k", "3")
    run("ask a document", "ask", "단풍뜰 찻집은 몇 시에 열어요?")
    more("ask a document, English", "ask", "What does a broken cup cost at Maple Court Teahouse?")
    more("ask beside documents", "ask", "식혜에는 뭐가 들어가?")
    run("documents remove", "documents", "remove", ids["teahouse.md"])
    more("documents remove again", "documents", "remove", ids["teahouse.md"])
    more("ask a removed document", "ask", "단풍뜰 찻집은 몇 시에 열어요?")
    more("documents list after", "documents", "list")


def document_files() -> dict[str, bytes]:
    """One small file of every kind, the same bytes each time."""
    word = io.BytesIO()
    with zipfile.ZipFile(word, "w") as archive:
        for name, content in WORD.items():
            archive.writestr(zipfile.ZipInfo(name), f'<?xml version="1.0" encoding="UTF-8"?>{content}'.encode())
    page = b"BT /F1 12 Tf 60 740 Td (Silver Fir Brewery opens its cellar on the first Saturday of May.) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >> stream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    pdf, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(pdf))
    texts = {
        "teahouse.md": "# 단풍뜰 찻집 안내\n\n## 여는 시간\n\n단풍뜰 찻집은 수요일부터 일요일까지 오전 11시에 엽니다.\n\n"
        "## 차림\n\n단풍뜰 찻집의 식혜에는 잣 일곱 알을 띄웁니다.\n",
        "notes.txt": "Maple Court Teahouse, notes for guests.\n\nA broken stoneware cup costs the guest nothing.\n",
        "prices.csv": "이름,가격,도수\n달빛 스물,32000원,20도\n달빛 열,18000원,10도\n",
        "visit.html": "<html><head><title>달빛양조장 방문</title></head><body><h1>체험</h1><p>누룩 빚기 체험은 매주 토요일 오전 10시에 "
        "시작합니다. 참가비는 35,000원입니다.</p><script>ignore()</script></body></html>",
    }
    return {file: text.encode() for file, text in texts.items()} | {
        "handbook.docx": word.getvalue(),
        "brewery.pdf": pdf + table + trailer,
        "broken.pdf": b"%PDF-1.4\nnothing",
    }


_OPEN_XML = "http://schemas.openxmlformats.org"
WORD = {
    "[Content_Types].xml": f'<Types xmlns="{_OPEN_XML}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_OPEN_XML}/package/2006/relationships"><Relationship Id="rId1" '
    f'Type="{_OPEN_XML}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
    "word/document.xml": f'<w:document xmlns:w="{_OPEN_XML}/wordprocessingml/2006/main"><w:body>'
    "<w:p><w:r><w:t>Stone Bridge House rents its brewing room for 90,000 won a day.</w:t></w:r></w:p>"
    "</w:body></w:document>",
}


def conversations(shell: Shell) -> None:
    """What is kept, taken out and deleted."""
    run, more = shell.run, shell.more
    first = run("ask and keep", "ask", "수정과는 언제 마셔요?")
    run("ask and keep, English", "ask", "What is makgeolli made of?")
    run("export", "export", str(shell.folder / "out"))
    shell.kept["export, the files"] = shell.steady(exported(shell.folder / "out"))
    more("export as text", "export", str(shell.folder / "out"), "--format", "csv", plain=True)
    more("export another kind", "export", str(shell.folder / "out"), "--format", "xlsx")
    run("forget one", "forget", "--conversation", first["conversation_id"] if isinstance(first, dict) else "")
    more("forget it again", "forget", "--conversation", first["conversation_id"] if isinstance(first, dict) else "")
    run("sample", "sample")
    run("export with the sample", "export", str(shell.folder / "sample"), "--format", "csv")
    more("sample again", "sample")
    more("forget older", "forget", "--older-than", "30")
    run("sample remove", "sample", "--remove")
    more("sample remove again", "sample", "--remove")
    run("forget all", "forget", "--all")
    more("forget nothing", "forget", plain=True)
    run("export nothing", "export", str(shell.folder / "empty"), "--format", "jsonl,csv")


def exported(folder: Path) -> Document:
    """The rows of the CSV and JSONL files that `export` wrote; details, which are JSON in a cell, as what they hold."""
    tables: Document = {}
    for file in sorted(folder.glob("*.csv")):
        lines = list(csv.reader(file.read_text("utf-8-sig").splitlines(keepends=True)))
        rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
        parsed = [row | ({"details": json.loads(row["details"])} if row.get("details") else {}) for row in rows]
        tables[file.name] = {"columns": lines[0], "rows": parsed}
    chats = (folder / "chats.jsonl").read_text("utf-8").splitlines()
    return {"tables": tables, "chats": [json.loads(line) for line in chats]}


# Comparing

MISSING = object()


def differences(left: Any, right: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(where, left, right) of each value that differs; MISSING where one side has none."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in dict.fromkeys((*left, *right)):
            yield from differences(left.get(key, MISSING), right.get(key, MISSING), f"{path}.{key}" if path else key)
    elif isinstance(left, list) and isinstance(right, list):
        for index, (one, other) in enumerate(itertools.zip_longest(left, right, fillvalue=MISSING)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(left) is not type(right) or left != right:
        yield path, left, right


def compared(left: Mapping[str, Any], right: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What differs, grouped by question or command, and a line for each section that has a difference."""
    lines: list[str] = []
    counts: list[str] = []
    for section in dict.fromkeys((*left, *right)):
        ours, theirs = left.get(section, {}), right.get(section, {})
        keys = dict.fromkeys((*ours, *theirs))
        changed = 0
        for key in keys:
            own, other = ours.get(key, MISSING), theirs.get(key, MISSING)
            unlike = list(differences(own, other))
            if not unlike:
                continue
            changed += 1
            lines.append(f"\n{section} · {key}{heading(own if own is not MISSING else other)}")
            lines += [f"    {where or '(all)'}: {shown(one, two)}" for where, one, two in unlike[:SHOWN]]
            if len(unlike) > SHOWN:
                lines.append(f"    ... and {len(unlike) - SHOWN} more")
        if changed:
            counts.append(f"{section}: {changed} of {len(keys)} differ")
    return lines, counts


def heading(item: Any) -> str:
    """The question or the command line of a group."""
    if not isinstance(item, dict):
        return ""
    arguments = " ".join(item.get("arguments", ()))
    text = item.get("question") or (f"kdrinks {arguments}" if arguments else "")
    return f" · {text[:100]}" if text else ""


def shown(left: Any, right: Any) -> str:
    """Both values on one line; of long texts the part where they part."""
    if isinstance(left, str) and isinstance(right, str):
        pairs = enumerate(zip(left, right, strict=False))
        same = next((index for index, (one, other) in pairs if one != other), min(len(left), len(right)))
        begin = max(0, same - 30)
        left, right = (("…" if begin else "") + text[begin : same + 60] for text in (left, right))
    values = ["(none)" if each is MISSING else json.dumps(each, ensure_ascii=False) for each in (left, right)]
    return " -> ".join(value if len(value) <= 160 else f"{value[:160]}…" for value in values)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.golden", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT.json", help="the file to write")
    parser.add_argument("--quick", action="store_true", help="a tenth of the questions and the main commands, to try")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A.json", "B.json"), help="list what differs")
    options = parser.parse_args()
    if (options.out is None) == (options.compare is None):
        parser.error("either OUT.json or --compare A.json B.json")
    if options.out:
        if not options.out.absolute().parent.is_dir():
            parser.error(f"there is no folder {options.out.absolute().parent}")
        out = options.out.absolute()
        document = golden(quick=options.quick)
        out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
        print(", ".join(f"{len(rows)} {name}" for name, rows in document.items() if name != "made_with"))
        return 0
    try:
        left, right = (json.loads(file.read_text("utf-8")) for file in options.compare)
    except (OSError, ValueError) as exc:
        parser.error(str(exc))
    lines, counts = compared(left, right)
    print("\n".join([*lines, "", *counts] if counts else ["equal"]))
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main())
