"""A question as it is looked at for operations over many drinks: its text with names masked, and what it turns out to ask. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from kdrinks.drinks.ingredients import named
from kdrinks.records import Language
from kdrinks.search import operation_words
from kdrinks.search.entities import Mention
from kdrinks.search.operation_words import said
from kdrinks.search.query import OPERATIONS, READ_FROM, Query
from kdrinks.search.reading import MASK
from kdrinks.store.drink_queries import DrinkQuery

_PLURALS = re.compile(r"\b(tea|wine|liquor|spirit|liqueur|punch|brew|drink|beverage)(?:e?s)\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question over many drinks."""

    query: DrinkQuery
    """Without `among`: which drinks may be answered is for whoever asks it."""
    unknown: str = ""
    """What it wants drinks measured by that no record has a figure for (a key of [unknown]): then nothing is asked of the store."""
    of_those: bool = False
    """Of the drinks that were answered before."""
    explicit: bool = False
    """It says that it wants all of them, or how many: also where a person's state is named."""
    region_of: str = ""
    """The drink whose region is meant."""
    compared: tuple[str, ...] = ()
    by_taste: tuple[str, ...] = ()
    """They are set beside each other by what they taste like: names of [quality] in data/operations.toml."""
    ingredients: tuple[str, ...] = ()
    """Those that are named, in their order."""
    foods: tuple[str, ...] = ()
    """As the question names them."""
    few: bool = False
    """It may be a suggestion: told as a list where that has conditions, all of them understood, and is short."""
    refines: bool = False
    """It says only what is different from the question before: `그럼 전라도는?`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A question as it is looked at here."""

    text: str
    """Lower case, single spaces, names of drinks masked, those that name a kind by its word."""
    lang: Language
    subjects: tuple[str, ...]
    """Drinks that it names and does not rule out."""
    kinds: frozenset[str]
    """Kinds named by a drink's name: `막걸리 종류`."""
    follows: bool
    """There was a question before."""
    whole: str
    """With the names of drinks, in lower case."""
    spoken_of: tuple[str, ...] = ()
    """The drinks of the conversation, where the question names none."""

    @property
    def of_all(self) -> bool:
        """`다 알려줘` after `차 몇 가지 있어?`"""
        return bool(said("all", self.text, self.lang))


def as_tags_say(text: str, lang: Language) -> str:
    """The question with words as the words of tags have them: `flower teas` asks for flower tea, `단 건` for 단 거."""
    if lang == "ko":
        return re.sub(r"(?<![가-힣])단 (?:건|게|것들)", "단 거", text)
    return _PLURALS.sub(r"\1", text)


def hear(query: Query, *, spoken_of: Sequence[str], follows: bool) -> Heard:
    """Masked, but for a name that stands for its kind, as in `소주 중에`, `which makgeolli`, `가장 독한 소주`."""
    names: Mapping[str, str] = operation_words.table()["kind_names"]
    kinds: set[str] = set()
    text, kept = query.text, []
    mentions = [mention for mention in query.mentions if not _is_ingredient(mention, query.lang)]
    several = len({mention.drink_ids for mention in mentions}) > 1
    for mention in sorted(mentions, key=lambda one: -one.start):
        kind = next((names[one] for one in (mention.surface.lower(), *mention.drink_ids) if one in names), "")
        of_many = query.reading.share(*OPERATIONS) >= READ_FROM
        left_out = bool(set(mention.drink_ids) & set(query.rejected))
        if kind and not (several or left_out) and (of_many or _means_kind(query.text.lower(), mention, query.lang)):
            kinds.add(kind)
            word = {"ko": "전통주", "en": "drinks"}[query.lang]
        else:
            kept += [one for one in mention.drink_ids if one in query.subjects][:1]
            word = MASK
        text = text[: mention.start] + word + text[mention.end :]
    text = " ".join(text.lower().replace("’", "'").split())
    if query.lang == "en":
        text = re.sub(r"[a-z]{6,}", lambda word: _mended(word[0]), text)
    for kind in set(names.values()):
        text, found = re.subn(rf"\b{kind}s\b", "drinks", text)
        kinds |= {kind} if found else set()
    return Heard(
        text=text,
        lang=query.lang,
        subjects=tuple(reversed(kept)),
        kinds=frozenset(kinds),
        follows=follows,
        whole=query.text.lower(),
        spoken_of=() if kept else tuple(spoken_of) or query.rejected,
    )


@lru_cache(maxsize=2000)
def _mended(word: str) -> str:
    """`strongst` as it was meant: only words that say what is asked are mended."""
    known: Sequence[str] = operation_words.table()["mended"]
    return word if word in known else next(iter(get_close_matches(word, known, n=1, cutoff=0.88)), word)


def _is_ingredient(mention: Mention, lang: Language) -> bool:
    """Whether what looks like a misspelt name is an ingredient with its particle: 대추가 is no 대추차."""
    found = named(mention.surface.lower(), lang)
    return mention.distance > 0 and bool(found) and found[0][0] == 0


_KIND_BEHIND = re.compile(
    r"^s?(?:들|류|계열)?(?:은|는|이|의|에는|엔)? ?(?:(?:어떤 |무슨 )?종류|중|가운데|[몇몆] ?(?:가지|종류|종|개)|뭐뭐|목록|리스트|전부|모두|다 |싹|(?:어떤|무슨) ?(?:거|것|게)(?:들)?이? ?있|뭐(?:가|가가)? ?(?:있|잇)|들)"
    r"|^s?(?: (?:types|kinds|sorts|varieties)\b| are there| do you (?:know|have)| in the (?:notes|data)|,? (?:by|ranked|sorted|in order))"
)
_KIND_BEFORE = re.compile(
    r"(?:(?:가장|제일|젤|최고로?|도수) ?\S* ?\S*[한센쎈른된운은는린] |(?:모든|전체|어떤|무슨|지역|각종) |(?:의|산|도|주|서) )$"
    r"|\b(?:kinds?|types?|sorts?|varieties|brands?) of (?:korean |traditional )?$|\b(?:most|least) \w+ $|\b(?:all|every|each|which|what|any|many|list|most|\w+est|different)(?: (?:of|the|alcoholic|potent|ancient|recent|korean|traditional|kinds of))* $"
)


def _means_kind(text: str, mention: Mention, lang: Language) -> bool:
    behind, before = text[mention.end :], text[: mention.start]
    plural = lang == "en" and re.match(r"s\b", behind)
    return bool(plural or _KIND_BEHIND.match(behind) or _KIND_BEFORE.search(before))


def of_those(heard: Heard) -> bool:
    """Whether it points to the drinks of the answer before."""
    return heard.follows and bool(said("those", heard.text, heard.lang))
