"""Which topics and false beliefs a question touches: by cues, by shared words, by the drinks they are about. Pure."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kdrinks.drinks.model import Belief, Drink, Topic
from kdrinks.drinks.read import DATA
from kdrinks.errors import KnowledgeError
from kdrinks.kinds import Intent
from kdrinks.search.query import Query

BELIEF_FLOOR = 0.42
"""Telling words shared, counted by rarity, that make a belief about a named drink worth finding."""

TOXIC = re.compile(r"독성|유독|중독|\btoxic|poison", re.IGNORECASE)
"""A correction that says so belongs in front of any answer."""

_SAME = {word: "alcohol" for word in ("liquor", "liqueur", "booz", "spirit", "alcoholic", "wine", "drunk")} | {
    word: "술" for word in ("알코올", "알콜", "도수", "취하다")
}
"""Words that beliefs and questions use for one another."""

_GENERIC = frozenset(
    "contain mak mad drink tea sam both mean korean include exact alway us go put "
    "들어가다 있다 없다 같다 만들다 마시다 음료 넣다 되다 하다 말 이름 둘 모두 보다 먹다".split()
)
"""Search terms that a claim about any drink could hold."""


_OF_A_WORD: frozenset[Intent] = frozenset({"topic", "identity", "names", "making", "history", "why", "ingredients"})


@dataclass(frozen=True, slots=True)
class Cues:
    intents: frozenset[Intent]
    ko: tuple[str, ...]
    en: tuple[str, ...]
    needs: str


@dataclass(frozen=True, slots=True)
class Told:
    """A belief that a rare word of the question tells."""

    belief_id: str
    toxic: bool


class TopicMatcher:
    """Matches questions to topics and beliefs; built once from the data."""

    def __init__(
        self,
        topics: Sequence[Topic],
        beliefs: Sequence[Belief],
        drinks: Mapping[str, Drink],
        terms: Callable[[str, str], Sequence[str]],
    ) -> None:
        self._topics, self._beliefs, self._drinks, self._terms = topics, beliefs, drinks, terms
        self._cues = load_cues()
        names = {lang: set(self._name_terms(drinks.values(), lang)) for lang in ("ko", "en")}
        self._telling = {
            (belief.id, lang): (
                _plain(terms(getattr(belief.belief, lang), lang)) - names[lang],
                _plain(terms(getattr(belief.correction, lang), lang)) - names[lang],
            )
            for belief in beliefs
            for lang in ("ko", "en")
        }
        self._titled = {
            (topic.id, lang): set(terms(getattr(topic.title, lang).partition("(")[0], lang)) or {""}
            for topic in topics
            for lang in ("ko", "en")
        }
        self._rare = {(belief.id, lang): frozenset[str]() for belief in beliefs for lang in ("ko", "en")}
        self._rarity = {
            lang: _rarity(claim | correction for (_, of), (claim, correction) in self._telling.items() if of == lang)
            for lang in ("ko", "en")
        }

    def telling_words(self, lang: str) -> set[str]:
        """Words that only one belief holds: those of them that few passages hold tell it by themselves."""
        counts: dict[str, int] = {}
        for (_, of), (claim, correction) in self._telling.items():
            for word in (claim | correction) if of == lang else ():
                counts[word] = counts.get(word, 0) + 1
        return {word for word, count in counts.items() if count == 1 and len(word) > 1}

    def keep_rare(self, lang: str, rare: Collection[str], of_poison: Collection[str]) -> None:
        """rare: those of telling_words that hardly any other passage holds; of_poison: those that few enough do (철쭉, cheoljjuk)."""
        for belief in self._beliefs:
            claim, correction = self._telling[belief.id, lang]
            toxic = bool(TOXIC.search(getattr(belief.correction, lang)))
            self._rare[belief.id, lang] = frozenset(
                (claim | correction) & set(of_poison) if toxic else claim & set(rare)
            )

    def told(self, query: Query, asked: Iterable[str]) -> list[Told]:
        """Beliefs that share a rare word with the question: those about poison for any drink, the others for the drinks that are named."""
        words = _plain(asked)
        found = []
        for belief in self._beliefs:
            toxic = any(TOXIC.search(getattr(belief.correction, lang)) for lang in ("ko", "en"))
            about = not query.subjects or bool(set(query.subjects) & set(belief.related))
            if (toxic or about) and words & self._rare[belief.id, query.lang]:
                found.append(Told(belief.id, toxic))
        return sorted(found, key=lambda one: not one.toxic)

    def topics(self, query: Query) -> list[tuple[str, float]]:
        """(topic id, strength) of the topics that the question calls for: warnings first, then the strongest."""
        text = query.asked.lower()
        asked = set(self._terms(text, query.lang))
        found = []
        for topic in self._topics:
            cues = self._cues.get(topic.id)
            if cues is None or not self._applies(cues.needs, query.subjects):
                continue
            words = sum(cue in text for cue in (cues.ko if query.lang == "ko" else cues.en))
            probable = sum(query.probabilities.get(intent, 0.0) for intent in cues.intents)
            strength = min(words, 2) + (1.5 * probable if probable >= 0.5 else 0.0)
            if words and query.intent in cues.intents:
                strength += 1
            if not query.subjects and query.intent in _OF_A_WORD and self._titled[topic.id, query.lang] <= asked:
                strength += 1.5  # `누룩이 머에요`: it asks after the word itself
            if not query.subjects and cues.intents & set(query.concerns):
                # a caution that the question's words call for, however the rest of it sounds
                strength = max(strength, 1.0)
            if strength >= 0.75:
                strength += 0.2 * bool(set(query.subjects) & set(topic.related))
                found.append((bool(words and cues.needs), strength, topic.id))
        # a warning about liquor or honey that was asked for by name says more than health claims in general
        return [(topic, strength) for _, strength, topic in sorted(found, key=lambda item: (-item[0], -item[1]))]

    def beliefs(self, query: Query, asked: Iterable[str]) -> list[tuple[str, float]]:
        """(belief id, score) of the false beliefs that the question may share, strongest first; asked: its search terms."""
        words = _plain(asked)
        found = []
        for belief in self._beliefs:
            drinks = [other for other in belief.related if other in self._drinks]
            shared = [drink for drink in drinks if drink in query.subjects]
            score = self._belief_score(belief, query.lang, words)
            if query.intent == "compare" and len(shared) >= 2:
                score += 2.0
            if (shared or not query.subjects) and score >= (BELIEF_FLOOR if shared else 2.2):
                found.append((belief.id, score + 0.5 * len(shared)))
        return sorted(found, key=lambda item: -item[1])

    def _belief_score(self, belief: Belief, lang: str, asked: set[str]) -> float:
        """Rarity of the words that the question shares with the claim, and half of it for the correction's own."""
        claim, correction = self._telling[belief.id, lang]
        rarity = self._rarity[lang]
        return sum(rarity.get(word, 1.0) for word in asked & claim) + 0.7 * sum(
            rarity.get(word, 1.0) for word in asked & (correction - claim)
        )

    def _applies(self, needs: str, subjects: Sequence[str]) -> bool:
        drinks = [self._drinks[subject] for subject in subjects if subject in self._drinks]
        if not needs or not drinks:
            return True
        if needs == "alcohol":
            return any(not drink.alcohol_free for drink in drinks)
        return any(needs in drink.tags.diet for drink in drinks)

    def _name_terms(self, drinks: Iterable[Drink], lang: str) -> Iterable[str]:
        for drink in drinks:
            yield from self._terms(drink.title_ko if lang == "ko" else drink.title_en, lang)


def load_cues(path: Path = DATA / "topic_cues.toml") -> dict[str, Cues]:
    """When each topic belongs to a question. Raises KnowledgeError."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise KnowledgeError("data_unreadable", file=path.name, reason=str(exc)) from exc
    return {
        topic: Cues(frozenset(row["intents"]), tuple(row["ko"]), tuple(row["en"]), row.get("needs", ""))
        for topic, row in table.items()
    }


def _plain(words: Iterable[str]) -> set[str]:
    return {_SAME.get(word, word) for word in words if word not in _GENERIC}


def _rarity(documents: Iterable[set[str]]) -> dict[str, float]:
    """From 1 for a word that no text holds down to 0 for one that all hold."""
    sets = list(documents)
    counts: dict[str, int] = {}
    for words in sets:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    return {word: 1 - (count / len(sets)) ** 0.5 for word, count in counts.items()}
