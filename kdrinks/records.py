"""The frozen values that cross rooms: no behaviour, no imports from kdrinks but the names of kinds and intents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from kdrinks.kinds import Kind

Language = Literal["ko", "en"]
Finish = Literal["stop", "length", "repeated", "stopped", "failed"]
"""How an answer ended: by the model or a stop text, at its longest, in a loop that was cut off, by a person, with an error."""
Mode = Literal["held", "quote", "free"]
"""How far a model may speak for itself: only in the sentences that its passages allow; in its own words under the passage that answers,
quoted; or in its own words alone. What could hurt somebody is quoted in all of them."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, reads or writes: the core says what they may do."""

    id: str = ""
    """Owner of what they make; "" owns what belongs to administrators in common (NULL in the store)."""
    administrator: bool = False


ADMINISTRATOR = Visitor("", administrator=True)
"""Everybody at home, the command line, the live connection."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence by which an answer says a part of a passage."""

    sentence: str
    until: int
    """Characters of the passage's text up to the end of what it says; 0 for one that only leads in."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One thing the knowledge base says, in one language; what answers rest on and citations open."""

    id: str
    """subject.kind.lang, with a number where a subject has several: "sikhye.history.2.ko"."""
    subject_id: str
    """The drink's, topic's, false belief's or document's id."""
    kind: Kind
    lang: Language
    title: str
    """Short name of the subject, in the passage's language."""
    text: str
    """Complete polite sentences that can stand as an answer."""
    sources: tuple[str, ...] = ()
    """Addresses of the pages that say so; empty means general knowledge."""
    said: tuple[Said, ...] = ()
    """How an answer says it, in the text's order; empty where the text's own sentences do."""
    aspect: str = field(default="", compare=False)
    """Of the one fact that it tells (drinks.model.Aspect); "" where it tells a kind's own text. Not kept in the store, as what follows."""
    asked: str = field(default="", compare=False)
    """The question that it answers, as people ask it: found by, not said."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation, as the prompt needs it."""

    question: str
    answer: str
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a chat template sees it: role and content, and for a user's turn the parts content was made of."""

    role: Literal["system", "user", "assistant"]
    content: str
    question: str = ""
    passages: tuple[Mapping[str, str], ...] = ()
    """Mappings with title, kind and text; the built-in model's own template reads these instead of content."""


@dataclass(frozen=True, slots=True)
class Sampling:
    max_tokens: int = 512
    """Of the answer; what is thought before it has a budget of its own."""
    temperature: float = 0.0
    """0 takes the most probable token each time."""
    top_p: float = 0.95
    top_k: int = 40
    """0 leaves all."""
    min_p: float = 0.0
    """Leaves out what is less probable than this share of the most probable."""
    repeat_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    measured: bool = False
    """Reads the whole prompt anew and writes max_tokens whatever the model says: runs that are compared do the same work."""
    thinking: bool | None = None
    """Whether to think before the answer. None: not where the model's template can switch it off, for the notes hold the facts and each
    thought is waited for; as the model does where it cannot."""
    max_thought_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter (GGUF) that is laid over a base model while it answers."""

    path: Path
    scale: float = 1.0
    """Its strength; 0 is the base alone."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file on this machine, with an adapter over it where one is wanted."""

    id: str
    path: Path
    adapter: Adapter | None = None


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model behind an address."""

    id: str
    address: str


ModelRef = LocalModel | RemoteModel
"""What answers, for all who need not know where it is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose to answer with."""

    model: ModelRef
    device: Literal["auto", "cpu", "gpu", "split"] = "auto"
    """split puts half of the layers on the GPU, to compare with."""
    context_tokens: int = 0
    """0 takes the model's own, at most 4,096."""
    threads: int = 0
    """0 takes one for a small model, else what the others leave of the physical cores, chosen anew while it reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, of which model and how."""

    text: str
    meant: str
    """The text as TextAnalyzer.as_meant has it: all that reads it takes this; as it was typed it is stored and shown."""
    who: Visitor
    id: str
    conversation_id: str
    owner: str | None
    """Of the conversation: who may watch and stop the answer."""
    lang: Language
    choice: Choice
    sampling: Sampling
    template: str
    mode: Mode
    """How far the model may speak for itself; what was left out in the conversation may hold it all the same."""
    knowledge: bool
    """False asks the model without passages; what is on alcohol, pregnancy, infants, allergies or medicine is quoted all the same."""
    session: str
    """Whose turn it takes in the queue."""
    turns: tuple[Turn, ...]
    """Exchanges that come before those the store has."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a choice is to be loaded on this machine."""

    gpu_layers: int
    """0 keeps everything on the CPU, -1 puts all layers on GPUs."""
    context_tokens: int
    """0 takes the model's own, at most 4,096."""
    kv_type: str = "f16"
    """Of the KV cache: f16, q8_0 or q4_0."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """How long, and how many, models stay in memory when nobody asks."""

    idle_s: float = 1800.0
    """From the last answer to the unload; 0 keeps them for as long as the app runs."""
    models: int = 1


@dataclass(frozen=True, slots=True)
class Device:
    """A processor that llama.cpp can use, as its backend registry reports it."""

    id: str
    kind: Literal["cpu", "gpu", "igpu", "accel"]
    name: str
    backend: str
    memory_bytes: int
    free_bytes: int
    fresh: bool = True
    """False when the engine did not answer: as it was known last, or what the system says without llama.cpp."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF file as its header describes it."""

    id: str
    """File name without .gguf, or "built-in"."""
    path: Path
    architecture: str
    name: str
    parameters: int
    quantization: str
    size_bytes: int
    context_length: int
    chat_template: bool
    guarded: bool = False
    """Small enough that every sentence is held to the passages (guard.py)."""
    thinks: bool = False
    """Its chat template speaks of thoughts."""
    sampling: Sampling | None = None
    """As its header asks for; None where it says nothing."""


@dataclass(frozen=True, slots=True)
class Described:
    """What can be said of a model wherever it is, before it is loaded."""

    id: str
    file: str
    """Name of its file; empty for a model behind an address."""
    quantization: str
    """Empty where nobody here can look."""
    guarded: bool
    """Held to the passages unless a person chose otherwise: small, or out of sight."""
    small: bool = False
    """Too small to be trusted with free text, by its measured size; earlier turns lead it astray, too."""
    sampling: Sampling = Sampling()
    """How it writes where nobody asks for anything else: greedy when it is held, else as its file or the catalogue says."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model in the engine's memory, as the loader reports it."""

    model_id: str
    file: str
    quantization: str
    context_tokens: int
    requested: str
    used: str
    """cpu, cuda, metal, vulkan or split."""
    gpu_layers: int
    layers: int
    load_s: float
    threads: int
    """That wrote most of the last answer; those that it began with before the first."""
    memory_bytes: int
    """Highest resident memory of the worker since the load; the first answer raises it, because it fills the buffers."""
    kv_type: str = "f16"
    stepped_down: tuple[str, ...] = ()
    """What was lowered because memory ran out, as hub.plan.fallbacks names it; empty when nothing was."""
    predicted_bytes: int = 0
    """What memory_bytes was expected to become, from the header alone; 0 where nothing was predicted (a GPU holds a part)."""
    template_hash: str = ""
    """SHA-256 (hex) of the chat template's source text; "" where the model has none or nobody here can read it."""
    adapter: str | None = None
    """File name of the adapter that is laid over it."""
    adapter_scale: float | None = None
    thinks: bool = False
    """Its template or its vocabulary knows thoughts."""
    switches_thinking: bool = False
    """Its template can be told to think or not to."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Where one answer's time went; seconds of a monotonic clock, taken in the engine."""

    queue_s: float = 0.0
    load_s: float = 0.0
    """0 when the model was in memory (a warm answer)."""
    retrieve_s: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose state was still there and that were not read again."""
    prompt_s: float = 0.0
    first_token_s: float | None = None
    """From the engine taking the request to the first text of the answer; None when no text came."""
    completion_tokens: int = 0
    """Of the answer, thoughts left out."""
    completion_s: float = 0.0
    """From the first to the last token of the answer, thoughts left out."""
    tokens_per_s: float | None = None
    """(completion_tokens - 1) / completion_s; None below 2 tokens."""
    total_s: float = 0.0
    """From the call of ask()."""
    thought_s: float = 0.0
    """From the first token of a thought to the first one of the answer; 0 where nothing was thought."""
    thought_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that decoding may be held to."""

    text: str
    separator: str
    """What joins it to the sentence before: a space or a new line."""
    begins: bool
    """Whether an answer may begin with it."""
    may_end: bool
    after: tuple[int, ...]
    """Places of the sentences that may follow."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that was in the prompt and that the answer rests on."""

    number: int
    """As marked in the text: [1] is 1."""
    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class WordCount:
    word: str
    pos: Literal["drink", "noun", "english", "verb", "adjective"]
    count: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A finished question and answer, as the store keeps it."""

    conversation_id: str
    question_id: str
    message_id: str
    question: str
    answer: str
    language: Language
    finish: Finish
    error: str | None
    """The message shown for a failed answer; None otherwise."""
    citations: tuple[Citation, ...]
    loaded: Loaded | None
    """None when no model was loaded (the load failed)."""
    timing: Timing
    guard: str
    """How it was written: by a model that was held to sentences ("kept", "repaired"), freely ("off"), under a quotation ("quote_first") or
    without the notes ("no_notes"); by none: "said" where there was nothing to choose, "quoted" or "fixed"."""
    question_words: tuple[WordCount, ...] = ()
    answer_words: tuple[WordCount, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """Small extras as JSON: intent, dropped turns, template."""
    analyser: str = ""
    """words.VERSION that counted the words; charts never mix versions."""
    identity: str = ""
    """Of the generation (generation.identity); "" where no model wrote, or a part of it was not known."""
    trace: Mapping[str, Any] = field(default_factory=dict)
    """How it came to be (generation.trace), as JSON; empty for one that is read back, whose trace store.traces reads when it is wanted."""


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """A stored question with its latest answer."""

    conversation_id: str
    question_id: str
    question: str
    language: Language
    asked_at: datetime
    """UTC without a zone."""
    exchange: Exchange | None
    """None: no answer was recorded; it is still being written, or the process ended in the middle."""
    answers: int
    """How many answers the question has (retries); exchange is the last."""
    interrupted: bool
    """No answer, and the process that asked has ended: say so and offer a retry."""
