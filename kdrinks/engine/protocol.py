"""What an engine is to those who ask it, whatever runs the model behind it."""

from dataclasses import dataclass

from kdrinks.errors import ModelNotFound
from kdrinks.records import Finish, Loaded, LocalModel, ModelRef, Timing


@dataclass(frozen=True, slots=True)
class Queued:
    """Engine event: waiting for others."""

    position: int


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
class Done:
    """Engine event, always the last one of a stream that did not raise."""

    finish: Finish
    timing: Timing
    loaded: Loaded
    corrections: int = 0
    """Tokens that the model would have written otherwise, had it not been held to sentences."""
    prompt_hash: str = ""
    """SHA-256 (hex) of the prompt's token ids as int32, little-endian; "" where no prompt was made or its ids are not known."""


Event = Queued | Loading | Reading | Text | Done


def local_model(model: ModelRef) -> LocalModel:
    """The model when it is a file of this machine. Raises ModelNotFound for another one."""
    if not isinstance(model, LocalModel):
        raise ModelNotFound("model_file_missing", file=model.address)
    return model
