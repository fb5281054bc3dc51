"""What is said of a drink is what its facts say: each fact once, nothing else, and no text is read again to know how to say it."""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest

from kdrinks import kinds
from kdrinks.drinks import model
from kdrinks.drinks.facts import facts_of
from kdrinks.drinks.names import packaged_names
from kdrinks.drinks.passages import all_passages, passages_of
from kdrinks.drinks.read import load_beliefs, load_details, load_drinks, load_topics, record_of
from kdrinks.generation import prompt, templates
from kdrinks.generation.guard import Guard
from kdrinks.records import Citation, Language, Message, Passage
from kdrinks.search.knowledge import Knowledge
from kdrinks.store import passages as store
from kdrinks.store import schema
from kdrinks.store.db import Database
from kdrinks.store.facts import Fact
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.korean import has_hangul
from tests.support import store_rows
from tests.support.app_pages import open_app, shown

DRINKS = load_drinks()
TOPICS = load_topics()
PACKAGED = all_passages(DRINKS, TOPICS, load_beliefs())

UNTOLD = {
    "made_of": "ids of ingredients, which sets are made of",
    "tag": "ids of closed lists, which filters and lists of drinks read",
    "name": "its short form, the title, is told",
    "old_text": "titles of old books, which stand on the drink's page",
    "allergens": "stand in the text of safety, which is written from them",
    "cautions": "stand in the text of safety, which is written from them",
    "safety": "told to the group that asks, by the rule of safety",
}
"""The aspects that no passage tells, and why; of the aliases those that only spell the title otherwise."""
TOLD = {
    *(field.aspect or field.name for row in kinds.TABLE.values() for field in row.fields),
    *(aspect for row in kinds.TABLE.values() for aspect in row.aspects),
}
ITEMS = {"title", "alias", "hanja", "ingredients", "pairing", "similar", "season", "occasion", "serve", "region"}
"""Names and phrases; any other aspect that is told is prose."""

NO_FACTS = {"category", "note", "question"}
"""Fields of a record that say nothing of the drink: its file of origin, an editor's remark on the strength, words that a reason is asked by."""

each_drink = pytest.mark.parametrize("drink", DRINKS, ids=lambda drink: drink.id)
each_language = pytest.mark.parametrize("lang", ["ko", "en"])


def said_of(passages: list[Passage]) -> str:
    return "\n".join(sentence for passage in passages for sentence in templates.sentences(passage))


def added(lang: Language) -> list[str]:
    """What labels and frames write around the facts, longest first."""
    texts = [text for field in kinds.FIELDS.values() for text in (f"{field.label.of(lang)}:", field.frame.of(lang))]
    pieces = {piece.strip() for text in texts for piece in re.split(r"\{[^}]*\}", text) if re.search(r"\w", piece)}
    return sorted(pieces, key=len, reverse=True)


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in NO_FACTS:
                yield from strings_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_of(inner)


@each_drink
def test_every_text_of_a_record_is_a_fact(drink: model.Drink) -> None:
    held = {one for fact in facts_of(drink) for one in (*astuple(fact), *fact.sources)}
    assert [text for text in strings_of(record_of(drink)) if text and text not in held] == []


def test_every_aspect_is_told_by_a_passage_or_there_is_a_reason_why_not() -> None:
    found = {fact.aspect for drink in DRINKS for fact in facts_of(drink)} | set(get_args(model.Aspect))
    assert found <= TOLD | UNTOLD.keys() and not TOLD & UNTOLD.keys()


@each_language
@each_drink
def test_every_fact_is_told_once_and_nothing_that_is_no_fact(drink: model.Drink, lang: Language) -> None:
    # a text of its own for every fact, in its script: what is told twice, or lost, or comes from elsewhere, is seen
    def mark(fact: Fact) -> str:
        return f"<{'별명' if fact.aspect == 'alias' and has_hangul(fact.ko) else fact.aspect} {fact.number}>"

    facts = facts_of(drink)
    marked = [
        fact
        if fact.aspect == "title"
        else dataclasses.replace(fact, ko=fact.ko and mark(fact), en=fact.en and mark(fact))
        for fact in facts
    ]
    found = passages_of(marked, lang, {fact.code: mark(fact) for fact in facts if fact.aspect == "similar"})
    texts, said = "\n".join(passage.text for passage in found), said_of(found)
    for fact in marked:
        own_script = fact.aspect != "alias" or has_hangul(fact.ko) == (lang == "ko")
        if fact.aspect != "title":
            times = int(fact.aspect in TOLD and own_script and bool(fact.text(lang) or fact.aspect == "similar"))
            assert (texts.count(mark(fact)), said.count(mark(fact))) == (times, times), fact
    for text in (texts, said):
        rest = re.sub(r"<[^>]*>", "", text)
        rest = re.sub(rf"{re.escape(drink.title_ko)}[은는]?|{re.escape(drink.title_en)}", "", rest)
        for piece in added(lang):
            rest = rest.replace(piece, "")
        assert not re.search(r"[^\W\d]", rest), rest


@each_language
@each_drink
def test_prose_is_said_as_it_stands(drink: model.Drink, lang: Language) -> None:
    said = said_of(passages_of(facts_of(drink), lang)).replace("\n", " ")
    lost = [fact for fact in facts_of(drink) if fact.aspect in TOLD - ITEMS and fact.text(lang) not in said]
    assert lost == []


@each_language
def test_every_detail_of_a_topic_is_told_but_those_on_safety(lang: Language) -> None:
    own = {topic.id for topic in TOPICS}
    details = [(subject, one) for subject, of in load_details().items() if subject in own for one in of]
    told = [(one.subject_id, one.text) for one in PACKAGED if one.lang == lang and one.kind not in ("topic", "belief")]
    kept = sorted((subject, getattr(one, lang)) for subject, one in details if one.aspect not in UNTOLD)
    assert kept and kept == sorted(one for one in told if one[0] in own)


# --- what is said


def of_facts(*facts: Fact, lang: Language = "ko") -> dict[str, Passage]:
    """The passages of a drink with these facts, by their id without drink and language."""
    made = passages_of([Fact("a", "title", ko="가주", en="Gaju"), *facts], lang)
    return {passage.id.removeprefix("a.").removesuffix(f".{lang}"): passage for passage in made}


def steps(*texts: str) -> list[Fact]:
    return [Fact("a", "steps", number, ko=text, en=text) for number, text in enumerate(texts, 1)]


def test_what_looks_like_a_label_or_a_number_in_a_fact_is_said_as_part_of_it() -> None:
    found = of_facts(
        *steps("물 2. 5컵을 끓입니다. 3. 번 저어 둡니다.", "식힙니다."),
        Fact("a", "season", ko="봄. 때: 아무 때나"),
        Fact("a", "occasion", ko="잔치"),
    )
    assert templates.sentences(found["making"])[1:] == [
        "1. 물 2. 5컵을 끓입니다. 3. 번 저어 둡니다.",
        "2. 식힙니다.",
    ]
    assert templates.sentences(found["season"]) == [
        "가주의 제철은 봄. 때: 아무 때나입니다.",
        "마시는 때는 잔치입니다.",
    ]


def test_what_a_detail_says_stands_beside_what_the_record_says_of_the_same() -> None:
    record = Fact("a", "caffeine", 1, code="yes", ko="가주에는 카페인이 있습니다.")
    found = of_facts(
        record,
        Fact(
            "a", "caffeine", 2, what="cup", value=30, ko="한 잔에 30mg쯤 들어 있습니다.", sources=("https://b.example",)
        ),
        Fact("a", "history", 1, ko="1700년에 처음 적혔습니다.", sources=("https://a.example",)),
        Fact("a", "first_record", 1, value=1700, unit="year", ko="1700년에 처음 적혔습니다."),
        Fact("a", "gluten", 1, value=1, unit="flag", ko="밀 누룩이 들어갑니다."),
        Fact("a", "time", 1, what="boil", value=5, unit="minutes", ko="5분 끓이고 3시간 둡니다"),
        Fact("a", "time", 1, what="rest", value=3, unit="hours", ko="5분 끓이고 3시간 둡니다"),
    )
    assert {name: one.text for name, one in found.items() if name != "names"} == {
        "history.1": "1700년에 처음 적혔습니다.",
        "caffeine": "가주에는 카페인이 있습니다.",
        "caffeine.1": "한 잔에 30mg쯤 들어 있습니다.",
        "cautions.1": "밀 누룩이 들어갑니다.",
        "times.1": "5분 끓이고 3시간 둡니다.",
    }
    assert found["history.1"].sources == ("https://a.example",)
    assert (found["caffeine"].sources, found["caffeine.1"].sources) == ((), ("https://b.example",))


def test_facts_with_other_sources_bring_all_of_them() -> None:
    found = of_facts(
        Fact("a", "season", ko="봄", sources=("https://a.example", "https://b.example")),
        Fact("a", "occasion", ko="잔치", sources=("https://b.example", "https://c.example")),
    )
    assert found["season"].sources == ("https://a.example", "https://b.example", "https://c.example")


def words(messages: list[Message]) -> int:
    """Stands in for a tokenizer: one token a word."""
    return sum(len(message.content.split()) for message in messages)


def kept_of(passage: Passage, words_more: int) -> Passage | None:
    """What a prompt keeps of a passage that has room for so many words beside system text, question and the two that notes begin with."""
    bare = prompt.build("?", [], [], count=words, budget_tokens=9_999, lang="ko").prompt_tokens
    built = prompt.build("?", [passage], [], count=words, budget_tokens=bare + 2 + words_more, lang="ko")
    return built.passages[0] if built.passages else None


@each_language
def test_a_passage_cut_short_says_just_what_its_text_still_tells(lang: Language) -> None:
    for passage in (one for one in PACKAGED if one.said and one.lang == lang):
        ends = [one.until for one in passage.said]
        assert ends == sorted(ends) and ends.count(0) == (passage.kind == "making") and ends[-1] == len(passage.text)
        seen = {kept_of(passage, room) for room in range(len(f"{passage.title} {passage.text}".split()) + 3)}
        assert passage in seen and None in seen
        for kept in seen:
            if kept is not None:
                assert passage.text.startswith(kept.text) and kept.said == passage.said[: len(kept.said)]
                assert kept.said[-1].until == len(kept.text) > 0, (
                    "what is not read is not said, and no lead stands alone"
                )


def test_half_a_recipe_that_fits_is_read_and_said_and_never_its_lead_alone() -> None:
    making = of_facts(*steps("밥을 짓습니다.", "60℃로 4~6시간 둡니다.", "끓입니다."))["making"]
    kept = kept_of(making, 8)
    assert kept is not None and kept.text == "만드는 법: 1. 밥을 짓습니다."
    assert [line.sentence for line in Guard("making", "ko", [kept]).script] == [
        "가주 만드는 법은 이렇습니다.",
        "1. 밥을 짓습니다.",
    ]
    assert kept_of(making, 5) is None


def test_prose_cut_short_ends_where_a_sentence_does() -> None:
    passage = Passage("a.history.1.en", "a", "history", "en", "Gaju", "It is no. 6 of c. 1740 and so on. It is old.")
    kept = kept_of(passage, 12)
    assert kept is not None and kept.text == "It is no. 6 of c. 1740 and so on."
    assert kept_of(passage, 8) is None


# --- kept


def test_the_store_gives_back_how_a_passage_is_said() -> None:
    db = Database.open(None)
    Knowledge(db, TextAnalyzer(packaged_names())).hold(PACKAGED)
    for lang in ("ko", "en"):
        own = [passage for passage in PACKAGED if passage.lang == lang]
        stored = store.of_subjects(db, list(dict.fromkeys(passage.subject_id for passage in own)), lang=lang)
        assert sorted(stored, key=lambda passage: passage.id) == sorted(own, key=lambda passage: passage.id)
    db.close()


def test_what_the_record_says_itself_comes_before_its_details_and_those_as_they_count() -> None:
    db = Database.open(None)
    found = of_facts(
        Fact("a", "caffeine", 1, ko="카페인이 있습니다."),
        *(Fact("a", "caffeine", number, ko=f"{number}번째 잔입니다.") for number in range(2, 13)),
    )
    Knowledge(db, TextAnalyzer(packaged_names())).hold(list(found.values()))
    stored = [passage.id for passage in store.of_subjects(db, ["a"], lang="ko") if passage.kind == "caffeine"]
    assert stored == ["a.caffeine.ko", *(f"a.caffeine.{number}.ko" for number in range(1, 12))]
    db.close()


def test_a_stored_passage_from_before_is_made_again_with_how_it_is_said(tmp_path: Path) -> None:
    making = of_facts(*steps("끓입니다."))["making"]
    with duckdb.connect(str(tmp_path / "kdrinks.duckdb")) as old:
        old.execute("CREATE TABLE migrations (number INTEGER NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMP)")
        for number, name, sql in schema.MIGRATIONS[:9]:
            old.execute(sql)
            old.execute("INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, NULL)", [number, name])
        old.execute(
            "INSERT INTO passages (id, subject_id, kind, lang, title, text, sources, content_hash, edition, length) "
            "VALUES (?, 'a', 'making', 'ko', '가주', ?, [], '', '', 1)",
            [making.id, making.text],
        )
    db = Database.open(tmp_path / "kdrinks.duckdb")
    assert store.stored_hashes(db) == {}
    Knowledge(db, TextAnalyzer(packaged_names())).hold([making])
    assert store.of_subjects(db, ["a"], lang="ko") == [making]
    db.close()


def test_a_source_of_an_old_answer_still_shows_and_is_said_as_it_stands(home: Path) -> None:
    old = Passage("a.ingredients.ko", "a", "ingredients", "ko", "가주", "재료: 쌀, 물")
    db = Database.open(home / "kdrinks.duckdb")
    conversation = store_rows.say(db, citations=(Citation(1, old, 1.0),)).conversation_id
    db.close()
    app = open_app(c=conversation)
    assert not app.exception and "재료: 쌀, 물" in shown(app)
    assert templates.sentences(old) == ["재료: 쌀, 물"]


def test_a_passage_that_is_said_otherwise_is_written_again() -> None:
    db = Database.open(None)
    knowledge = Knowledge(db, TextAnalyzer(packaged_names()))
    making = of_facts(*steps("끓입니다."))["making"]
    knowledge.hold([making])
    changed = dataclasses.replace(making, said=making.said[1:])
    knowledge.hold([changed])
    assert store.of_subjects(db, ["a"], lang="ko") == [changed]
    db.close()
