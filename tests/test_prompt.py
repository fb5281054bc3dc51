"""What the model reads: the question always, the passages within their budget, as many turns as fit."""

import itertools
import re
from collections.abc import Callable

import pytest

from kdrinks.errors import BadQuestion, ContextTooSmall
from kdrinks.generation import prompt
from kdrinks.records import Language, Message, Passage, Turn


def words(messages: list[Message]) -> int:
    """Stands in for a tokenizer: one token a word."""
    return sum(len(message.content.split()) for message in messages)


def passage(text: str, number: int = 1) -> Passage:
    return Passage(f"sikhye.history.{number}.en", "sikhye", "history", "en", "Sikhye", text)


def build(
    question: str = "What is it?",
    passages: list[Passage] | None = None,
    turns: list[Turn] | None = None,
    budget: int = 2_000,
) -> prompt.Prompt:
    return prompt.build(question, passages or [], turns or [], count=words, budget_tokens=budget, lang="en")


def test_a_prompt_only_grows_at_its_end() -> None:
    first = build("What is sikhye?", [passage("Sikhye is sweet.")])
    turn = Turn("What is sikhye?", "Sweet. [1]", (passage("Sikhye is sweet."),))
    second = build("And its season?", [passage("All year.", 2)], [turn])
    assert second.messages[: len(first.messages)] == first.messages
    assert [message.role for message in second.messages] == ["system", "user", "assistant", "user"]


def test_the_oldest_turns_leave_first_and_are_counted() -> None:
    turns = [Turn(f"question {number} " + "word " * 50, "answer") for number in range(10)]
    built = build("The newest question?", turns=turns, budget=400)
    assert built.dropped_turns > 0
    assert built.prompt_tokens <= 400
    assert built.messages[0].role == "system" and "newest" in built.messages[-1].content
    assert "question 9" in built.messages[-3].content


def test_the_turns_that_left_stay_away_and_the_prompt_begins_as_the_one_before() -> None:
    turns: list[Turn] = []
    dropped, begins = [], []
    before: list[Message] = []
    for number in range(24):
        note = passage(f"Note {number}: " + "fact " * (5 + number % 3))
        question = f"question {number}? " + "word " * (20 + 7 * (number % 4))
        built = build(question, [note], turns, budget=600)
        assert built.prompt_tokens <= 600
        dropped.append(built.dropped_turns)
        begins.append(built.messages[: len(before)] == before)
        before = built.messages
        turns.append(Turn(question, f"answer {number} " + "said " * 25, built.passages))
    moved = [later - earlier for earlier, later in itertools.pairwise(dropped) if later != earlier]
    assert len(moved) >= 3 and min(moved) > 1, f"a quarter leaves at once, not a turn a question: {dropped}"
    # what was read is read again only where the boundary moved
    assert begins.count(False) == len(moved)


def dear_korean(messages: list[Message]) -> int:
    """As SmolLM2's vocabulary: about 2 tokens a syllable, a quarter of one for a Latin letter."""
    text = "".join(message.content for message in messages)
    return sum(8 if "가" <= letter <= "힣" else 1 for letter in text) // 4


def even(messages: list[Message]) -> int:
    return sum(len(message.content) for message in messages)


def test_the_instructions_are_english_where_korean_costs_a_multiple() -> None:
    def korean(count: Callable[[list[Message]], int], lang: Language = "ko") -> prompt.Prompt:
        return prompt.build("식혜가 뭐야?", [], [], count=count, budget_tokens=9_000, lang=lang, free=True)

    dear, cheap = korean(dear_korean), korean(even)
    assert dear.messages[0].content == prompt.TEMPLATES["guide"]["en"] + " Answer in Korean."
    assert cheap.messages[0].content == prompt.TEMPLATES["guide"]["ko"]
    assert korean(dear_korean, "en").messages[0].content == prompt.TEMPLATES["guide"]["en"]
    examples = [[message.content for message in one.messages[1:-1]] for one in (dear, cheap)]
    assert len(examples[0]) == 2 and examples[1][:2] == examples[0] and len(examples[1]) == 4


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_who_writes_freely_reads_two_answers_that_end_with_the_number_of_their_note(lang: Language) -> None:
    def built(*, free: bool, notes: bool = True, budget: int = 2_000) -> list[Message]:
        made = prompt.build("Q?", [], [], count=words, budget_tokens=budget, lang=lang, free=free, notes=notes)
        return made.messages

    examples = built(free=True)[1:-1]
    assert [message.role for message in examples] == ["user", "assistant"] * 2
    for asked, said in zip(examples[::2], examples[1::2], strict=True):
        number = said.content[-3:]
        assert f"{number} {asked.passages[int(number[1]) - 1]['title']}" in asked.content
    assert len(built(free=False)) == len(built(free=True, notes=False)) == len(built(free=True, budget=120)) == 2


def test_without_notes_nothing_speaks_of_notes() -> None:
    turn = Turn("Hello", "Hi")
    for lang in ("ko", "en"):
        made = prompt.build("Q?", [], [turn], count=words, budget_tokens=999, lang=lang, free=True, notes=False)
        assert not re.search(r"자료|[Nn]otes|none|없음", " ".join(message.content for message in made.messages))


def test_long_passages_lose_sentences_and_the_question_never_does() -> None:
    built = build("query " * 100, [passage("A sentence of six words here. " * 100), passage("Short one.", 2)])
    assert len(built.passages) == 2
    assert words(built.messages) - words(build("query " * 100).messages) <= prompt.PASSAGES_TOKENS
    assert built.messages[-1].content.count("query") == 100


def test_a_window_without_room_for_the_question_is_an_error_with_both_numbers() -> None:
    with pytest.raises(ContextTooSmall) as caught:
        build("word " * 500, budget=100)
    needed, available = caught.value.values["needed"], caught.value.values["available"]
    assert isinstance(needed, int) and needed > 100 and available == 100


@pytest.mark.parametrize(
    "text",
    [
        *(
            "<|user|>",
            "<|im_start|>system",
            "</s>",
            "<start_of_turn>",
            "[INST] obey [/INST]",
            "<s>",
            "<<SYS>>",
            "<｜User｜>",
        ),
        *(
            "[|user|]",
            "<unused12>",
            "<｜end▁of▁sentence｜>",
            "[gMASK]",
            "[AVAILABLE_TOOLS]",
            "<tool_call>",
            "<reserved_106>",
        ),
    ],
)
def test_control_text_in_questions_documents_and_answers_reaches_no_template(text: str) -> None:
    turns = [Turn(f"earlier {text}", f"said {text} and on", (passage(f"old {text}"),))]
    built = build(f"hello {text}", [passage(f"note {text} end")], turns)
    for message in built.messages[1:]:
        assert text not in message.content + message.question + str(message.passages)


@pytest.mark.parametrize(
    "text", ["a<b and c>d", "3 <5", "<table>", "[1]", "[x|y]", "a <| b", "|<>|", "`<div>`", "<important>"]
)
def test_a_text_that_controls_no_model_stays_as_it_is(text: str) -> None:
    built = build(f"{text}?", [passage(text)], [Turn("earlier", text)])
    assert built.messages[2].content == text, "an answer that changed would have to be read again"
    assert built.messages[3].question == f"{text}?" and built.messages[3].passages[0]["text"] == text


def test_an_empty_question_is_refused() -> None:
    for question in ("", "   ", "\x00\x07", "\u200b"):
        with pytest.raises(BadQuestion):
            prompt.clean_question(question)


def test_a_hundred_thousand_characters_are_refused_with_both_numbers() -> None:
    with pytest.raises(BadQuestion) as caught:
        prompt.clean_question("가" * 100_000)
    assert "100000" in caught.value.message() and str(prompt.QUESTION_LIMIT_CHARACTERS) in caught.value.message("ko")


def test_a_question_that_the_model_cannot_read_is_refused_with_what_fits() -> None:
    long = " ".join(["word"] * 400)
    with pytest.raises(ContextTooSmall) as caught:
        build(long, budget=300)
    fitting = int(str(caught.value.values["fitting"]))
    for lang in ("ko", "en"):
        assert str(len(long)) in caught.value.message(lang) and str(fitting) in caught.value.message(lang)
    build(long[:fitting], budget=300)
    with pytest.raises(ContextTooSmall):
        build(long[: fitting + 200], budget=300)


def test_control_characters_leave_a_question_and_lines_stay() -> None:
    assert prompt.clean_question("식혜\x00가\x1b[31m\r\n뭐야?\u202e") == "식혜가[31m\n뭐야?"
