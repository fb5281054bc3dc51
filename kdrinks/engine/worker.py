"""What the engine's child process does with a request: loads, counts, reads and writes. serving.py runs it behind its pipes.

Of {"id": 7, "op": "stream", ...} it says {"id": 7, "event": "text", ...} as it goes and returns the result, or raises Refused.
Knows nothing of questions, pages or the store.
"""

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import psutil

from kdrinks.engine import memory_wall
from kdrinks.engine.adapters import AdapterProblem
from kdrinks.engine.chat_template import QuestionLost, TemplateBroken
from kdrinks.engine.decode import PLAIN_STOPS
from kdrinks.engine.library import Log, forget_peak, peak_bytes, start
from kdrinks.engine.native import LoadProblem, Model, ReadProblem, common
from kdrinks.engine.prompting import Prompting
from kdrinks.engine.steps import Steps
from kdrinks.engine.thinking import Convention
from kdrinks.engine.writing import Writer, constraint_for, runs

SCORED_TOKENS = 512
"""One piece of a text whose perplexity is taken, as llama.cpp's own llama-perplexity does by default."""

Request = Mapping[str, Any]


class Refused(Exception):
    """An answer to the request that is an error: a class of kdrinks.errors by name, its key and values."""

    def __init__(self, kind: str, key: str, **values: object) -> None:
        super().__init__(key)
        self.document = {"type": kind, "key": key, "values": values}


class Worker:
    """Serves requests; `say` writes one document, `stopped` is set by a stop for the request in progress."""

    def __init__(
        self, say: Callable[[Mapping[str, Any]], None], stopped: threading.Event, *, walled: bool = False
    ) -> None:
        """walled: the process is this worker's alone and may be held to the memory that its model needs."""
        self._say = say
        self._walled = walled
        self._stopped = stopped
        self._log = Log(lambda line: print(line, file=sys.stderr, flush=True))
        self.model: Model | None = None
        self._prompting: Prompting | None = None
        self._steps = Steps(say)
        self._limit_bytes = 0
        start()

    def serve(self, request: Request) -> Any:
        """The result of one request. Raises Refused."""
        operations: dict[str, Callable[[Request], Any]] = {
            "load": self.load,
            "adapter": self.adapter,
            "unload": lambda request: self.unload(),
            "count": self.count,
            "stream": self.stream,
            "preread": self.preread,
            "raw": self.raw,
            "score": self.score,
            "forget": self.forget,
            "ping": lambda request: None,
        }
        self._steps.begin(request)
        result = operations[request["op"]](request)
        if request["op"] == "stream":
            result["threads"] = self._steps.threads
        return result

    def out_of_memory(self) -> Refused:
        """What to answer when Python could have no more."""
        return Refused("EngineDied", "engine_memory_limit", limit=f"{self._limit_bytes / 1e9:,.1f}")

    def forget(self, request: Request) -> None:
        """Drops the state of request["conversations"]; of all when the list is empty."""
        if self.model:
            self.model.forget_conversations(request["conversations"])

    def unload(self) -> None:
        if self.model:
            self.model.close()
        self.model = self._prompting = None

    def load(self, request: Request) -> dict[str, Any]:
        """Loads request["path"]; "loading" events carry the fraction read. The old model leaves first."""
        self.unload()
        if self._walled:
            memory_wall.lift()
        forget_peak()
        started = time.monotonic()
        reported = 0.0

        def progress(fraction: float) -> bool:
            nonlocal reported
            self._steps.beat()
            if fraction - reported >= 0.02 or fraction >= 1:
                reported = fraction
                self._say({"id": request["id"], "event": "loading", "fraction": round(fraction, 3)})
            return not self._stopped.is_set()

        file = os.path.basename(request["path"])
        state_bytes = request.get("state_bytes", psutil.virtual_memory().total // 16)
        try:
            model = Model(
                request["path"],
                log=self._log,
                gpu_layers=0 if request["device"] == "cpu" else request.get("gpu_layers", -1),
                context_tokens=request["context_tokens"],
                threads=request.get("threads", 0),
                kv_type=request.get("kv_type", "f16"),
                state_bytes=state_bytes,
                progress=progress,
                beat=self._steps.beat,
                decoded=self._steps.decoded,
            )
        except LoadProblem as exc:
            if self._stopped.is_set():
                raise Refused("Stopped", "stopped") from exc
            key = "model_no_memory" if "alloc" in str(exc) else "model_load_failed"
            raise Refused("LoadFailed", key, file=file, reason=str(exc)) from exc
        if not model.vocabulary.size or not model.decodes:
            model.close()
            raise Refused("NotAModel", "model_writes_no_text", file=file)
        self._limit_bytes = memory_wall.around(state_bytes)
        if self._walled and model.used == "cpu":
            memory_wall.raise_at(self._limit_bytes)
        try:
            self._prompting = Prompting(model, request["path"])
        except TemplateBroken as exc:
            model.close()
            raise Refused("NotAModel", "model_template_broken", file=file, reason=str(exc)) from exc
        except MemoryError:
            model.close()
            raise
        self.model = model
        self._steps.follow(model.threads, model.use_threads, adjustable=not request.get("threads"))
        return {
            "file": file,
            "quantization": model.quantization,
            "context_tokens": model.context_tokens,
            "used": model.used,
            "gpu_layers": model.gpu_layers,
            "layers": model.layers,
            "load_s": time.monotonic() - started,
            "threads": model.threads,
            "memory_bytes": peak_bytes(),
            "limit_bytes": self._limit_bytes,
            **self._prompting.facts,
        }

    def adapter(self, request: Request) -> dict[str, int]:
        """Lays the adapter request["path"] over the model at the strength request["scale"]; "" takes away what is there.

        limit_bytes: of the memory, moved by what the adapter takes.
        """
        model, _ = self._loaded()
        held_bytes = memory_wall.private_address_bytes()
        path = request["path"]
        file = os.path.basename(path)
        if self._walled:
            memory_wall.lift()
        try:
            model.use_adapter(path, request["scale"])
        except OSError as exc:
            raise Refused("ModelNotFound", "model_file_missing", file=path) from exc
        except AdapterProblem as exc:
            raise Refused("NotAModel", exc.key, file=file, reason=exc.reason) from exc
        except ReadProblem as exc:
            raise Refused("NotAModel", "adapter_broken", file=file, reason=str(exc)) from exc
        finally:
            if self._limit_bytes:
                self._limit_bytes += memory_wall.private_address_bytes() - held_bytes
            if self._walled and model.used == "cpu":
                memory_wall.raise_at(self._limit_bytes)
        return {"limit_bytes": self._limit_bytes}

    def _loaded(self) -> tuple[Model, Prompting]:
        if self.model is None or self._prompting is None:
            raise Refused("LoadFailed", "model_not_loaded")
        return self.model, self._prompting

    def prompt(self, messages: Sequence[Mapping[str, Any]], thinking: bool | None = None) -> list[int]:
        """Tokens of the messages. Raises Refused."""
        return self._prompt(messages, thinking)[0]

    def _prompt(
        self, messages: Sequence[Mapping[str, Any]], thinking: bool | None
    ) -> tuple[list[int], Convention | None]:
        _, prompting = self._loaded()
        try:
            return prompting.tokens(messages, thinking)
        except QuestionLost as exc:
            raise Refused("NotAModel", "model_template_drops_question", file=prompting.file) from exc
        except TemplateBroken as exc:
            raise Refused("NotAModel", "model_template_broken", file=prompting.file, reason=str(exc)) from exc

    def count(self, request: Request) -> list[int]:
        """Prompt tokens of each of request["prompts"], lists of messages."""
        return [len(self.prompt(messages, request.get("thinking"))) for messages in request["prompts"]]

    def preread(self, request: Request) -> int:
        """Reads the next slice of what all prompts with request["messages"] before their question have in common; how many tokens are left."""
        model, _ = self._loaded()
        asked = ({"role": "user", "content": text, "question": text, "passages": ()} for text in ("가", "A"))
        thinking = request.get("thinking")
        one, other = (self.prompt([*request["messages"], question], thinking) for question in asked)
        return model.preread(one[: common(one, other)])

    def _bench_prompt(self, tokens: int) -> list[int]:
        model, _ = self._loaded()
        text = "식혜는 밥을 엿기름물로 삭혀 단맛을 낸 음료입니다. Sikhye is a sweet rice drink. "
        return (model.vocabulary.tokenize(text, add_special=True) * (tokens // 16 + 1))[:tokens]

    def raw(self, request: Request) -> dict[str, float]:
        """The bare loop over the same file and settings as stream's: seconds to read the prompt and to write."""
        model, _ = self._loaded()
        prompt = self._bench_prompt(request["bench_prompt"])
        started = time.monotonic()
        times = []
        for _ in model.bare_loop(prompt, request["max_tokens"]):
            times.append(time.monotonic())
            self._steps.beat()
        return {"prompt_s": times[0] - started, "completion_s": times[-1] - times[0], "completion_tokens": len(times)}

    def score(self, request: Request) -> dict[str, float]:
        """How surprised the model is by the second half of a piece of request["text"], the first half being read before.

        piece: which SCORED_TOKENS tokens of the text, from 0; pieces: how many whole ones the text has.
        nll: sum of -ln p of the scored tokens.   scored: how many.
        """
        model, _ = self._loaded()
        size = min(SCORED_TOKENS, model.context_tokens)
        tokens = model.vocabulary.tokenize(request["text"], add_special=False, parse_special=False)
        piece = tokens[request["piece"] * size :][:size]
        # As llama-perplexity does: models that learned with a first token are lost without it.
        piece[:1] = model.vocabulary.tokenize("", add_special=True)[:1] or piece[:1]
        nll, scored = 0.0, 0
        if len(piece) == size:
            model.reset(piece)
            for loss in model.nll(piece, size // 2):
                nll, scored = nll + loss, scored + 1
                if self._stopped.is_set():
                    raise Refused("Stopped", "stopped")
        return {"nll": nll, "scored": scored, "pieces": len(tokens) // size}

    def stream(self, request: Request) -> dict[str, Any]:
        """Reads the prompt and writes the answer: "reading" and "text" events, then counts, seconds and the finish."""
        model, prompting = self._loaded()
        started = time.monotonic()
        bench = request.get("bench_prompt", 0)
        measured = bool(bench) or request.get("measured", False)
        opened: Convention | None = None
        if bench:
            prompt = self._bench_prompt(bench)
        else:
            # what is held to sentences has no words to think in
            thinking = request.get("thinking") if request.get("sentences") is None else False
            prompt, opened = self._prompt(request["messages"], thinking)
        if len(prompt) >= model.context_tokens or not prompt:
            raise Refused("ContextTooSmall", "context_too_small", needed=len(prompt), available=model.context_tokens)
        if measured:
            model.reset(prompt)
        cached = model.reuse_prefix(prompt, request.get("conversation", ""))
        result: dict[str, Any] = {
            "prompt_tokens": len(prompt),
            "cached_tokens": cached,
            "prompt_hash": hashlib.sha256(np.array(prompt, dtype="<i4").tobytes()).hexdigest(),
        }
        for done in model.read_prompt(prompt):
            self._say({"id": request["id"], "event": "reading", "done": done, "total": len(prompt)})
            if self._stopped.is_set():
                break
        result["prompt_s"] = time.monotonic() - started
        held = constraint_for(request.get("sentences"), model, prompting.control)
        free = held is None and not measured
        plain = prompting.plain and not measured
        writer = Writer(
            lambda event: self._say({"id": request["id"], **event}),
            [*request.get("stop", ()), *(PLAIN_STOPS if plain else ())],
            notes=plain,
            loops=free,
            thoughts=prompting.thinking.stream(opened) if free else None,
            max_tokens=request["max_tokens"],
            max_thought_tokens=request.get("max_thought_tokens", request["max_tokens"]),
        )
        hidden = prompting.hidden if free else {}

        def piece(token: int) -> bytes:
            return model.vocabulary.piece(token) or hidden.get(token, b"")

        def goes_on(token: int) -> bool:
            return measured or writer.goes_on(hidden.get(token, b""))

        finish = "stopped"
        if not self._stopped.is_set():
            room = model.context_tokens - len(prompt)
            limit = room if free else min(request["max_tokens"], room)
            try:
                tokens = runs(model, request, limit, held, goes_on=goes_on)
                finish = writer.write(tokens, piece, self._stopped.is_set)
            except ReadProblem as exc:
                raise Refused("EngineDied", "engine_failed", reason=str(exc)) from exc
        result |= {"finish": finish, **writer.spent(), "memory_bytes": peak_bytes()}
        if len(model.tokens) <= len(prompt):
            # all that came after the first token was known with it: nothing was written at any speed
            result["completion_s"] = 0.0
        return result | {"taken_back": writer.taken_back, "corrections": held.corrections if held else 0}
