"""What protects people comes first: which cautions an answer begins with, what may follow them, and which lines stand under it.

A question whether somebody may, or one that names a state, is answered by the drink's own sentences of safety (Drink.details) for that state;
where there is none the answer says so. What was named earlier in the conversation counts for every later suggestion and may-I; under any
other answer it adds one line, once for each drink. Knows no SQL and no model; the sentences are generation.caution's.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from kdrinks.drinks.model import Detail, Drink
from kdrinks.drinks.read import load_details
from kdrinks.findings import Findings, Hit
from kdrinks.generation import caution
from kdrinks.generation.guard import COURTESIES
from kdrinks.kinds import Intent
from kdrinks.records import Passage
from kdrinks.search import cautions, concerns, decide, filters, learned_concerns
from kdrinks.search.concerns import Concern
from kdrinks.search.index import Index
from kdrinks.search.query import DECLINED, SENSITIVE_INTENTS, Heard, Query
from kdrinks.search.ranking import Search
from kdrinks.text.korean import split_sentences

MOST_DRINKS, MOST_CAUTIONS = 3, 6

_SAYS = re.compile(
    r"(?:[았었했였됐렸]어요?|습니다|[이예]에?요|이야|거든요?|중이야|있어요?|중이에요)[.!~ ]*$|^(?:i'm|i am|im|my \w+ is) [^?]*$",
    re.IGNORECASE,
)
"""Tells a state and asks for nothing."""

_OF_PLANTS: frozenset[str] = frozenset({"ingredients", "has_ingredient", "substitution"})
"""What is asked where a plant that can be taken for a poisonous one matters."""

_LIQUOR = re.compile(
    r"(?<![가-힣])술|막걸리|소주|음주|알코올|알콜|한 ?잔|\b(?:alcohol\w*|liquor|booze|drink(?:ing)?|soju|wine|makgeolli|drunk)\b",
    re.IGNORECASE,
)
_HOURS = re.compile(
    r"몇 ?시간|시간 ?(?:지나|뒤|후)|다음 ?날|아침|어제|어젯|새벽|언제|깨|hours?|how long|morning|last night|yesterday|when|wait",
    re.IGNORECASE,
)
_HONEY = re.compile("꿀|honey", re.IGNORECASE)

_QUOTED_AFTER = frozenset({"cautions", "topic", "belief", "document"})
"""Kinds that may follow a caution whatever was asked; of others only those that were asked for."""


def protect(search: Search, found: Findings, lifted: Collection[str] = ()) -> Findings:
    """The findings with their cautions, and with nothing behind these that reads as permission.

    lifted: exclusions of earlier questions that the person took back.
    """
    return _Care(search, found, lifted).findings()


class _Care:
    """One question's cautions."""

    def __init__(self, search: Search, found: Findings, lifted: Collection[str]) -> None:
        self.index: Index = search.index
        self.query: Query = search.query
        self.found, self.lang = found, search.query.lang
        self.drinks = search.drinks
        self.held = filters.without(search.held, lifted)
        known = [concern for said in self.query.spoken for concern in said.care if not _is_lifted(concern, lifted)]
        other = concerns.cued("other", self.query.text.lower())
        self.known = _once(one for one in known if not other and one.group not in ("poison", "hangover"))
        latest = self.query.spoken[-1:] if not self.query.mentions else ()
        going_on = [one for said in latest for one in said.care if one.group == "poison" and one.what != "asked"]
        poison = any(concern.group == "poison" for concern in (*self.query.care, *going_on))
        says = bool(self.query.care and not self.query.suggests and _SAYS.search(self.query.text))
        self.named = tuple(one for one in search.named if one not in self.query.examples)
        asks = (self.query.suggests or found.intent == "recommend") and not (self.query.may and self.named)
        self.suggests = asks and not poison and not says
        self.may = self.query.may or self.suggests
        self.asked = _once([*going_on, *self.query.care, *(self.known if self.may else ())])
        self.cautions: dict[str, Passage] = {}
        self.unsaid: list[str] = []
        self.behind: dict[str, Passage] = {}
        """The drinks' own texts on what to mind, said behind the rest."""

    def findings(self) -> Findings:
        found = self.found
        if found.listed:
            return self._listed()
        drinks = self._drinks()
        if found.intent in ("smalltalk", "injection") and self.query.care:
            return self._careful(drinks)
        named = (self.query.care and (drinks or self.query.may)) or (self.query.may and (drinks or self.known))
        if found.intent in COURTESIES and not (self._poisons() or named):
            return found
        if not drinks and not self.suggests and decide.ELSEWHERE.search(self.query.text) and not self._poisons():
            return found
        of_others = all(concern.group in cautions.MENTIONED for concern in self.query.care)
        asks_a_fact = of_others and bool(found.prompt_hits) and concerns.cued("fact", self.query.text.lower())
        if asks_a_fact and not (drinks or self.query.may or self.suggests or self._poisons()):
            return found
        if self.asked or (self.query.may and drinks and not self.suggests):
            return self._careful(drinks)
        return self._reminded(drinks)

    def _drinks(self) -> list[Drink]:
        offered = [hit.passage.subject_id for hit in self.found.prompt_hits if hit.passage.kind == "identity"]
        ids = self.found.subjects or (*self.named, *(offered if self.suggests else ()))
        if not ids and self.asked and not self._poisons():
            ids = tuple(drink.id for drink in cautions.begun(self.drinks.values(), self.query.text))
        return [self.drinks[one] for one in dict.fromkeys(ids) if one in self.drinks][:MOST_DRINKS]

    def _poisons(self) -> list[Concern]:
        return [concern for concern in self.asked if concern.group == "poison"]

    def _listed(self) -> Findings:
        """A list, a count or a comparison, held to what was named: behind its rules, and with the line that it permits nothing."""
        found = self.found
        if found.understood.operation == "compare" and not (self.query.care or self.query.may):
            return self._reminded(self._drinks())
        self.asked = _once([*self.query.care, *self.known])
        if not self.asked:
            return found
        for concern in self._poisons():
            self._on_poison((), concern)
        self._rules(())
        self.unsaid += [
            caution.line("list_permits_nothing", self.lang, on=concerns.called(concern.group, self.lang))
            for concern in self.asked
            if concern.group not in ("allergy", "poison", "hangover")
        ]
        told, unsaid = tuple(self.cautions.values())[:MOST_CAUTIONS], tuple(dict.fromkeys(self.unsaid))
        return replace(found, sensitive=found.sensitive or bool(told or unsaid), cautions=told, unsaid=unsaid)

    # what is said first

    def _careful(self, drinks: Sequence[Drink]) -> Findings:
        found = self.found
        if self._vague():
            return replace(found, unsaid=(caution.line("vague", self.lang),), under=tuple(self._chosen()))
        for drink in drinks:
            told = [self._on(drink, concern) for concern in self.asked if concern.group != "poison"]
            if told or not self.asked:
                self._own_safety(drink, whole=not (told and (all(told) or self.suggests)))
        for concern in self._poisons():
            self._on_poison(drinks, concern)
        self._rules(drinks)
        if self._asks_making():
            for drink in drinks:
                for detail in cautions.of_recipe(drink):
                    self._say(drink.id, self._title(drink), detail)
        after = self._after(drinks)
        if self.asked and not (drinks or self._poisons()):
            group, text = self.asked[0].group, self.query.text.lower()
            on, said = concerns.called(group, self.lang), concerns.said(group, self.lang)
            if self.suggests:
                self.unsaid.append(caution.line("none_fits", self.lang, on=on))
            elif not (self.query.may or "?" in text or concerns.cued("taking", text) or concerns.cued("making", text)):
                self.unsaid.append(caution.line("noted", self.lang, said=said))
            elif not self.cautions:
                self.unsaid.append(caution.line("nothing_named", self.lang, on=on))
        return replace(
            found,
            intent=self._intent(),
            sensitive=True,
            cautions=tuple(self.cautions.values())[:MOST_CAUTIONS],
            unsaid=tuple(dict.fromkeys(self.unsaid)),
            prompt_hits=tuple(after),
            under=tuple(self._chosen()),
        )

    def _vague(self) -> bool:
        """Whether it only sounds as if somebody had to be careful, of nobody knows what, and asks for nothing of the kind."""
        of_health = self.query.may or self.query.intent in SENSITIVE_INTENTS
        return self.asked == [learned_concerns.UNSURE] and not of_health

    def _intent(self) -> Intent:
        """The intent; a declined one becomes that of the concern which is answered all the same."""
        if self.found.intent in DECLINED and (self.cautions or self.unsaid):
            return next(iter(self.query.concerns), "health")
        return self.found.intent

    def _on(self, drink: Drink, concern: Concern) -> bool:
        """Say the drink's own sentences on the concern, or that there are none; whether it has one that warns."""
        if concern.group == "allergy":
            return self._on_allergy(drink, concern)
        group = concern.group
        rows = self._rows(drink, group)
        for row in rows:
            if not cautions.is_comfort(row):
                self._say(drink.id, self._title(drink), row)
        if not rows or any(cautions.is_comfort(row) for row in rows):
            self.unsaid.append(self._nothing(drink, group, known=bool(rows)))
        return not all(cautions.is_comfort(row) for row in rows)

    def _rows(self, drink: Drink, group: str) -> list[Detail]:
        return cautions.rows_on(drink, group, sobering_up=any(one.group == "hangover" for one in self.asked))

    def _nothing(self, drink: Drink, group: str, *, known: bool) -> str:
        """That the notes know no special caution, or hold nothing."""
        on = concerns.called(group, self.lang)
        return caution.line("no_special" if known else "no_row", self.lang, title=self._title(drink), on=on)

    def _on_allergy(self, drink: Drink, concern: Concern) -> bool:
        rows = cautions.rows_on(drink, "allergy")
        listed = not concern.what or cautions.holds(drink, concern.what)
        for row in rows if listed or not self.suggests else ():
            self._say(drink.id, self._title(drink), row)
        if not listed:
            thing = concerns.thing(concern.what, self.lang)
            self.unsaid.append(caution.line("not_listed", self.lang, title=self._title(drink), thing=thing))
        elif not rows:
            self.unsaid.append(self._nothing(drink, "allergy", known=False))
        return bool(rows) or not listed

    def _on_poison(self, drinks: Sequence[Drink], concern: Concern) -> None:
        topic = "gen-home-distilling" if cautions.DISTILLED.search(concern.surface) else concern.topic
        if topic:
            self._general(topic)
            return
        roots = (one for word in self.query.text.split() for one in self._rooted(word))
        near = {drink.id: drink for drink in (*drinks, *roots)}
        rows = cautions.on_poison(concern, self.query.text, list(near.values()), list(self.drinks.values()))
        for drink, row in rows:
            self._say(drink.id, self._title(drink), row)
        if not rows or concern.what in ("plants", "gathered", "ginkgo"):
            self._general("gen-emergency")

    def _rooted(self, word: str) -> list[Drink]:
        """The drinks named after a part of the word: 풋매실 -> maesil-cha."""
        parts = (word[start:end] for start in range(len(word)) for end in range(start + 2, len(word) + 1))
        ids = [one for part in parts for one in self.index.names.of_root(part)]
        return [self.drinks[one] for one in ids if one in self.drinks]

    def _rules(self, drinks: Sequence[Drink]) -> None:
        """The general rules that are said with what is named: of liquor where one is spoken of, of honey where there is some."""
        text = self.query.text
        unnamed = self.query.may or bool(_LIQUOR.search(text))
        liquor = any(not drink.alcohol_free for drink in drinks) or (not drinks and unnamed)
        for concern in self.asked:
            topic = concern.topic
            if concern.group == "infant_under_6m" and not drinks:
                self._general("gen-newborn-water-tea")
            if topic == "gen-honey-under-one":
                if _HONEY.search(text) or not drinks or any("honey" in drink.tags.diet for drink in drinks):
                    self._general(topic)
            elif topic == "gen-time-until-driving":
                if liquor and (not drinks or _HOURS.search(text)):
                    self._general(topic)
            elif topic in cautions.ALWAYS or (topic and liquor):
                self._general(topic)

    def _own_safety(self, drink: Drink, *, whole: bool) -> None:
        """The drink's own text on what to mind: whole, or the sentences that speak of what is named."""
        text = drink.safety.ko if self.lang == "ko" else drink.safety.en
        groups = [concern.group for concern in self.asked]
        kept = [
            one for one in split_sentences(text) if whole or any(concerns.speaks_of(g, one, self.lang) for g in groups)
        ]
        passage = Passage(
            f"{drink.id}.cautions.{self.lang}",
            drink.id,
            "cautions",
            self.lang,
            self._title(drink),
            " ".join(kept),
            drink.sources,
        )
        if kept and (left := caution.without_permission(passage)):
            self.behind.setdefault(left.id, left)
        elif not text and not groups:
            on = "마시는 것" if self.lang == "ko" else "drinking it"
            self.unsaid.append(caution.line("no_special", self.lang, title=self._title(drink), on=on))

    def _general(self, topic: str) -> None:
        for detail in load_details().get(topic, ()):
            if detail.aspect == "safety":
                self._say(topic, concerns.topic_called(topic, detail.group, self.lang), detail)

    def _say(self, subject_id: str, title: str, detail: Detail) -> None:
        passage = Passage(
            f"{subject_id}.safety-{detail.group}.{self.lang}",
            subject_id,
            "cautions",
            self.lang,
            title[:1].upper() + title[1:],
            self._in_words(detail),
            detail.sources,
        )
        self.cautions.setdefault(passage.id, passage)

    def _title(self, drink: Drink) -> str:
        return drink.title_ko if self.lang == "ko" else drink.title_en

    # what may follow

    def _asks_making(self) -> bool:
        return any(hit.passage.kind == "making" for hit in self.found.prompt_hits)

    def _after(self, drinks: Sequence[Drink]) -> list[Hit]:
        """The passages behind the cautions: what was asked for besides, nothing that reads as permission."""
        asked: set[str] = {"ingredients"} if any(one.group == "allergy" for one in self.asked) else set()
        if any(one.group == "caffeine_sensitive" for one in self.asked):
            asked.add("caffeine")
        if self.suggests:
            asked.add("identity")
        if not self.query.may:
            asked.add(self.found.intent)
            asked |= {"making"} if self.found.intent == "making" else set()
        if any(not drink.alcohol_free for drink in drinks):
            asked.add("alcohol")
        own = {drink.id for drink in drinks}
        kept = [Hit(passage, 0.0, None) for passage in self.behind.values()]
        for hit in self.found.prompt_hits:
            passage = hit.passage
            if (
                (passage.kind == "cautions" and passage.subject_id in own)  # its text stands there as far as it bears
                or not cautions.is_on(passage.subject_id, {one.group for one in self.asked})
                or (passage.kind not in _QUOTED_AFTER and passage.kind not in asked)
            ):
                continue
            if passage.subject_id in self.drinks and passage.subject_id not in own:
                continue
            left = passage if passage.kind == "caffeine" else caution.without_permission(passage)
            if left:
                kept.append(replace(hit, passage=left))
        return kept

    # what stands under an answer

    def _reminded(self, drinks: Sequence[Drink]) -> Findings:
        """The findings with a recipe's warnings before them, and under them what was said earlier and bears on the drinks."""
        found, under = self.found, list(self._chosen())
        making = self._asks_making() and found.intent != "compare"
        asked_before = {one for said in self.query.spoken for one in said.drinks}
        for drink in drinks if not self.suggests else ():
            if making:
                for detail in cautions.of_recipe(drink):
                    self._say(drink.id, self._title(drink), detail)
                under += [self._in_words(detail) for detail in cautions.on_spoiling(drink)]
            elif found.intent in _OF_PLANTS and drink.id not in asked_before:
                rows = [row for row in cautions.of_recipe(drink) if not cautions.DISTILLED.search(row.ko)]
                under += [self._in_words(row) for row in rows[:1]]
            if not self._was_told(drink.id):
                under += self._on_states(drink)
        told = tuple(self.cautions.values())
        return replace(found, sensitive=found.sensitive or bool(told), cautions=told, under=tuple(under))

    def _on_states(self, drink: Drink) -> list[str]:
        """A line for each state that was named, on what the drink's own sentence of it says; one where it was left out otherwise."""
        lines = []
        for concern in self.known:
            if concern.group == "allergy":
                if concern.what and not cautions.holds(drink, concern.what):
                    continue
                rows = cautions.rows_on(drink, "allergy")
            else:
                rows = self._rows(drink, concern.group)
            told = next((self._in_words(row) for row in rows if not cautions.is_comfort(row)), "")
            text = told or self._nothing(drink, concern.group, known=bool(rows))
            lines.append(caution.line("reminder", self.lang, said=concerns.said(concern.group, self.lang), text=text))
        if not lines and self.held.leaves_out and not filters.may_be_suggested(drink, self.held):
            lines.append(caution.line("does_not_fit", self.lang, title=self._title(drink)))
        return lines[:2]

    def _in_words(self, detail: Detail) -> str:
        return detail.ko if self.lang == "ko" else detail.en

    def _was_told(self, drink_id: str) -> bool:
        """Whether an earlier question was about the drink after the first state was named, or named it with the state."""
        spoken: Sequence[Heard] = self.query.spoken
        current: tuple[str, ...] = ()
        since = False
        for said in spoken:
            since = since or bool(said.care) or said.states
            current = said.drinks or current
            if since and drink_id in current:
                return True
        return False

    def _chosen(self) -> list[str]:
        """How a suggestion that leaves something out chose its drinks."""
        offered = [hit for hit in self.found.prompt_hits if hit.passage.kind == "identity"]
        if not (self.suggests and self.found.narrowed and offered):
            return []
        number = sum(filters.may_be_suggested(drink, self.held) for drink in self.drinks.values())
        return [caution.line("chosen", self.lang, number=str(number))] if number > len(offered) else []


def _once(found: Iterable[Concern]) -> list[Concern]:
    """Each group and thing once."""
    kept: dict[tuple[str, str], Concern] = {}
    for concern in found:
        kept.setdefault((concern.group, concern.what or concern.topic), concern)
    return list(kept.values())


def _is_lifted(concern: Concern, lifted: Collection[str]) -> bool:
    return concern.group in lifted or f"diet {concern.what}" in lifted or f"ingredient {concern.what}" in lifted
