"""What a drink's details say can be quoted, asked by its figures and relied on by who must take care."""

import re
from collections.abc import Iterator
from itertools import groupby

import pytest

from kdrinks.drinks.model import Detail, Drink
from kdrinks.drinks.read import load_details, load_drinks, load_topics
from tests.support.numbers_said import is_said, numbers_in

DETAILS = load_details()
DRINKS = load_drinks()
ROWS = [(subject, detail) for subject, details in DETAILS.items() for detail in details]
LIQUORS = [drink for drink in DRINKS if not drink.alcohol_free]

MINUTES = {"minutes": 1, "hours": 60, "days": 60 * 24}
"""Units of a time to make."""

NAMED = {
    "gluten": ("글루텐", "gluten"),
    "nuts": ("잣|호두|견과", r"nuts?\b"),
    "peanut": ("땅콩", "peanut"),
    "egg": ("달걀", "egg"),
    "milk": ("우유", "milk"),
    "soy": ("콩|대두", "soy"),
    "sesame": ("참깨", "sesame"),
    "buckwheat": ("메밀", "buckwheat"),
    "corn": ("옥수수", "corn"),
    "peach": ("복숭아", "peach"),
    "citrus": ("감귤", "citrus"),
    "pollen": ("꽃가루|국화과", "pollen|daisy"),
    "honey": ("꿀", "honey"),
}
"""How a caution names what the tag says, Korean and English."""

EDITORS_NOTES = (
    r"자료로 확인|일반 지식|찾지 못|알려 드리지|안내하지 않|잰 자료|발췌|검색|이 표|위 문장",
    r"\b(we|our)\b|general knowledge|not found|excerpt|no measurement",
)
"""What whoever compiles data tells themselves, Korean and English."""

each_drink = pytest.mark.parametrize("drink", DRINKS, ids=lambda drink: drink.id)
each_liquor = pytest.mark.parametrize("drink", LIQUORS, ids=lambda drink: drink.id)


def cautions(drink: Drink) -> dict[str, Detail]:
    return {detail.group: detail for detail in drink.details if detail.aspect == "safety"}


def told(drink: Drink, aspect: str) -> list[Detail]:
    return [detail for detail in drink.details if detail.aspect == aspect]


def totals(drink: Drink) -> list[tuple[float, float]]:
    """Times to make it from its ingredients, in minutes."""
    return [
        (figure.min * MINUTES[figure.unit], figure.max * MINUTES[figure.unit])
        for detail in drink.details
        for figure in detail.figures
        if figure.what == "total"
    ]


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+", text.strip())


def where(rows: Iterator[tuple[str, Detail, str]]) -> list[str]:
    return [f"{subject} {detail.aspect}: {what}: {detail.ko}" for subject, detail, what in rows]


def test_details_stand_in_the_order_of_the_drinks() -> None:
    order = [drink.id for drink in DRINKS]
    subjects = [subject for subject, _ in ROWS]
    assert len(subjects) > 2000
    once = [subject for subject, _ in groupby(subjects)]
    assert once[: len(order)] == order
    assert all(subject.startswith("gen-") for subject in once[len(order) :])


def test_korean_details_speak_politely_and_english_ones_end() -> None:
    rude = [part for _, detail in ROWS for part in sentences(detail.ko) if not re.search(r"니다\.$", part)]
    assert rude == []
    loose = [detail.en for _, detail in ROWS if not re.match(r'["A-Z0-9]', detail.en) or not detail.en.endswith(".")]
    assert loose == []


def test_no_detail_reads_an_editors_note_aloud() -> None:
    ko, en = EDITORS_NOTES
    noted = (
        (subject, detail, "note") for subject, detail in ROWS if re.search(ko, detail.ko) or re.search(en, detail.en)
    )
    assert where(noted) == []


def test_no_subject_says_a_sentence_twice() -> None:
    for subject, details in DETAILS.items():
        assert len({detail.ko for detail in details}) == len(details), subject
        assert len({detail.en for detail in details}) == len(details), subject


def test_a_reason_has_the_question_that_it_answers() -> None:
    for subject, detail in ROWS:
        asked = bool(detail.question.ko and detail.question.en)
        assert asked == (detail.aspect == "why"), (subject, detail.ko)
        if asked:
            assert detail.question.ko.endswith("?") and detail.question.en.endswith("?")


def test_sources_are_addresses_and_what_is_sure_has_one() -> None:
    for subject, detail in ROWS:
        assert all(re.fullmatch(r"https?://[^\s]+", source) for source in detail.sources), subject
        assert detail.sources or detail.confidence == "medium", (subject, detail.ko)


def test_every_figure_is_a_number_that_its_sentence_says() -> None:
    def unsaid() -> Iterator[tuple[str, Detail, str]]:
        for subject, detail in ROWS:
            for lang in ("ko", "en"):
                numbers = numbers_in(getattr(detail, lang), lang)
                for figure in detail.figures:
                    # "within a day" has no least number
                    wanted = {figure.max} if figure.min == 0 else {figure.min, figure.max}
                    if figure.unit != "flag" and not all(is_said(value, figure.unit, numbers) for value in wanted):
                        yield subject, detail, f"{lang} {figure.what} {figure.min}-{figure.max} {figure.unit}"

    assert where(unsaid()) == []


def test_a_number_that_a_sentence_does_not_say_is_noticed() -> None:
    numbers = numbers_in("식혜는 4℃ 이하로 냉장해 5~7일까지 두며, 한두 달 얼려 둡니다.", "ko")
    assert is_said(7, "days", numbers) and is_said(60, "days", numbers) and is_said(4, "degC", numbers)
    assert not is_said(9, "days", numbers) and not is_said(300, "days", numbers)
    assert not is_said(3, "hours", numbers_in("Simmer it for 30 minutes or an hour and a half.", "en"))


def test_figures_are_within_what_can_be() -> None:
    limits = {
        "%": (0, 100),
        "degC": (-30, 300),
        "flag": (0, 1),
        "year": (1000, 2026),
        "days": (0, 1100),
        "hours": (0, 72),
    }
    for subject, detail in ROWS:
        for figure in detail.figures:
            low, high = limits.get(figure.unit, (0, 20_000))
            assert low <= figure.min <= figure.max <= high, (subject, figure)
            assert figure.what.strip() == figure.what != "", (subject, detail.ko)
            assert (figure.unit == "year") == (detail.aspect == "first_record")


@each_drink
def test_a_drink_has_one_time_to_make_and_none_where_it_is_not_made_at_home(drink: Drink) -> None:
    assert len(told(drink, "total_time")) == len(told(drink, "homemade")) == 1
    at_home = {figure.what: figure.max for figure in told(drink, "homemade")[0].figures}["made at home"] == 1
    found = totals(drink)
    assert len(found) <= 1
    assert at_home or not found
    assert all(0 < low <= high for low, high in found)


def test_the_time_to_make_is_from_the_ingredients_not_from_a_preserve() -> None:
    minutes = {drink.id: found[0] for drink in DRINKS if (found := totals(drink))}
    assert len(minutes) >= 70
    assert min(minutes, key=lambda drink_id: minutes[drink_id]) == "kkulmul"
    days = 60 * 24
    for drink_id, low in {"yuja-cha": 3, "mogwa-cha": 14, "maesil-cha": 90, "gukhwa-cha": 2, "makgeolli": 7}.items():
        assert minutes[drink_id][0] == low * days
    assert not {"andong-soju", "gwibalgisul", "soju", "gorosoe", "sogokju"} & minutes.keys()


@each_drink
def test_every_drink_says_how_it_keeps(drink: Drink) -> None:
    assert told(drink, "storage")


@each_drink
def test_gluten_is_said_of_every_drink_as_its_tag_says(drink: Drink) -> None:
    (detail,) = told(drink, "gluten")
    assert (detail.figures[0].min == 1) == ("gluten" in drink.tags.diet)
    assert "글루텐" in detail.ko or "셀리악병" in detail.ko or "표시를 확인" in detail.ko


@each_drink
def test_a_year_is_that_of_a_text_and_no_legend(drink: Drink) -> None:
    for detail in told(drink, "first_record"):
        assert re.search(r"『[^』]+』", detail.ko), detail.ko
        assert not re.search(r"전설|전승|전합니다", detail.ko)
    assert len(told(drink, "first_record")) <= 1


def test_the_oldest_texts_are_those_of_goryeo() -> None:
    years = {drink.id: found[0].figures[0].min for drink in DRINKS if (found := told(drink, "first_record"))}
    assert sorted(years, key=years.__getitem__)[:3] == ["sungnyung", "nokcha", "jangsu"]
    assert years["sikhye"] == 1740 and years["gwahaju"] == 1670 and "moju" not in years


@each_liquor
def test_whatever_may_hold_alcohol_warns_everybody_who_must_have_none(drink: Drink) -> None:
    groups = cautions(drink)
    for group in ("pregnancy", "minor", "driving", "sobriety", "other_medicine", "infant_under_12m"):
        assert groups[group].level in ("avoid", "ask_professional"), group
        if group in ("minor", "driving"):
            assert groups[group].level == "avoid"


def test_what_may_hold_alcohol_or_a_little_says_so() -> None:
    by_id = {drink.id: drink for drink in DRINKS}
    for drink_id in ("gamju", "swindari", "yeonyeop-sikhye"):
        assert "알코올이 있을 수 있" in cautions(by_id[drink_id])["minor"].ko
    for drink_id in ("andong-sikhye", "jangsu", "maesil-cha"):
        for group in ("pregnancy", "minor", "driving", "sobriety", "other_medicine"):
            assert re.search(r"알코올(과 살아 있는 균)?이 조금 있을 수 있", cautions(by_id[drink_id])[group].ko), (
                drink_id,
                group,
            )


@each_drink
def test_every_drink_says_what_matters_to_the_pregnant_to_infants_diabetics_and_allergies(drink: Drink) -> None:
    assert {"pregnancy", "infant_under_12m", "diabetes", "allergy"} <= cautions(drink).keys()
    if "honey" in drink.tags.diet:
        assert cautions(drink)["infant_under_12m"].level == "avoid"


@each_drink
def test_the_caution_on_allergies_names_all_that_is_tagged(drink: Drink) -> None:
    detail = cautions(drink)["allergy"]
    for tag in set(drink.tags.diet) & NAMED.keys():
        ko, en = NAMED[tag]
        assert re.search(ko, detail.ko) and re.search(en, detail.en), (tag, detail.ko, detail.en)
    if set(drink.tags.diet) & NAMED.keys():
        assert detail.level in ("avoid", "ask_professional")


@pytest.mark.parametrize(
    "drink", [drink for drink in DRINKS if drink.tags.caffeine == "yes"], ids=lambda drink: drink.id
)
def test_caffeine_is_told_to_whom_it_matters(drink: Drink) -> None:
    groups = cautions(drink)
    assert groups["caffeine_sensitive"].level == groups["child"].level == groups["infant_under_12m"].level == "avoid"
    for text in (groups["pregnancy"].ko, groups["pregnancy"].en):
        assert re.search(r"300 ?mg", text) and re.search(r"200 ?mg", text)


def test_no_drink_is_distilled_at_home() -> None:
    how = re.compile(r"소줏고리를|증류기를|초류를|냉각수")
    assert where((subject, detail, "how") for subject, detail in ROWS if how.search(detail.ko)) == []
    for drink in DRINKS:
        if "soju" in drink.tags.kind and drink.is_alcoholic and drink.id != "soju":
            assert {figure.what: figure.max for figure in told(drink, "homemade")[0].figures}["made at home"] == 0, (
                drink.id
            )


def test_topics_tell_details_too() -> None:
    known = {topic.id for topic in load_topics()}
    assert {"gen-nuruk", "gen-three-famous"} <= known & DETAILS.keys()
