"""No model at all: an engine that reads out the script that a held model may say, from its first sentence to its last.

What an answer owes to the model is what it is better by than this, so it is the first row of every table. The search, the guard and the
citations are those of the built-in model; what is quoted for every model stays as it is.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

from kdrinks.engine.protocol import Build, Done, Event, State, Text
from kdrinks.errors import ModelNotFound
from kdrinks.records import Choice, Device, KeepAlive, Loaded, RemoteModel, Sampling, Sentence, Timing

ROOM_TOKENS = 1 << 20
"""Nothing is cut for a window: there is none."""


class ReadOut:
    """An engine.protocol.Engine without a model."""

    keep_alive = KeepAlive()
    models: Sequence[RemoteModel] = ()
    state = State(None, None, None, busy=False, waiting=0)
    reclaimable_bytes = 0

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
        """choice: the built-in model, for which there is a script; of a model that no guard holds nothing is read."""
        build(lambda messages: 0, ROOM_TOKENS)
        yield Text(read_out(sentences() or ()))
        yield Done("stop", Timing(), Loaded("", "", "", 0, choice.device, "", 0, 0, 0.0, 0, 0))

    def load(
        self,
        choice: Choice,
        progress: Callable[[float], None] = lambda fraction: None,
        stop: threading.Event | None = None,
    ) -> Loaded:
        raise ModelNotFound("model_file_missing", file="")

    def preread(self, choice: Choice, build: Build, sampling: Sampling) -> None: ...

    def unload(self, stop: threading.Event | None = None) -> None: ...

    def forget(self, conversations: Sequence[str] = ()) -> None: ...

    def devices(self) -> list[Device]:
        return []

    def bench(self, choice: Choice, *, tokens: int = 256, prompt_tokens: int = 128, rounds: int = 5) -> dict[str, Any]:
        raise ModelNotFound("model_file_missing", file="")

    def score(
        self, choice: Choice, text: str, piece: int, *, session: str = "", stop: threading.Event | None = None
    ) -> dict[str, float]:
        raise ModelNotFound("model_file_missing", file="")

    def close(self) -> None: ...


def read_out(script: Sequence[Sentence]) -> str:
    """The script from its beginning along what follows first."""
    said = next((one for one in script if one.begins), None)
    text = said.text if said else ""
    while said and said.after:
        said = script[said.after[0]]
        text += said.separator + said.text
    return text
