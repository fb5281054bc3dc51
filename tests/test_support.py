"""A figure or a name that the sources do not hold is pointed out to the reader; what they hold never is."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from kdrinks import answer
from kdrinks.config import Settings
from kdrinks.drinks.names import packaged_names
from kdrinks.engine.protocol import Done, Event, Text
from kdrinks.generation.claims import sentences, unsupported_claims
from kdrinks.generation.prompt import turn_of
from kdrinks.hub import catalog
from kdrinks.records import ADMINISTRATOR, Language, Loaded, Message, Mode, Passage, RemoteModel, Timing
from kdrinks.services import Services, open_services, save_mode
from kdrinks.store import chats
from kdrinks.text.analyzer import TextAnalyzer

WORDS = TextAnalyzer(packaged_names())


def passage(subject: str, text: str, title: str, lang: Language = "ko") -> Passage:
    return Passage(f"{subject}.identity.{lang}", subject, "identity", lang, title, text)


MAKGEOLLI = passage(
    "makgeolli",
    "막걸리는 막 거른 술입니다. 도수는 6~8%입니다. 물을 1,500 ml 넣고 세 번 젓습니다. 『고려도경』(1123년)에 탁주 이야기가 나옵니다. 포천이 이름났습니다.",
    "막걸리",
)
SIKHYE = passage("sikhye", "식혜는 술이 아닙니다. 60℃로 4~6시간 둡니다.", "식혜")
GAMHONGNO = passage(
    "gamhongno",
    "Gamhongno is a red spirit of about 40% from Pyongyang. Lee Gi-suk of Paju was named a master in 2012. It was known in the fifteenth century.",
    "Gamhongno",
    "en",
)


def marked(answer: str, *passages: Passage) -> list[str]:
    return [answer[start:end] for start, end in unsupported_claims(answer, passages, WORDS.proper_nouns)]


@pytest.mark.parametrize(
    "sentence",
    [
        "막걸리는 도수가 6~8%입니다. [1]",
        "막걸리의 도수는 8도쯤입니다.",
        "막걸리는 6퍼센트부터 있습니다.",
        "물은 1500ml 넣습니다.",
        "물은 1500밀리리터입니다.",
        "3번 저어 줍니다.",
        "1123년에 쓴 고려도경에 나옵니다.",
        "막걸리랑 비슷한 말로 탁주가 있어요.",
        "포천의 막걸리가 유명합니다.",
        "한국의 술입니다.",
        "시원하게 마시면 좋습니다.",
        "makgeolli is a drink.",
        "자료에는 콤부차에 대한 내용이 없습니다.",
        "2024년 가격은 알 수 없습니다.",
        "The notes hold nothing about Tokyo.",
    ],
)
def test_what_the_passages_hold_is_not_marked(sentence: str) -> None:
    assert marked(sentence, MAKGEOLLI) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "막걸리는 도수가 16%입니다. [1]",
        "1592년에 처음 빚었습니다.",
        "막걸리는 6시간 동안 둡니다.",
        "물은 500 ml 넣습니다.",
        "식혜와는 사촌입니다.",
        "이강주를 섞어도 됩니다.",
        "콤부차와 세종대왕이 즐겼습니다.",
        "전주에서 많이 마십니다.",
        "포르투갈에서 왔습니다.",
        "It goes well with soju.",
        "It came from Portugal.",
        "It is 0.5% alcohol.",
    ],
)
def test_a_figure_or_a_name_from_nowhere_is_marked(sentence: str) -> None:
    assert marked(sentence, MAKGEOLLI) == [sentence]


def test_only_the_sentence_itself_is_marked() -> None:
    answer = "막걸리는 막 거른 술입니다. [1] 1592년에 생겼습니다. [1] 도수는 6~8%입니다. [1]"
    assert marked(answer, MAKGEOLLI) == ["1592년에 생겼습니다. [1]"]


def test_every_passage_of_the_prompt_supports() -> None:
    assert marked("막걸리는 6%이고 식혜는 60도에 둡니다.", MAKGEOLLI, SIKHYE) == []
    assert marked("막걸리는 6%이고 식혜는 60도에 둡니다.", MAKGEOLLI) != []


@pytest.mark.parametrize(
    ("sentence", "is_marked"),
    [
        ("Gamhongno is about 40 percent alcohol [1].", False),
        ("It was made in Pyongyang and known in the 15th century.", False),
        ("The master is Lee Gi-suk's pupil from Paju.", False),
        ("It is a Korean spirit.", False),
        ("감홍로는 붉은 술입니다.", False),
        ("It is 40 years old.", False),
        ("It is 45 percent alcohol.", True),
        ("It was first made by King Sejong.", True),
        ("It came from Andong in the 15th century.", True),
        ("It is close to igangju.", True),
        ("It rests for 40 hours.", True),
    ],
)
def test_english_answers_are_checked_the_same_way(sentence: str, is_marked: bool) -> None:
    assert marked(sentence, GAMHONGNO) == ([sentence] if is_marked else [])


def test_list_numbers_headings_and_code_are_no_figures() -> None:
    answer = "## 3 Ways In Busan\n1. **막걸리**를 붓습니다.\n2) 젓습니다.\n- 9번 젓습니다.\n\n```\n1592\n```"
    assert marked(answer, MAKGEOLLI) == ["9번 젓습니다."]


def test_without_passages_any_figure_or_name_is_unsupported() -> None:
    assert marked("Paris has 2 rivers, said Victor Hugo. It is nice.") == ["Paris has 2 rivers, said Victor Hugo."]


def test_a_recipe_is_cut_where_its_sentences_end() -> None:
    text = "도수는 6.5%입니다. 『산림경제』에 나옵니다! 그렇죠? 끝."
    assert [text[start:end] for start, end in sentences(text)] == [
        "도수는 6.5%입니다.",
        "『산림경제』에 나옵니다!",
        "그렇죠?",
        "끝.",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "[1]", "...", "```\n1", "*" * 300, "가" * 5000, "1." * 2000])
def test_odd_answers_never_break(text: str) -> None:
    def none(_: str) -> Iterable[str]:
        return ()

    for start, end in unsupported_claims(text, [], none):
        assert re.search(r"\w", text[start:end])


class Speaker:
    """In the engine's place: says what a free model might."""

    models: Sequence[RemoteModel] = ()

    def __init__(self) -> None:
        self.says = ""

    def stream(self, build: Callable[..., list[Message]], *_: Any, **__: Any) -> Iterator[Event]:
        build(lambda messages: sum(len(message.content) for message in messages) // 2, 4096)
        yield Text(self.says)
        yield Done("stop", Timing(), Loaded("free", "free.gguf", "Q8_0", 4096, "cpu", "cpu", 0, 1, 0.1, 1, 1))

    def close(self) -> None:
        """Nothing runs."""


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    services = open_services(Settings(tmp_path, tmp_path), memory=True)
    monkeypatch.setattr(services, "engine", Speaker())
    built_in = catalog.find_model(catalog.BUILT_IN, services.settings)
    free = replace(built_in, id="free", parameters=2_000_000_000, guarded=False)
    monkeypatch.setattr(catalog, "find_model", lambda *_: free)
    save_mode(services, ADMINISTRATOR, free, "free")
    yield services
    services.close()


def ask(
    services: Services, question: str, says: str, conversation_id: str = "", **options: Any
) -> tuple[list[str], str]:
    """The marked sentences as the store keeps them, and the conversation's id."""
    cast(Any, services.engine).says = says
    answered = answer.ask(services, ADMINISTRATOR, question, conversation_id=conversation_id, **options)
    answered.wait()
    kept = chats.messages(services.db, ADMINISTRATOR, answered.question.conversation_id)[-1].exchange
    assert kept is not None and kept.answer == says and kept.guard in ("off", "no_notes")
    spans = kept.details.get("unsupported", [])
    return [says[start:end] for start, end in spans], answered.question.conversation_id


def test_the_mark_is_kept_with_the_answer_and_earlier_turns_support_too(services: Services) -> None:
    found, conversation_id = ask(services, "식혜가 뭐야?", "식혜는 음료입니다. 1592년에 세종대왕이 만들었습니다.")
    assert found == ["1592년에 세종대왕이 만들었습니다."]
    # what the first turn's passages hold is still in the prompt of the second
    assert ask(services, "막걸리에는 뭐가 들어가?", "식혜와는 다릅니다. 이강주와도 다릅니다.", conversation_id)[0] == [
        "이강주와도 다릅니다."
    ]
    assert ask(services, "막걸리에는 뭐가 들어가?", "식혜와는 다릅니다.")[0] == ["식혜와는 다릅니다."]


def test_an_answer_without_the_knowledge_base_is_not_judged_by_it(services: Services) -> None:
    assert ask(services, "식혜가 뭐야?", "1592년에 만들었습니다.", knowledge=False)[0] == []


@pytest.mark.parametrize("mode", ["free", "quote"])
def test_sources_are_those_that_the_text_names_and_a_number_of_no_passage_is_marked(
    services: Services, mode: Mode
) -> None:
    own = "막걸리는 술입니다. [2] 맛이 좋습니다. [7] 1999년에 세종대왕이 좋아했습니다."
    cast(Any, services.engine).says = own
    answered = answer.ask(services, ADMINISTRATOR, "막걸리랑 동동주 차이가 뭐야?", mode=mode)
    answered.wait()
    kept = chats.messages(services.db, ADMINISTRATOR, answered.question.conversation_id)[-1].exchange
    assert kept is not None and kept.answer.endswith(own) and (kept.answer == own) == (mode == "free")
    own_from = kept.details.get("own_from", 0)
    assert kept.answer[own_from:] == own
    number, also = [one.number for one in kept.citations], [one["number"] for one in kept.details["also_found"]]
    assert number == ([2] if mode == "free" else [1, 2]) and 2 not in also
    assert sorted(number + also) == [1, *range(2, len(answered.trace()["passages"]) + 1)]
    assert [kept.answer[start:end] for start, end in kept.details["unknown_numbers"]] == ["[7]"]
    (marked,) = [kept.answer[start:end] for start, end in kept.details["unsupported"]]
    assert "세종대왕" in marked
    # the next prompt is the one that was read, goes on, and holds the model's own words alone
    asked = chats.messages(services.db, ADMINISTRATOR, answered.question.conversation_id)[-1]
    turn = turn_of(asked)
    assert turn.answer == own and [one.id for one in turn.passages] == [
        one["id"] for one in answered.trace()["passages"]
    ]
