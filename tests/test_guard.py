"""What a person reads is what the passages say, whatever the model writes."""

import pytest

from kdrinks.drinks.passages import passages_of
from kdrinks.findings import Findings
from kdrinks.generation import caution, templates
from kdrinks.generation.guard import Guard
from kdrinks.kinds import Kind
from kdrinks.records import Language, Passage
from kdrinks.store.facts import Fact


def passage(kind: Kind, text: str, title: str = "식혜", lang: Language = "ko") -> Passage:
    return Passage(f"sikhye.{kind}.{lang}", "sikhye", kind, lang, title, text)


def of_facts(kind: Kind, aspect: str, *texts: str) -> Passage:
    """The passage of a kind as a drink's facts make it."""
    facts = [Fact("sikhye", aspect, number, ko=text) for number, text in enumerate(texts, 1)]
    made = passages_of([Fact("sikhye", "title", ko="식혜", en="Sikhye"), *facts], "ko")
    return next(one for one in made if one.kind == kind)


INGREDIENTS = of_facts("ingredients", "ingredients", "쌀밥", "엿기름(싹 틔운 보리)", "물")
IDENTITY = passage("identity", "식혜는 밥을 삭힌 음료입니다. 차게 마십니다.")
MAKING = of_facts("making", "steps", "밥을 짓습니다.", "60℃로 4~6시간 둡니다.")


def stream(guard: Guard, text: str, size: int = 3) -> str:
    shown = "".join(guard.feed(text[start : start + size]) for start in range(0, len(text), size))
    return shown + guard.finish()


@pytest.mark.parametrize("size", [1, 2, 7, 500])
def test_a_right_answer_passes_whole_with_its_citations(size: int) -> None:
    guard = Guard("ingredients", "ko", [IDENTITY, INGREDIENTS])
    answer = stream(guard, templates.render("ingredients", "ko", [IDENTITY, INGREDIENTS]), size)
    assert answer == (
        "식혜는 밥을 삭힌 음료입니다. 차게 마십니다. [1] 식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 물입니다. [2]"
    )
    assert guard.outcome == "kept"


def test_numbered_steps_stand_on_lines_of_their_own() -> None:
    guard = Guard("making", "ko", [MAKING])
    answer = stream(guard, templates.render("making", "ko", [MAKING]))
    assert answer == "식혜 만드는 법은 이렇습니다.\n1. 밥을 짓습니다.\n2. 60℃로 4~6시간 둡니다. [1]"


@pytest.mark.parametrize(
    "slip",
    [
        "식혜의 재료는 쌀밥, 물입니다.",
        "식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 꿀입니다.",
        "막걸리의 재료는 쌀밥, 엿기름(싹 틔운 보리), 물입니다.",
        "식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 엿기름(싹 틔운 보리), 물입니다.",
        "식혜의 제철은 쌀밥입니다.",
        "",
    ],
)
def test_a_slip_never_reaches_the_reader_and_the_passage_is_quoted_instead(slip: str) -> None:
    guard = Guard("ingredients", "ko", [INGREDIENTS])
    answer = stream(guard, slip)
    assert guard.outcome == "quoted"
    assert answer == "> **식혜** — 재료: 쌀밥, 엿기름(싹 틔운 보리), 물 [1]"


def test_what_was_right_before_a_slip_stays_and_only_the_rest_is_quoted() -> None:
    guard = Guard("making", "ko", [INGREDIENTS, MAKING])
    answer = stream(
        guard, "식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 물입니다. 식혜 만드는 법은 이렇습니다.\n1. 밥을 팝니다."
    )
    assert guard.outcome == "quoted"
    assert answer.startswith("식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 물입니다. [1]")
    assert "팝니다" not in answer
    assert "2. 60℃로 4~6시간 둡니다. [2]" in answer


def test_a_loop_is_cut_off() -> None:
    guard = Guard("ingredients", "ko", [INGREDIENTS])
    sentence = "식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 물입니다."
    assert stream(guard, f"{sentence} {sentence} {sentence}") == f"{sentence} [1]"
    assert guard.outcome == "repaired"


def test_half_of_a_recipe_is_completed_by_the_passage() -> None:
    guard = Guard("making", "ko", [MAKING])
    answer = stream(guard, "식혜 만드는 법은 이렇습니다.\n1. 밥을 짓습니다.")
    assert guard.outcome == "quoted"
    assert "2. 60℃로 4~6시간 둡니다. [1]" in answer


def test_without_passages_only_a_decline_can_be_said() -> None:
    guard = Guard("out_of_scope", "en", [])
    assert stream(guard, "Bitcoin will rise tomorrow.") == templates.DECLINE["en"]["out_of_scope"]
    assert guard.outcome == "fixed"


def test_comparisons_and_recommendations_begin_with_the_drinks_names() -> None:
    other = passage("identity", "막걸리는 막 거른 술입니다.", "막걸리")
    for intent, begins in (
        ("compare", "식혜와 막걸리를 견주어 보겠습니다."),
        ("recommend", "식혜, 막걸리를 추천합니다."),
    ):
        guard = Guard(intent, "ko", [IDENTITY, other])
        answer = stream(guard, templates.render(intent, "ko", [IDENTITY, other]))
        assert answer.startswith(begins) and answer.endswith("막걸리는 막 거른 술입니다. [2]")


def test_every_drink_that_a_recommendation_names_is_also_told() -> None:
    more = [passage("identity", f"{name}는 차입니다. 따뜻합니다.", name) for name in ("유자차", "생강차")]
    guard = Guard("recommend", "ko", [IDENTITY, *more])
    answer = stream(guard, "식혜, 유자차, 생강차를 추천합니다. 식혜는 밥을 삭힌 음료입니다. 생강차는 차입니다.")
    assert guard.outcome == "quoted" and "> **유자차** — 유자차는 차입니다." in answer


def test_health_answers_say_that_no_professional_reviewed_them() -> None:
    found = Findings((), (), "health", True)
    answer = caution.answer("ko", found, [passage("cautions", "꿀이 들어갑니다.")])
    assert answer == f"> **식혜** — 꿀이 들어갑니다. [1]\n\n{templates.NOT_REVIEWED['ko']}"


def test_a_false_belief_is_never_shown_as_a_title() -> None:
    belief = passage("belief", "'식혜는 술이다'라는 말은 사실과 다릅니다. 식혜는 술이 아닙니다.", "식혜는 술이다")
    assert stream(Guard("false_belief", "ko", [belief]), "") == f"> {belief.text} [1]"


def test_prose_may_be_cut_short_and_still_carries_its_number() -> None:
    guard = Guard("identity", "ko", [IDENTITY, INGREDIENTS])
    answer = stream(guard, "식혜는 밥을 삭힌 음료입니다. 식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 물입니다.")
    assert answer == "식혜는 밥을 삭힌 음료입니다. [1] 식혜의 재료는 쌀밥, 엿기름(싹 틔운 보리), 물입니다. [2]"
    assert (
        stream(Guard("identity", "ko", [IDENTITY]), "식혜는 밥을 삭힌 음료입니다.")
        == "식혜는 밥을 삭힌 음료입니다. [1]"
    )


def test_steps_out_of_order_are_a_slip() -> None:
    guard = Guard("making", "ko", [MAKING])
    answer = stream(guard, "식혜 만드는 법은 이렇습니다.\n2. 60℃로 4~6시간 둡니다.")
    assert guard.outcome == "quoted" and "1. 밥을 짓습니다." in answer


def test_a_comparison_says_both_drinks() -> None:
    other = passage("identity", "막걸리는 막 거른 술입니다.", "막걸리")
    answer = stream(
        Guard("compare", "ko", [IDENTITY, other]), "식혜와 막걸리를 견주어 보겠습니다. 식혜는 밥을 삭힌 음료입니다."
    )
    assert "> **막걸리** — 막걸리는 막 거른 술입니다. [2]" in answer
    assert "> **식혜**" not in answer
