"""The kinds of passages in one table: what each is called, which facts of a drink it tells and how, how it is said, what is asked for it.

Everything that differs from kind to kind stands in its row; other rooms read the row and keep no list of kinds. The functions of
kinds that are told in a way of their own (names, lists, steps) are in drinks.passages. No imports from kdrinks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "identity",
    "names",
    "pronunciation",
    "ingredients",
    "making",
    "season",
    "serving",
    "region",
    "history",
    "heritage",
    "alcohol",
    "caffeine",
    "cautions",
    "amounts",
    "times",
    "tools",
    "substitution",
    "storage",
    "why",
    "similar",
    "topic",
    "belief",
    "document",
    "listing",
]
"""What a passage is about; those of a drink in the order of its passages."""

Intent = Literal[
    Kind,
    "has_ingredient",
    "occasion",
    "driving",
    "allergy",
    "diet",
    "infant",
    "pregnancy",
    "health",
    "etiquette",
    "compare",
    "recommend",
    "false_belief",
    "smalltalk",
    "about",
    "chat",
    "thanks",
    "farewell",
    "out_of_scope",
    "injection",
    "not_found",
    "clarify",
    "nearest",
    "unknown",
]
"""What a question asks for: a kind, or something that several kinds or none of them answer."""


class Both(NamedTuple):
    """A text in Korean and in English."""

    ko: str
    en: str

    def of(self, lang: Literal["ko", "en"]) -> str:
        return self.ko if lang == "ko" else self.en


_AS_IT_STANDS = Both("", "")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a drink's record, as a passage tells its facts."""

    name: str
    """In drinks.model.Drink."""
    label: Both
    """Stands before it in a passage; the drink's page and its form call it so too."""
    frame: Both = _AS_IT_STANDS
    """The sentence in which an answer says it, with {title} and {value}, `{title:은/는}` for a particle that fits; empty: as it stands."""
    shown: Both | None = None
    """What the pages call it, where that is not the label."""
    aspect: str = ""
    """Of its facts (drinks.facts), where that is not the field's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All that the rest of the app must know of a kind."""

    label: Both
    """What the kind is called beside a source."""
    told: Literal["sentences", "facts", "details", "phrases", "own", "elsewhere"]
    """How a drink's facts become passages: a text of whole sentences as it stands; sentences with sources, a passage each; the details of
    its aspects, a passage each; `label: value.` for each field; by a function of its own in drinks.passages; or not from a drink's facts."""
    fields: tuple[Field, ...] = ()
    aspects: frozenset[str] = frozenset()
    """Of the facts that have a passage each, beside the one of the fields: details (drinks.model.Aspect), history and heritage."""
    quoted: bool = False
    """No model phrases it: the answer quotes it, and a question for it counts as sensitive."""
    single_fact: bool = False
    """Holds one fact: of two such passages an answer says both or was not asked for both."""
    may_be_shortened: bool = False
    """Its first sentences are true without the rest. A recipe, a list, a correction or a document's excerpt is said whole."""
    of_one_drink: bool = False
    """Who asks for it has one drink in mind: of a drink from elsewhere nothing is found rather than something else."""
    compared: bool = False
    """Two drinks are compared in it, and it is told with another fact, when a word of the question names it."""
    questions: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """How people ask for it, Korean and English, with {title} and {은/는}: the sample conversations; none: they leave it out."""
    learned_as: Kind | None = None
    """The kind that the built-in model and the vectors take it for, which were trained before it came; None: they know it."""


TABLE: Mapping[Kind, Row] = {
    "identity": Row(
        label=Both("어떤 음료", "what it is"),
        told="sentences",
        fields=(Field("summary", Both("소개", "Summary")),),
        may_be_shortened=True,
        of_one_drink=True,
        questions=(
            ("{title}{이/가} 뭐예요?", "{title} 알려 주세요.", "{title}{은/는} 어떤 음료인가요?"),
            ("What is {title}?", "Tell me about {title}."),
        ),
    ),
    "names": Row(
        label=Both("이름", "names"),
        told="own",
        fields=(
            Field(
                "names",
                Both("다른 이름", "Other names"),
                Both("{title}의 다른 이름은 {value}입니다.", "{title} is also called {value}."),
                aspect="alias",
            ),
            Field("hanja", Both("한자", ""), Both("한자로는 {value}, 로마자로는 {roman}입니다.", "")),
            Field(
                "roman",
                Both("로마자", "Korean"),
                Both("로마자로는 {value}입니다.", "In Korean it is written {value}."),
                aspect="title",
            ),
        ),
        single_fact=True,
        of_one_drink=True,
    ),
    "pronunciation": Row(
        label=Both("발음", "pronunciation"),
        told="sentences",
        fields=(Field("pronunciation", Both("발음", "Pronunciation")),),
        single_fact=True,
        of_one_drink=True,
        learned_as="names",
    ),
    "ingredients": Row(
        label=Both("재료", "ingredients"),
        told="own",
        fields=(
            Field(
                "ingredients",
                Both("재료", "Ingredients"),
                Both("{title}의 재료는 {value}입니다.", "{title} is made with {value}."),
            ),
        ),
        single_fact=True,
        of_one_drink=True,
        compared=True,
        questions=(
            ("{title}에는 무엇이 들어가나요?", "{title} 재료 알려 주세요."),
            ("What is in {title}?", "Which ingredients does {title} need?"),
        ),
    ),
    "making": Row(
        label=Both("만드는 법", "how to make"),
        told="own",
        fields=(
            Field(
                "making",
                Both("만드는 법", "How to make"),
                Both("{title} 만드는 법은 이렇습니다.", "Here is how to make {title}."),
                aspect="steps",
            ),
        ),
        single_fact=True,
        of_one_drink=True,
        compared=True,
        questions=(
            ("{title} 만드는 법 알려 주세요.", "집에서 {title}{을/를} 어떻게 만드나요?"),
            ("How do I make {title}?", "Can I make {title} at home?"),
        ),
    ),
    "season": Row(
        label=Both("철", "season"),
        told="phrases",
        fields=(
            Field(
                "season",
                Both("철", "Season"),
                Both("{title}의 제철은 {value}입니다.", "The season for {title} is {value}."),
            ),
            Field(
                "occasion",
                Both("때", "Occasion"),
                Both("마시는 때는 {value}입니다.", "The occasion is {value}."),
            ),
        ),
        single_fact=True,
        compared=True,
        questions=(("{title}{은/는} 언제 마시나요?", "{title} 제철이 언제예요?"), ("When do people drink {title}?",)),
    ),
    "serving": Row(
        label=Both("마시는 법", "serving"),
        told="phrases",
        fields=(
            Field(
                "serve",
                Both("마시는 법", "Serve"),
                Both("{title:은/는} {value} 마십니다.", "Serve {title} {value}."),
                shown=Both("마시는 법", "Serving"),
            ),
            Field(
                "pairing",
                Both("어울리는 음식", "Goes with"),
                Both("어울리는 음식은 {value}입니다.", "It goes well with {value}."),
            ),
        ),
        single_fact=True,
        of_one_drink=True,
        compared=True,
        questions=(
            ("{title}{은/는} 어떻게 마셔야 맛있나요?", "{title}{와/과} 어울리는 음식이 있나요?"),
            ("How is {title} served?",),
        ),
    ),
    "region": Row(
        label=Both("지역", "region"),
        told="phrases",
        fields=(
            Field(
                "region",
                Both("지역", "Region"),
                Both("{title}의 지역은 {value}입니다.", "{title} is associated with {value}."),
            ),
        ),
        single_fact=True,
        of_one_drink=True,
        compared=True,
        questions=(("{title}{은/는} 어느 지역 음료예요?",), ("Where does {title} come from?",)),
    ),
    "history": Row(
        label=Both("역사", "history"),
        told="facts",
        fields=(Field("facts", Both("이야기", "Stories"), aspect="history"),),
        aspects=frozenset({"history", "first_record"}),
        may_be_shortened=True,
        of_one_drink=True,
        questions=(("{title}의 역사가 궁금해요.",), ("What is the history of {title}?",)),
    ),
    "heritage": Row(
        label=Both("문화유산", "heritage"),
        told="facts",
        fields=(Field("heritage", Both("전승과 문화유산", "Tradition and heritage")),),
        aspects=frozenset({"heritage"}),
        may_be_shortened=True,
        of_one_drink=True,
    ),
    "alcohol": Row(
        label=Both("도수", "alcohol"),
        told="sentences",
        fields=(Field("alcohol", Both("알코올", "Alcohol"), aspect="abv"),),
        quoted=True,
        single_fact=True,
        of_one_drink=True,
        compared=True,
        questions=(("{title}{은/는} 술인가요?", "{title} 도수가 몇 도예요?"), ("Is {title} alcoholic?",)),
    ),
    "caffeine": Row(
        label=Both("카페인", "caffeine"),
        told="sentences",
        fields=(Field("caffeine", Both("카페인", "Caffeine")),),
        aspects=frozenset({"caffeine"}),
        single_fact=True,
        of_one_drink=True,
        compared=True,
        questions=(("{title}에 카페인이 있나요?",), ("Does {title} have caffeine?",)),
    ),
    "cautions": Row(
        label=Both("주의", "cautions"),
        told="sentences",
        fields=(Field("safety", Both("주의할 점", "What to mind"), aspect="safety_text"),),
        aspects=frozenset({"gluten"}),
        quoted=True,
    ),
    "amounts": Row(
        label=Both("분량", "amounts"),
        told="details",
        aspects=frozenset({"amount", "ratio", "yield", "sweetness"}),
        single_fact=True,
        of_one_drink=True,
        learned_as="making",
    ),
    "times": Row(
        label=Both("시간과 온도", "times and temperatures"),
        told="details",
        aspects=frozenset({"time", "temperature", "total_time"}),
        single_fact=True,
        of_one_drink=True,
        learned_as="making",
    ),
    "tools": Row(
        label=Both("집에서 만들 때", "making it at home"),
        told="details",
        aspects=frozenset({"tools", "tip", "homemade"}),
        single_fact=True,
        of_one_drink=True,
        learned_as="making",
    ),
    "substitution": Row(
        label=Both("대신 쓰는 재료", "substitutes"),
        told="details",
        aspects=frozenset({"substitute"}),
        single_fact=True,
        of_one_drink=True,
        learned_as="ingredients",
    ),
    "storage": Row(
        label=Both("보관", "storage"),
        told="details",
        aspects=frozenset({"storage", "freezing"}),
        single_fact=True,
        of_one_drink=True,
        learned_as="topic",
    ),
    "why": Row(
        label=Both("까닭", "reasons"),
        told="details",
        aspects=frozenset({"why"}),
        of_one_drink=True,
        learned_as="history",
    ),
    "similar": Row(
        label=Both("비슷한 음료", "similar drinks"),
        told="own",
        fields=(
            Field(
                "similar",
                Both("비슷한 음료", "Similar drinks"),
                Both("{title}의 비슷한 음료는 {value}입니다.", "Drinks similar to {title} are {value}."),
            ),
        ),
        single_fact=True,
        of_one_drink=True,
    ),
    "topic": Row(
        label=Both("알아 두기", "good to know"),
        told="elsewhere",
        may_be_shortened=True,
        questions=(("{title}에 대해 알려 주세요.",), ("Tell me about {title}.",)),
    ),
    "belief": Row(label=Both("잘못 알려진 것", "false belief"), told="elsewhere"),
    "document": Row(label=Both("문서", "document"), told="elsewhere"),
    "listing": Row(label=Both("여러 음료", "over many drinks"), told="elsewhere", learned_as="topic"),
}

_UNKNOWN = Row(label=Both("그 밖", "other"), told="elsewhere", learned_as="document")
"""Of a kind that this version does not have: a stored citation of another version still opens, and its text is said whole."""


def row(kind: str) -> Row:
    """The kind's row; for a kind that only another version has, one that shows and says its passage as it stands."""
    return TABLE.get(kind, _UNKNOWN)  # type: ignore[call-overload, no-any-return]


def where(holds: Callable[[Row], bool]) -> frozenset[Kind]:
    """The kinds whose row is so."""
    return frozenset(kind for kind, one in TABLE.items() if holds(one))


QUOTED = where(lambda one: one.quoted)
DETAILED = where(lambda one: one.told == "details")
OF_DRINKS: tuple[Kind, ...] = tuple(kind for kind, one in TABLE.items() if one.told != "elsewhere")
FIELDS: Mapping[str, Field] = {field.name: field for one in TABLE.values() for field in one.fields}
"""By name: no two kinds tell the same field."""


def learned_as(kind: str) -> str:
    """The kind that what was trained takes this one for."""
    return row(kind).learned_as or kind
