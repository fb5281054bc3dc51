"""Endless examples for the built-in model: real and invented drinks, questions in many wordings, one right answer each.

An example is (intent, language, passages, question, answer). The passages are those of kdrinks.drinks.passages, the
answer is templates.render() of the passages that belong to the question. Everything is a function of the seed and the data files.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdrinks.generation.templates import render
from kdrinks.records import Language, Passage
from kdrinks.text.korean import josa
from training.pools import KINDS, PROSE, World
from training.synthesize import PAIRS, Inventor

MORE = {"history": 0.5, "heritage": 0.3, "allergens": 0.5, "infants": 0.5, "pregnancy": 0.7}
"""How often one more passage of a drink stands in the prompt: knowledge.choose gives several for these intents alone."""


DECLINED = 0.25
"""Share of the questions that nothing was found for: four answers among thousands of wordings. They are short: a tenth of the tokens."""


@dataclass(frozen=True, slots=True)
class Example:
    intent: str
    lang: Language
    passages: tuple[Passage, ...]
    question: str
    answer: str


def belonging(intent: str, passages: Sequence[Passage], subjects: Sequence[str] = ()) -> list[Passage]:
    """The passages that the answer says: of the named subjects and of the kinds that the intent asks for.

    Prose of topics and documents always belongs; when nothing would, everything does. subjects: ids; empty means any.
    """
    kinds = KINDS.get(intent)
    own = [
        passage
        for passage in passages
        if passage.kind in PROSE
        or ((not subjects or passage.subject_id in subjects) and (kinds is None or passage.kind in kinds))
    ]
    return own or list(passages)


class Examples:
    """Draws examples. One instance per seed; the same seed draws the same examples. real: only drinks and prose of the data."""

    def __init__(self, world: World, seed: int, real: bool = False) -> None:
        self.world = world
        self.inventor = Inventor(world, seed, real)
        self.rng = self.inventor.rng

    # --- questions

    def ask(self, intent: str, lang: Language, names: Sequence[str], named: bool = False) -> str:
        """A wording of the intent, its slots filled, sometimes mistyped. named: the first name has to be in it."""
        rng = self.rng
        pools = self.world.wordings[lang]
        known = pools.get(intent) or pools.get("topic") or ["{name}?"]
        text = rng.choice(known)
        if named and "{name" not in text:
            text = rng.choice([t for t in known if "{name" in t] or ["{name}?"])
        values = {
            "name": names[0] if names else self.inventor.title(lang),
            "other": names[1] if len(names) > 1 else self.inventor.title(lang),
        }
        values["item"] = re.sub(r"\s*\(.*?\)", "", rng.choice(self.world.items[lang]))
        base = rng.choice(self.world.drinks)
        for slot in ("season", "occasion", "region"):
            value = re.split(r"[,(~·]", base[slot][lang])[0].strip()
            values[slot] = value or ("여름" if lang == "ko" else "summer")
        values["mood"] = rng.choice(
            ("우울할 때", "피곤할 때", "기쁠 때", "긴장될 때") if lang == "ko" else ("tired", "sad", "happy", "tense")
        )
        values["weather"] = rng.choice(
            ("비 오는 날", "눈 오는 날", "더운 날", "추운 날") if lang == "ko" else ("rainy", "hot", "cold", "snowy")
        )
        text = fill(text, lang, values)
        return text if named and rng.random() < 0.8 else self.noised(text, lang)

    def noised(self, text: str, lang: str) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.04 and lang == "ko":
            return text.replace(" ", "")
        if kind < 0.10:
            return text.lower() if lang == "en" else text.rstrip("?.!")
        if kind < 0.13 and len(text) > 4:
            place = rng.randrange(len(text) - 1)
            return text[:place] + text[place + 1 :]
        return text + rng.choice(("?", "!", "~", " ㅎㅎ", "..")) if kind < 0.15 else text

    # --- examples

    def example(self, longest: int = 10_000, simple: bool = False) -> Example:
        """One example. longest: characters of all passages together; simple: one passage that belongs."""
        while True:
            made = self._example(simple)
            if sum(len(p.text) + len(p.title) for p in made.passages) <= longest:
                return made

    def _example(self, simple: bool) -> Example:
        rng = self.rng
        lang: Language = "ko" if rng.random() < 0.55 else "en"
        draw = rng.random()
        if draw < (0.04 if simple else DECLINED):
            return self._declined(lang)
        if draw < DECLINED + 0.06:
            passages = [self.inventor.document(lang)]
            if not simple and rng.random() < 0.15:
                passages.append(self.inventor.document(lang))
            intent = "false_belief" if passages[0].kind == "belief" else "topic"
            return self._answered(
                intent, lang, passages, [passages[0].title], named=intent == "topic" and rng.random() < 0.5
            )
        if not simple and draw < DECLINED + 0.19:
            return self._several(lang)
        own = self.inventor.drink(lang)
        intents = [i for i in KINDS if any(p.kind in KINDS[i] for p in own)]
        intent = rng.choice(intents)
        if rng.random() < 0.3:
            intent = rng.choice(("identity", "ingredients", "making", "history"))
        fit = [p for p in own if p.kind in KINDS[intent]]
        if not fit:
            intent, fit = "identity", [p for p in own if p.kind == "identity"] or own[:1]
        first = [p for p in fit if p.kind == KINDS[intent][0]]
        passages = [rng.choice(first or fit)]
        if simple:
            return self._answered(intent, lang, passages, [own[0].title])
        while len(passages) < 3 and rng.random() < MORE.get(intent, 0.04):
            more = [p for p in fit if p not in passages]
            if not more:
                break
            passages.append(rng.choice(more))
        name, named = [passages[0].title], False
        if rng.random() < 0.08 and len(passages) < 3:
            if rng.random() < 0.5:
                strange = [p for p in own if p.kind not in KINDS[intent]]
            else:
                named = True
                strange = [p for p in self.inventor.drink(lang) if p.kind in KINDS[intent] or rng.random() < 0.1]
            if strange:
                # The search puts what was asked for first: seldom does the answer begin elsewhere.
                place = 0 if rng.random() < 0.15 else rng.randint(1, len(passages))
                passages.insert(place, rng.choice(strange))
        elif rng.random() < 0.05:  # asked for something else than what was found: what was found is said
            intent = rng.choice(list(KINDS))
        return self._answered(intent, lang, passages, name, own[0].subject_id, named)

    def _several(self, lang: Language) -> Example:
        """A comparison or a recommendation."""
        rng = self.rng
        if rng.random() < 0.5:
            both = self._drinks(lang, 2)
            passages = [p for own in both for p in own if p.kind == "identity"]
            if rng.random() < 0.1:
                extra = [p for own in both for p in own if p.kind in ("alcohol", "ingredients", "caffeine")]
                passages = [*passages, rng.choice(extra)] if extra else passages
            elif rng.random() < 0.05:
                passages.append(self.inventor.document(lang))
            names = [own[0].title for own in both]
            return self._answered("compare", lang, passages, names[::-1] if rng.random() < 0.3 else names)
        every = self._drinks(lang, rng.choice((1, 2, 2, 3, 3, 3)))
        passages = [p for own in every for p in own if p.kind == "identity"]
        if rng.random() < 0.1 and len(passages) < 3:
            passages.append(self.inventor.document(lang))
        return self._answered("recommend", lang, passages, [])

    def _drinks(self, lang: Language, n: int) -> list[list[Passage]]:
        """n drinks, no one twice: nobody compares a drink with itself."""
        found: dict[str, list[Passage]] = {}
        while len(found) < n:
            own = self.inventor.drink(lang)
            found.setdefault(own[0].title, own)
        return list(found.values())

    def _declined(self, lang: Language) -> Example:
        rng = self.rng
        intent = rng.choice(("not_found", "out_of_scope", "injection", "smalltalk"))
        if intent == "not_found" and rng.random() < 0.6:
            return Example(intent, lang, (), self.ask(rng.choice(list(KINDS)), lang, []), render(intent, lang, ()))
        return Example(intent, lang, (), self.ask(intent, lang, []), render(intent, lang, ()))

    def _answered(
        self,
        intent: str,
        lang: Language,
        passages: list[Passage],
        names: list[str],
        subject: str = "",
        named: bool = False,
    ) -> Example:
        if not passages:
            return Example("not_found", lang, (), self.ask("identity", lang, names), render("not_found", lang, ()))
        own = belonging(intent, passages, [subject] if subject else ()) if intent in KINDS else passages
        return Example(intent, lang, tuple(passages), self.ask(intent, lang, names, named), render(intent, lang, own))


def fill(text: str, lang: str, values: Mapping[str, str]) -> str:
    """The wording with its slots filled: `{name}`, `{name:은/는}`, and Korean particles right after a slot made to fit."""

    def filled(match: re.Match[str]) -> str:
        value = values.get(match["slot"], values["item"])
        if match["forms"]:
            return value + josa(value, match["forms"])
        if match["loose"]:
            return value + josa(value, next(pair for pair in PAIRS if match["loose"] in pair.split("/")))
        return value

    loose = r"(?P<loose>은|는|이|가|을|를|과|와)?(?![가-힣])" if lang == "ko" else "(?P<loose>)"
    text = re.sub(r"\{(?P<slot>\w+)(?::(?P<forms>[^}]+))?\}" + loose, filled, text)
    return re.sub(r"\{(?P<slot>\w+)(?::(?P<forms>[^}]+))?\}(?P<loose>)", filled, text)
