"""The sample data set: three months of made-up conversations, so that an analyst sees full charts before the first real one.

Questions are templates, answers are sentences of the packaged knowledge, timings are drawn from plausible spreads and their models are
named `sample-…`, so that nobody takes them for measured ones. Marked by their session (chats.SAMPLE_SESSION): they are in no list of a
person's own conversations, the analytics page says that they are there, and one call removes them.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kdrinks import kinds
from kdrinks.drinks.passages import all_passages
from kdrinks.drinks.read import load_beliefs, load_drinks, load_topics
from kdrinks.generation import templates
from kdrinks.permissions import administrators_only
from kdrinks.records import Citation, Exchange, Language, Loaded, Passage, Timing, Visitor, WordCount
from kdrinks.store import chats, forget, sample
from kdrinks.store.db import Database, new_id, now
from kdrinks.text.analyzer import VERSION, TextAnalyzer
from kdrinks.text.korean import josa

DAYS = 90
CONVERSATIONS = 160
FAVOURITES = (
    "sikhye",
    "makgeolli",
    "sujeonggwa",
    "omija-cha",
    "cheongju",
    "andong-soju",
    "ssanghwa-cha",
    "maesil-cha",
    "yuja-cha",
)
"""What people ask about most, in this order; every other drink comes up now and then."""


@dataclass(frozen=True, slots=True)
class _Setup:
    """A device with a model, and about how fast it is."""

    loaded: Loaded
    tokens_per_s: float
    prompt_tokens_per_s: float
    share: float


def _loaded(
    name: str, quantization: str, device: str, layers: int, load_s: float, memory_mb: int, context: int
) -> Loaded:
    gpu_layers = {"cpu": 0, "split": layers // 2}.get(device, layers)
    return Loaded(
        f"sample-{name}",
        f"sample-{name}.gguf",
        quantization,
        context,
        "auto",
        device,
        gpu_layers,
        layers,
        load_s,
        4,
        memory_mb * 10**6,
    )


SETUPS = (
    _Setup(_loaded("mini-10m", "Q8_0", "cpu", 6, 0.3, 130, 1024), 620, 6000, 0.42),
    _Setup(_loaded("chat-1.5b", "Q4_K_M", "cpu", 28, 2.1, 1650, 4096), 31, 150, 0.24),
    _Setup(_loaded("chat-1.5b", "Q8_0", "cpu", 28, 3.2, 2350, 4096), 19, 120, 0.08),
    _Setup(_loaded("chat-7b", "Q4_K_M", "cuda", 32, 4.0, 6100, 8192), 88, 2400, 0.16),
    _Setup(_loaded("chat-7b", "Q4_K_M", "split", 32, 5.5, 6300, 8192), 22, 480, 0.07),
    _Setup(_loaded("chat-7b", "Q4_K_M", "metal", 32, 3.1, 5900, 8192), 44, 620, 0.03),
)


def load(
    db: Database,
    who: Visitor,
    words: TextAnalyzer,
    *,
    conversations: int = CONVERSATIONS,
    seed: int = 7,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Add the sample, in place of one that is there already; returns how many conversations it has.

    progress: called with the share done while words are counted (the first call loads Kiwi, 2 to 3 s). Raises NotAllowed.
    """
    administrators_only(who)
    chance, at = random.Random(seed), now()
    by_subject = _passages()
    talks = []
    for number in range(conversations):
        if progress:
            progress(number / conversations)
        talks.append(_talk(chance, words, by_subject, at))
    forget.of_session(db, who, chats.SAMPLE_SESSION)
    sample.add(db, who, talks)
    return len(talks)


def remove(db: Database, who: Visitor) -> int:
    """Delete the sample; returns how many conversations it had. Raises NotAllowed."""
    return forget.of_session(db, who, chats.SAMPLE_SESSION)


def _talk(
    chance: random.Random, words: TextAnalyzer, subjects: dict[tuple[str, Language], list[Passage]], until: datetime
) -> list[tuple[datetime, Exchange]]:
    """One conversation of 1 to 4 questions on one subject, more of them in the last weeks, in waking hours."""
    lang: Language = "ko" if chance.random() < 0.7 else "en"
    names = sorted({name for name, of in subjects if of == lang})
    favourites = [name for name in FAVOURITES if (name, lang) in subjects]
    if favourites and chance.random() < 0.65:
        subject = chance.choices(favourites, [1 / (place + 1) for place in range(len(favourites))])[0]
    else:
        subject = chance.choice(names)
    passages = subjects[subject, lang]
    day = until - timedelta(
        days=int(DAYS * chance.random() ** 1.6), hours=chance.choice((1, 2, 3, 5, 8, 9, 10, 11, 12, 13))
    )
    setup = chance.choices(SETUPS, [one.share for one in SETUPS])[0]
    conversation_id, asked_at = new_id(), min(day - timedelta(minutes=chance.randrange(50)), until)
    talk = []
    kinds = sorted({passage.kind for passage in passages})
    asked = chance.sample(kinds, min(chance.choice((1, 1, 2, 2, 3, 4)), len(kinds)))
    for place, kind in enumerate(asked):
        passage = chance.choice([passage for passage in passages if passage.kind == kind])
        said = _exchange(chance, words, passage, setup, conversation_id, cold=place == 0 and chance.random() < 0.3)
        talk.append((asked_at, said))
        asked_at += timedelta(seconds=said.timing.total_s + chance.randrange(20, 90))
    return [(at, said) for at, said in talk if at <= until]


def _exchange(
    chance: random.Random, words: TextAnalyzer, passage: Passage, setup: _Setup, conversation_id: str, *, cold: bool
) -> Exchange:
    question = _fill(chance.choice(kinds.row(passage.kind).questions[0 if passage.lang == "ko" else 1]), passage.title)
    answer = " ".join(templates.sentences(passage)[:6]) + " [1]"
    quoted = kinds.row(passage.kind).quoted and setup.tokens_per_s > 500
    failed = chance.random() < 0.02
    loaded = setup.loaded
    prompt_tokens = int(60 + len(passage.text) * chance.uniform(0.7, 1.4) + chance.expovariate(1 / 220))
    cached = 0 if cold else int(prompt_tokens * chance.choice((0.0, 0.3, 0.7)))
    first = (prompt_tokens - cached) / (setup.prompt_tokens_per_s * chance.lognormvariate(0, 0.25)) + 0.02
    speed = setup.tokens_per_s * chance.lognormvariate(0, 0.15)
    tokens = max(8, int(len(answer) * (0.6 if passage.lang == "ko" else 0.28)))
    timing = Timing(
        queue_s=chance.expovariate(8) if chance.random() < 0.2 else 0.0,
        load_s=loaded.load_s * chance.lognormvariate(0, 0.2) if cold else 0.0,
        retrieve_s=chance.uniform(0.004, 0.02),
        prompt_tokens=prompt_tokens,
        cached_tokens=cached,
        prompt_s=first * 0.95,
        first_token_s=None if failed else first,
        completion_tokens=0 if failed else tokens,
        completion_s=0.0 if failed else tokens / speed,
        tokens_per_s=None if failed else speed,
        total_s=first + tokens / speed,
    )
    error = {"ko": "예시: 엔진이 끝났습니다.", "en": "Sample: the engine ended."}[passage.lang] if failed else None
    return Exchange(
        conversation_id=conversation_id,
        question_id=new_id(),
        message_id=new_id(),
        question=question,
        answer="" if failed else answer,
        language=passage.lang,
        finish="failed" if failed else "stop",
        error=error,
        citations=() if failed else (Citation(1, passage, round(chance.uniform(4, 18), 2)),),
        loaded=replace(loaded, memory_bytes=int(loaded.memory_bytes * chance.lognormvariate(0, 0.02))),
        timing=timing,
        guard="quoted" if quoted else chance.choices(("kept", "repaired", "fixed", "off"), (80, 8, 4, 8))[0],
        question_words=tuple(words.count(question)),
        answer_words=() if failed else tuple(_own(words, answer)),
        details={
            "intent": passage.kind,
            "template": "guide",
            "dropped_turns": 0,
            "predicted_memory_bytes": int(loaded.memory_bytes * 1.06),
        },
        analyser=VERSION,
    )


def _own(words: TextAnalyzer, answer: str) -> Sequence[WordCount]:
    return words.count(answer.removesuffix(" [1]"))


def _passages() -> dict[tuple[str, Language], list[Passage]]:
    """What can be asked about each subject, by subject and language."""
    found: dict[tuple[str, Language], list[Passage]] = {}
    for passage in all_passages(load_drinks(), load_topics(), load_beliefs()):
        if any(kinds.row(passage.kind).questions):
            found.setdefault((passage.subject_id, passage.lang), []).append(passage)
    return found


def _fill(template: str, title: str) -> str:
    """`{title}` and `{은/는}`, the particle that fits it."""
    text = template.replace("{title}", title)
    for forms in ("이/가", "은/는", "을/를", "와/과"):
        order = "과/와" if forms == "와/과" else forms
        text = text.replace("{" + forms + "}", josa(title, order))
    return text
