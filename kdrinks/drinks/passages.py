"""Passages: what the drinks, topics and false beliefs say, one passage per kind of fact and language.

Pure: facts in (drinks.facts), passages out; which facts a kind tells, and how, is its row in kinds.TABLE. Knows nothing of search or of
the store's tables. The texts are the training format of the built-in model and they are what an answer quotes, so each one stands alone
beside its title. Where an answer does not say a text as it stands, the passage carries the sentences that say it (Passage.said): nobody
has to read a text again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import NamedTuple

from kdrinks import kinds
from kdrinks.drinks.facts import facts_of, facts_of_details
from kdrinks.drinks.model import Belief, Drink, Topic
from kdrinks.kinds import Field, Kind
from kdrinks.records import Language, Passage, Said
from kdrinks.store.facts import Fact
from kdrinks.text.korean import framed, has_hangul

_OF_DETAILS = tuple(kind for kind in kinds.OF_DRINKS if kinds.TABLE[kind].told == "details")


class _Part(NamedTuple):
    """A piece of a passage's text with the sentence that says it."""

    text: str
    sentence: str = ""
    """Empty where the text's own sentences say it."""
    leads: bool = False
    """The sentence only leads in to what comes."""


class _Facts:
    """The facts of one subject, as its passages in one language read them."""

    def __init__(
        self,
        subject_id: str,
        title: str,
        lang: Language,
        facts: Iterable[Fact],
        titles: Mapping[str, str] | None = None,
    ) -> None:
        self.subject_id, self.title, self.lang = subject_id, title, lang
        self._titles = titles or {}
        self._of: dict[str, list[Fact]] = {}
        for fact in facts:
            self._of.setdefault(fact.aspect, []).append(fact)

    def of(self, field: Field) -> list[Fact]:
        return self._of.get(field.aspect or field.name, [])

    def of_aspects(self, aspects: frozenset[str]) -> list[Fact]:
        return [fact for aspect, facts in self._of.items() if aspect in aspects for fact in facts]

    def texts(self, name: str) -> list[str]:
        """The names, items or sentences of a field; a drink that a fact names goes by its short name."""
        facts = self.of(kinds.FIELDS[name])
        found = [
            self._titles.get(fact.code, "") if fact.aspect == "similar" else fact.text(self.lang) for fact in facts
        ]
        return [text for text in found if text]


def all_passages(
    drinks: Iterable[Drink],
    topics: Iterable[Topic],
    beliefs: Iterable[Belief],
    languages: Iterable[Language] = ("ko", "en"),
) -> list[Passage]:
    """Every passage of the knowledge base, drinks first, in the order of the data."""
    drinks, topics, beliefs = list(drinks), list(topics), list(beliefs)
    told = [facts_of(drink) for drink in drinks]
    found: list[Passage] = []
    for lang in languages:
        titles = {drink.id: drink.title_ko if lang == "ko" else drink.title_en for drink in drinks}
        for facts in told:
            found += passages_of(facts, lang, titles)
        for topic in topics:
            text = passage_of_topic(topic, lang)
            own = _Facts(topic.id, text.title, lang, facts_of_details(topic.id, topic.details))
            found += [text, *(passage for kind in _OF_DETAILS for passage in _of_kind(kind, own))]
        found += [passage_of_belief(belief, lang) for belief in beliefs]
    return found


def passages_of(facts: Sequence[Fact], lang: Language, titles: Mapping[str, str] | None = None) -> list[Passage]:
    """The passages of one drink; a kind that its facts say nothing for is left out.

    facts: as facts_of() gives them, the title among them.
    titles: short names by drink id, for the kind "similar"; without it that kind is left out.
    """
    title = next(fact for fact in facts if fact.aspect == "title")
    own = _Facts(title.drink_id, title.text(lang), lang, facts, titles)
    return [passage for kind in kinds.OF_DRINKS for passage in _of_kind(kind, own)]


def _of_kind(kind: Kind, facts: _Facts) -> Iterator[Passage]:
    """The passage of a kind's fields, then one for each fact of its aspects that was not told yet."""
    row = kinds.TABLE[kind]
    whole = [fact for field in row.fields for fact in facts.of(field)]
    if row.told == "sentences":
        whole = whole[:1]  # of the same aspect the details come after it
        parts = [_Part(text) for fact in whole if (text := fact.text(facts.lang))]
    elif row.told == "phrases":
        parts = [part for field in row.fields for part in _phrase(field, facts)]
    else:
        parts = _OWN[kind](facts) if row.told == "own" else []
    if parts:
        yield _passage(kind, facts, parts, (source for fact in whole for source in fact.sources))
    told = {(fact.ko, fact.en) for fact in whole} if row.told == "sentences" else set()
    number = 0
    for fact in facts.of_aspects(row.aspects):
        if (fact.ko, fact.en) not in told:  # a sentence with several figures is several facts
            told.add((fact.ko, fact.en))
            number += 1
            if text := fact.text(facts.lang):
                one = _passage(kind, facts, [_Part(_stopped(text))], fact.sources, number)
                yield replace(one, aspect=fact.aspect, asked=fact.asked_ko if facts.lang == "ko" else fact.asked_en)


def _passage(
    kind: Kind, facts: _Facts, parts: Sequence[_Part], sources: Iterable[str], number: int | None = None
) -> Passage:
    mark = f".{number}" if number is not None else ""
    text, said = "", []
    for part in parts:
        text += (" " if text else "") + part.text
        if part.sentence:
            said.append(Said(part.sentence, 0 if part.leads else len(text)))
    return Passage(
        f"{facts.subject_id}.{kind}{mark}.{facts.lang}",
        facts.subject_id,
        kind,
        facts.lang,
        facts.title,
        text,
        tuple(dict.fromkeys(sources)),
        tuple(said),
    )


def passage_of_topic(topic: Topic, lang: Language) -> Passage:
    title, text = (topic.title.ko, topic.ko) if lang == "ko" else (topic.title.en, topic.en)
    return Passage(f"{topic.id}.topic.{lang}", topic.id, "topic", lang, title, text, topic.sources)


def passage_of_belief(belief: Belief, lang: Language) -> Passage:
    """The belief as people hold it, and then what is so."""
    if lang == "ko":
        claim, text = belief.belief.ko, f"'{belief.belief.ko}'라는 말은 사실과 다릅니다. {belief.correction.ko}"
    else:
        claim, text = belief.belief.en, f'It is not true that "{belief.belief.en}". {belief.correction.en}'
    return Passage(f"{belief.id}.belief.{lang}", belief.id, "belief", lang, claim, text, belief.sources)


def _is_spelling(alias: str, title: str) -> bool:
    """Whether an alias is the title written another way: shikhye finds sikhye, but nobody wants it as a name.

    Hangul counts only when it is the same; a Latin letter or two of difference is a romanization (0.7 parts all 105 drinks'
    spellings from their names).
    """
    one, other = (text.lower().replace("-", "").replace(" ", "") for text in (alias, title))
    return one == other if has_hangul(alias) else SequenceMatcher(None, one, other).ratio() > 0.7


def _phrase(field: Field, facts: _Facts, stop: str = ".") -> list[_Part]:
    """`Label: value.`, and its frame; nothing where the drink has no such fact."""
    if not (value := ", ".join(facts.texts(field.name))):
        return []
    return [
        _Part(f"{_label(field.name, facts.lang)}: {value}{stop}", _sentence(field.name, facts, value.removesuffix(".")))
    ]


def _label(name: str, lang: Language) -> str:
    """The word that stands before a field inside a passage."""
    return kinds.FIELDS[name].label.of(lang)


def _sentence(name: str, facts: _Facts, value: str, **more: str) -> str:
    return framed(kinds.FIELDS[name].frame.of(facts.lang), title=facts.title, value=value, **more)


def _names(facts: _Facts) -> list[_Part]:
    """Aliases of the language, then how the name is written in the other script."""
    ko = facts.lang == "ko"
    aliases = [one for one in facts.texts("names") if has_hangul(one) == ko and not _is_spelling(one, facts.title)]
    value = ", ".join(aliases)
    parts = [_Part(f"{_label('names', facts.lang)}: {value}.", _sentence("names", facts, value))] if value else []
    hanja = "".join(facts.texts("hanja"))
    (written,) = (fact.text("en" if ko else "ko") for fact in facts.of(kinds.FIELDS["roman"]))
    roman = f"{_label('roman', facts.lang)}: {written}"
    if hanja and ko:
        return [
            *parts,
            _Part(f"{_label('hanja', 'ko')}: {hanja}. {roman}.", _sentence("hanja", facts, hanja, roman=written)),
        ]
    in_hanja = f" ({hanja})" if hanja else ""
    return [*parts, _Part(f"{roman}{in_hanja}.", _sentence("roman", facts, written + in_hanja))]


def _ingredients(facts: _Facts) -> list[_Part]:
    return _phrase(kinds.FIELDS["ingredients"], facts, stop="")


def _making(facts: _Facts) -> list[_Part]:
    steps = [f"{number}. {_stopped(step)}" for number, step in enumerate(facts.texts("making"), 1)]
    lead = _Part(f"{_label('making', facts.lang)}:", _sentence("making", facts, ""), leads=True)
    return [lead, *(_Part(step, step) for step in steps)] if steps else []


def _similar(facts: _Facts) -> list[_Part]:
    return _phrase(kinds.FIELDS["similar"], facts)


_OWN: Mapping[Kind, Callable[[_Facts], list[_Part]]] = {
    "names": _names,
    "ingredients": _ingredients,
    "making": _making,
    "similar": _similar,
}
"""Kinds that are told in a way of their own."""


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "。")) else sentence + "."
