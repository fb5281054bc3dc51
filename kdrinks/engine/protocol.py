"""What an engine is to those who ask it, whatever runs the model behind it."""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kdrinks.errors import ModelNotFound
from kdrinks.records import (
    Choice,
    Device,
    Finish,
    KeepAlive,
    Loaded,
    LocalModel,
    Message,
    ModelRef,
    RemoteModel,
    Sampling,
    Sentence,
    Timing,
)

Count = Callable[[list[Message]], int]
Build = Callable[[Count, int], list[Message]]
"""(count, context_tokens) -> messages, called with the loaded model's own tokenizer while the turn is held."""


class Stopped(Exception):
    """The request ended because a stop was asked for."""


@dataclass(frozen=True, slots=True)
class Queued:
    """Engine event: waiting for others."""

    position: int
    left_s: float | None = None
    """By the last answers' times; None where none was measured."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Engine event: the model is being read from disk."""

    fraction: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Engine event: the prompt is being read."""

    done_tokens: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Text:
    """Engine event: the next piece of the answer; whole characters only."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Engine event: the next piece of what the model thinks before it answers; whole characters only."""

    text: str


@dataclass(frozen=True, slots=True)
class Rethought:
    """Engine event: all text so far was thought, as its end shows only now."""


@dataclass(frozen=True, slots=True)
class Done:
    """Engine event, always the last one of a stream that did not raise."""

    finish: Finish
    timing: Timing
    loaded: Loaded
    corrections: int = 0
    """Times that the model would have chosen otherwise, had it not been held to sentences."""
    prompt_hash: str = ""
    """SHA-256 (hex) of the prompt's token ids as int32, little-endian; "" where no prompt was made or its ids are not known."""
    taken_back: int = 0
    """Characters at the end of the text that are no part of the answer: the loop that "repeated" cut off."""


Event = Queued | Loading | Reading | Thought | Rethought | Text | Done


@dataclass(frozen=True, slots=True)
class State:
    """What the engine is doing now."""

    loaded: Loaded | None
    choice: Choice | None
    """What was asked for when `loaded` was loaded."""
    worker_pid: int | None
    busy: bool
    waiting: int
    """Requests in the queue."""
    left_s: float | None = None
    """How long one that came now would wait, by the last answers' times; None where none was measured."""
    idle_models: tuple[Loaded, ...] = ()
    """Models in memory beside `loaded`, least recently used first."""
    replaced: bool = False
    """Whether another file lies by now where `loaded` was read from; the next request reads that one."""


class Engine(Protocol):
    """Thread-safe. engine.local.LocalEngine runs files of this machine; another one stands in front of it for its own models."""

    keep_alive: KeepAlive
    """How long and how many models stay in memory."""

    @property
    def models(self) -> Sequence[RemoteModel]:
        """What can be chosen besides the files of this machine: models behind an address."""

    @property
    def state(self) -> State:
        """What it is doing now."""

    @property
    def reclaimable_bytes(self) -> int:
        """Memory that unloading all models would give back now."""

    def stream(
        self,
        build: Build,
        choice: Choice,
        sampling: Sampling,
        *,
        session: str = "",
        conversation: str = "",
        stop: threading.Event | None = None,
        sentences: Callable[[], Sequence[Sentence] | None] = lambda: None,
    ) -> Generator[Event, None, None]:
        """Answers one prompt: Queued while others are before, Loading, Reading, Thought, Text, and Done as the last event.

        build: makes the messages once the model is there, because only its own tokenizer can count them.
        session: whose turn it takes; sessions take turns round-robin.
        conversation: whose state may be kept, so that its next prompt is read from where it differs only.
        stop: ends the answer as soon as may be; what was written stays, finish is "stopped".
        sentences: called after build; the only sentences that may be written, by an engine that can hold a model to them.
        None lets it write freely. Closing the generator early stops the writing too.
        Raises ModelError (EngineDied, LoadFailed, NotAModel, ModelNotFound, ContextTooSmall), and whatever build raises.
        """

    def load(
        self,
        choice: Choice,
        progress: Callable[[float], None] = lambda fraction: None,
        stop: threading.Event | None = None,
    ) -> Loaded:
        """Loads the choice now; at once when it is there. progress: told the fraction read, in [0, 1]. Raises Stopped, ModelError."""

    def preread(self, choice: Choice, build: Build, sampling: Sampling) -> None:
        """Reads what prompts with the built messages before their question begin with, when the choice is in memory and nothing was asked of it.

        Whoever asks meanwhile goes first, after a slice at most. No answer is another one for it. Raises EngineDied.
        """

    def unload(self, stop: threading.Event | None = None) -> None:
        """Frees the memory of all models, after the request in progress. Raises Stopped."""

    def forget(self, conversations: Sequence[str] = ()) -> None:
        """Drops what is kept of these conversations, of all when none is named; after the request in progress."""

    def devices(self) -> list[Device]:
        """What this machine can run models on; answers in the middle of a request too. Raises EngineDied."""

    def bench(self, choice: Choice, *, tokens: int = 256, prompt_tokens: int = 128, rounds: int = 5) -> dict[str, Any]:
        """The whole path beside the bare one; the keys are those of `bench --json`. Raises ModelError."""

    def score(
        self, choice: Choice, text: str, piece: int, *, session: str = "", stop: threading.Event | None = None
    ) -> dict[str, float]:
        """nll, scored and pieces (worker.score) of one piece of a text. Raises Stopped and ModelError."""

    def close(self) -> None:
        """Ends at once, in mid-answer too: whoever streams gets EngineDied."""


def local_model(model: ModelRef) -> LocalModel:
    """The model when it is a file of this machine. Raises ModelNotFound for another one."""
    if not isinstance(model, LocalModel):
        raise ModelNotFound("model_file_missing", file=model.address)
    return model
