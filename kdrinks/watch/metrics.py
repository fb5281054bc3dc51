"""What is counted of answers and refusals, as Prometheus reads it. No text, no visitor and no conversation is in it.

The names are OpenTelemetry's for generative AI where it has one (dots are underscores here, the unit stands at the end), else kdrinks_….
Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/. The buckets are ours: theirs end at 82 s and have none for the
model of 6 MB, whose first word is there in hundredths of a second.
"""

import logging
from collections.abc import Mapping
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    exposition,
    generate_latest,
)

from kdrinks.errors import KdrinksError
from kdrinks.records import Finish, Loaded, Question, Timing

CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4
log = logging.getLogger(__name__)

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
SECONDS_A_TOKEN = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
TOKENS_A_SECOND = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
TOKENS = (1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
NO_MODEL = "none"
"""Of an answer that no model wrote: a quoted passage, a list."""


class Answered(Protocol):
    """What an answer must show to be counted."""

    @property
    def question(self) -> Question: ...

    @property
    def guard(self) -> str: ...

    @property
    def error(self) -> KdrinksError | None: ...

    @property
    def loaded(self) -> Loaded | None: ...

    @property
    def timing(self) -> Timing: ...

    @property
    def wait_s(self) -> float | None: ...


disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line for each that says when it began


class Metrics:
    """Thread-safe; one for each running app, for each store."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        by_model = ("gen_ai_operation_name", "gen_ai_request_model")
        self._duration = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "From asking to the end of the answer, queue and search included.",
            (*by_model, "error_type"),
            buckets=SECONDS,
            registry=registry,
        )
        self._first_token = Histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "From the engine taking a request, after queue and load, to the first text.",
            by_model,
            buckets=SECONDS,
            registry=registry,
        )
        self._token_time = Histogram(
            "gen_ai_server_time_per_output_token_seconds",
            "Between two tokens of an answer.",
            by_model,
            buckets=SECONDS_A_TOKEN,
            registry=registry,
        )
        self._tokens = Histogram(
            "gen_ai_client_token_usage",
            "Tokens of a prompt and of an answer.",
            (*by_model, "gen_ai_token_type"),
            buckets=TOKENS,
            registry=registry,
        )
        self._wait = Histogram(
            "kdrinks_wait_seconds",
            "From asking to the first text that a person sees, queue and loading included.",
            buckets=SECONDS,
            registry=registry,
        )
        self._queue = Histogram(
            "kdrinks_queue_seconds", "Waiting for the turns of search and model.", buckets=SECONDS, registry=registry
        )
        self._search = Histogram("kdrinks_search_seconds", "Looking it up.", buckets=SECONDS, registry=registry)
        self._speed = Histogram(
            "kdrinks_output_tokens_per_second",
            "How fast answers were written.",
            ("gen_ai_request_model",),
            buckets=TOKENS_A_SECOND,
            registry=registry,
        )
        self._prompt_tokens = Counter(
            "kdrinks_prompt_tokens",
            "Tokens of prompts: found in what was kept, or read.",
            ("source",),
            registry=registry,
        )
        self._answers = Counter(
            "kdrinks_answers",
            "Answers by how they ended and what the guard made of them.",
            ("finish", "guard", "lang"),
            registry=registry,
        )
        self._refusals = Counter(
            "kdrinks_refusals", "Questions that were not taken, by the reason.", ("reason",), registry=registry
        )
        self._now = {
            name: Gauge(f"kdrinks_{name}", text, registry=registry)
            for name, text in (
                ("answers_under_way", "Answers that are written or wait."),
                ("search_queue_length", "Questions that wait for the search."),
                ("model_queue_length", "Requests that wait for the model."),
                ("expected_wait_seconds", "What a question that came now would wait for the model, by the last ones."),
                ("visitors", "Visitors with a page open; on a hosted site alone."),
                ("model_loaded", "1 while a model is in memory."),
                ("model_memory_bytes", "Resident memory of the process that runs the model."),
                ("store_size_bytes", "The database with its log, on the disk."),
            )
        }
        ProcessCollector(registry=registry)

    def answered(self, answer: Answered, finish: Finish) -> None:
        """Count an answer that ended, and say it in the log."""
        timing, lang = answer.timing, answer.question.lang
        model = answer.loaded.model_id if answer.loaded else ""
        error = answer.error.key if answer.error else ""
        labels = ("chat", model or NO_MODEL)
        self._answers.labels(finish, answer.guard, lang).inc()
        self._duration.labels(*labels, error).observe(timing.total_s)
        self._search.observe(timing.retrieve_s)
        self._queue.observe(timing.queue_s)
        if answer.wait_s is not None:
            self._wait.observe(answer.wait_s)
        if model:
            self._written(labels, timing)
        figures = {
            "finish": finish,
            "guard": answer.guard,
            "lang": lang,
            "model": model or NO_MODEL,
            "error": error,
            "wait_s": answer.wait_s,
            "queue_s": timing.queue_s,
            "search_s": timing.retrieve_s,
            "total_s": timing.total_s,
            "prompt_tokens": timing.prompt_tokens,
            "cached_tokens": timing.cached_tokens,
            "completion_tokens": timing.completion_tokens,
            "tokens_per_s": timing.tokens_per_s,
        }
        log.info("answered", extra={"figures": figures})

    def _written(self, labels: tuple[str, str], timing: Timing) -> None:
        self._prompt_tokens.labels("cache").inc(timing.cached_tokens)
        self._prompt_tokens.labels("read").inc(max(0, timing.prompt_tokens - timing.cached_tokens))
        self._tokens.labels(*labels, "input").observe(timing.prompt_tokens)
        self._tokens.labels(*labels, "output").observe(timing.completion_tokens)
        if timing.first_token_s is not None:
            self._first_token.labels(*labels).observe(timing.first_token_s)
        if timing.tokens_per_s:
            self._token_time.labels(*labels).observe(1 / timing.tokens_per_s)
            self._speed.labels(labels[1]).observe(timing.tokens_per_s)

    def refused(self, reason: str) -> None:
        """Count a question that was not taken. reason: the key of the error that its asker saw."""
        self._refusals.labels(reason).inc()
        log.info("refused", extra={"figures": {"reason": reason}})

    def text(self, now: Mapping[str, float]) -> bytes:
        """The whole as Prometheus reads it. now: the gauges' values, by the names above."""
        for name, value in now.items():
            self._now[name].set(value)
        return generate_latest(self._registry)
