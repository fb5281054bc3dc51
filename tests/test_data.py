"""The shipped knowledge can be quoted as it stands: polite, complete, tagged from closed lists and safe."""

import dataclasses
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrinks.drinks.model import Belief, Drink, Tags, Topic
from kdrinks.drinks.names import packaged_names
from kdrinks.drinks.passages import all_passages
from kdrinks.drinks.read import DATA, drink_from, load_beliefs, load_drinks, load_tags, load_topics, record_of
from kdrinks.errors import KnowledgeError
from kdrinks.search.knowledge import Knowledge
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer

DRINKS = load_drinks()
TOPICS = load_topics()
BELIEFS = load_beliefs()
BY_ID = {drink.id: drink for drink in DRINKS}

MAY_HOLD_ALCOHOL = {"gamju", "swindari", "yeonyeop-sikhye", "andong-sikhye", "jangsu", "maesil-cha"}
"""Not liquor by the record, yet liquor in one sense of the word, by a method, or perhaps with a little that forms in it."""
AS_SOLD = {"makgeolli"}
"""Tagged by what is commonly sold, 6%: only what no water was added to is stronger than the tag says."""

each_drink = pytest.mark.parametrize("drink", DRINKS, ids=lambda drink: drink.id)


def prose(drink: Drink, lang: str) -> Iterator[str]:
    """Every text of a drink that an answer may quote as sentences."""
    for item in (drink.summary, drink.alcohol, drink.caffeine, drink.safety, *drink.facts, *drink.heritage):
        yield getattr(item, lang)
    yield from getattr(drink.steps, lang)
    yield from getattr(drink.cautions, lang)
    if drink.abv_percent and drink.abv_percent.note:
        yield getattr(drink.abv_percent.note, lang)


def sentences(text: str) -> list[str]:
    """Cut after a period that is followed by a space; decimals and dates stay whole."""
    return re.split(r"(?<=[.!?])\s+", text.strip())


def is_polite(sentence: str) -> bool:
    """Ends in -니다, perhaps with a remark in parentheses before the period."""
    return re.search(r"니다(\([^()]*\))?\.$", sentence) is not None


def topic_particle(word: str) -> str:
    """은 after a final consonant, 는 after a vowel."""
    return "은" if (ord(word[-1]) - 0xAC00) % 28 else "는"


def test_every_source_record_is_there() -> None:
    assert (len(DRINKS), len(TOPICS), len(BELIEFS)) == (105, 66, 31)


@each_drink
def test_korean_prose_speaks_politely(drink: Drink) -> None:
    rude = [part for text in prose(drink, "ko") for part in sentences(text) if not is_polite(part)]
    assert rude == []


def test_topics_and_corrections_speak_politely() -> None:
    texts = [topic.ko for topic in TOPICS] + [belief.correction.ko for belief in BELIEFS]
    assert [part for text in texts for part in sentences(text) if not is_polite(part)] == []


def test_beliefs_stand_inside_quotation_marks() -> None:
    for belief in BELIEFS:
        assert belief.belief.ko.rstrip(")").endswith("다"), belief.id
        assert not is_polite(belief.belief.ko + "."), belief.id
        assert not belief.belief.en.endswith("."), belief.id


@each_drink
def test_english_prose_is_whole_sentences(drink: Drink) -> None:
    for text in prose(drink, "en"):
        assert re.match(r'["A-Z]', text), text
        assert text.endswith("."), text


@each_drink
def test_summary_names_its_drink(drink: Drink) -> None:
    ko, en = drink.title_ko, drink.title_en
    particles = (topic_particle(ko),)
    assert drink.summary.ko.startswith(tuple(f"{ko}{particle} " for particle in particles))
    assert drink.summary.en.startswith(f"{en} is ")
    assert ko == re.sub(r"\s*\([^)]*\)", "", drink.name_ko)
    assert en == drink.name_en.split(" (")[0]


@each_drink
def test_serving_season_and_region_fit_their_sentences(drink: Drink) -> None:
    for field in (drink.serve, drink.season, drink.occasion, drink.region):
        assert bool(field.ko) == bool(field.en)
        for text in (field.ko, field.en):
            assert text == text.strip()
            assert not text.endswith(".")
        assert not re.search(r"(니다|[^습]다)$", field.ko)
    assert re.search(r"(게|에서|으로|로|서|고|려|워|담아|따라|넣어|그대로|우려)$", drink.serve.ko), drink.serve.ko


@each_drink
def test_alcohol_sentence_agrees_with_the_record(drink: Drink) -> None:
    ko, en = drink.alcohol.ko, drink.alcohol.en
    if drink.id in MAY_HOLD_ALCOHOL:
        assert not drink.is_alcoholic and not drink.alcohol_free
        assert "알코올이 있을 수 있습니다" in ko or "알코올이 조금 있을 수 있습니다" in ko
        assert re.search("may contain alcohol|a little alcohol", en)
        assert drink.tags.alcohol == "maybe" and drink.abv_percent is None
    elif drink.is_alcoholic:
        assert drink.abv_percent
        assert f"{drink.title_ko}{topic_particle(drink.title_ko)} 술입니다." in ko
        assert f"{drink.title_en} is an alcoholic drink." in en
        low, high = drink.abv_percent.min, drink.abv_percent.max
        assert (f"{low}~{high}%" if low != high else f"{low}%") in ko
        assert (f"{low}–{high}%" if low != high else f"{low}%") in en
        assert drink.tags.alcohol == ("low" if high < 8 else "medium" if high <= 20 else "high") or drink.id in AS_SOLD
    else:
        assert "술이 아닙니다. 알코올이 없는 음료입니다." in ko
        assert "is not an alcoholic drink; it contains no alcohol." in en
        assert drink.abv_percent and drink.abv_percent.max == 0
        assert drink.alcohol_free
    if drink.is_alcoholic and drink.abv_percent and drink.id != "moju":
        sure = drink.abv_percent.confidence == "high"
        assert ("알려져 있" not in ko.split(". ")[1]) == sure
        assert ("typically" not in en) == sure


@each_drink
def test_what_holds_alcohol_or_may_warns_pregnant_people_drivers_and_minors(drink: Drink) -> None:
    if not drink.alcohol_free:
        for words in (("임신", "운전", "미성년자"), ("pregnant", "drive", "minors")):
            lang = "ko" if words[0] == "임신" else "en"
            assert all(word in getattr(drink.safety, lang) for word in words)


@each_drink
def test_honey_is_never_given_to_babies(drink: Drink) -> None:
    named = " ".join((*drink.ingredients.ko, *drink.allergens.ko, *drink.steps.ko, drink.summary.ko))
    if "꿀" in named:
        assert "honey" in drink.tags.diet
        assert "생후 12개월 미만 아기에게는 주지 않습니다" in drink.safety.ko
        assert "never give it to babies under 12 months" in drink.safety.en
    else:
        assert "honey" not in drink.tags.diet


@each_drink
def test_ingredients_that_cause_allergies_are_named(drink: Drink) -> None:
    ingredients, allergens = " ".join(drink.ingredients.ko), " ".join(drink.allergens.ko)
    for word in ("잣", "호두", "땅콩", "메밀", "우유", "달걀", "참깨", "복숭아", "귤", "꿀"):
        if word in ingredients:
            assert word in allergens, word
    if re.search(r"엿기름|보리", ingredients):
        assert "보리" in allergens
    if "누룩" in re.sub(r"쌀누룩", "", ingredients):
        assert "밀" in allergens
    for allergen_ko, allergen_en in zip(drink.allergens.ko, drink.allergens.en, strict=True):
        assert allergen_ko in drink.safety.ko
        assert allergen_en in drink.safety.en
    if not drink.allergens.ko:
        assert "흔한 알레르기 유발 재료가 올라 있지 않습니다" in drink.safety.ko
        assert "No common allergen is listed" in drink.safety.en


@each_drink
def test_caffeine_sentence_agrees_with_the_tag(drink: Drink) -> None:
    has = drink.tags.caffeine == "yes"
    assert ("카페인이 있습니다" in drink.caffeine.ko) == has
    assert ("카페인이 없습니다" in drink.caffeine.ko) == (not has)
    assert ("no caffeine" in drink.caffeine.en) == (not has)
    tea_leaves = any("찻잎" in item or "차나무" in item or "녹차" in item for item in drink.ingredients.ko)
    assert has == tea_leaves


def test_tags_come_from_the_closed_lists() -> None:
    known = {(tag.group, tag.id) for tag in load_tags()}
    used = set()
    for drink in DRINKS:
        for field in dataclasses.fields(Tags):
            value = getattr(drink.tags, field.name)
            used |= {(field.name, tag_id) for tag_id in ((value,) if isinstance(value, str) else value)}
    assert used == known, "a tag is unknown, or a tag of the lists is used by no drink"


@each_drink
def test_every_drink_can_be_filtered(drink: Drink) -> None:
    tags = drink.tags
    assert tags.season and tags.temperature and tags.region and tags.kind
    assert not {"sugar", "sugar_free"} <= set(tags.diet)
    for field in dataclasses.fields(Tags):
        value = getattr(tags, field.name)
        assert isinstance(value, str) or len(set(value)) == len(value)


def test_tags_are_asked_for_in_both_languages() -> None:
    for tag in load_tags():
        assert tag.label.ko and tag.label.en
        assert tag.asked_by.ko and tag.asked_by.en, tag.id
        assert not any(re.search("[가-힣]", word) for word in tag.asked_by.en)


def test_links_between_records_lead_somewhere() -> None:
    for drink in DRINKS:
        assert drink.id not in drink.similar
        assert set(drink.similar) <= BY_ID.keys()
    known = BY_ID.keys() | {topic.id for topic in TOPICS}
    items: list[Topic | Belief] = [*TOPICS, *BELIEFS]
    for item in items:
        assert set(item.related) <= known, item.id


@each_drink
def test_facts_name_how_sure_they_are(drink: Drink) -> None:
    for fact in (*drink.facts, *drink.heritage):
        assert fact.sources or fact.confidence == "medium", fact.ko
        assert all(re.match(r"https?://", source) for source in fact.sources)


def test_passages_can_be_built_from_every_record() -> None:
    passages = all_passages(DRINKS, TOPICS, BELIEFS)
    assert len({passage.id for passage in passages}) == len(passages)
    assert all(passage.text for passage in passages)


def test_reading_and_writing_a_drink_gives_its_line_and_those_of_its_details() -> None:
    drinks, details = (
        (DATA / name).read_text(encoding="utf-8").splitlines() for name in ("drinks.jsonl", "details.jsonl")
    )
    written = [record_of(drink) for drink in DRINKS]
    rows = [{"id": record["id"], **row} for record in written for row in record.pop("details", ())]
    assert [json.dumps(record, ensure_ascii=False) for record in written] == drinks
    assert rows == [row for row in map(json.loads, details) if row["id"] in BY_ID]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"title_ko": None}, "title_ko"),
        ({"summary": {"ko": "식혜"}}, "summary: en"),
        ({"steps": {"ko": ["끓입니다."], "en": []}}, "steps"),
        ({"abv_percent": {"min": 9, "max": 6, "note": None, "confidence": "high"}}, "abv_percent"),
        ({"confidence": "sure"}, "confidence"),
        ({"is_alcoholic": True}, "alcohol"),
        ({"abv_percent": None}, "abv_percent"),
        ({"tags": record_of(BY_ID["sikhye"])["tags"] | {"alcohol": "maybe"}}, "abv_percent"),
        ({"colour": "white"}, "colour"),
    ],
)
def test_a_broken_drink_says_which_field_is_wrong(change: dict[str, object], names: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        drink_from({**record_of(BY_ID["sikhye"]), **change})
    for lang in ("ko", "en"):
        assert names in caught.value.message(lang)
        assert "sikhye" in caught.value.message(lang)
        assert caught.value.hint(lang)


def test_a_broken_data_file_says_where(tmp_path: Path) -> None:
    line = (DATA / "drinks.jsonl").read_text(encoding="utf-8").splitlines()[0]
    broken = tmp_path / "drinks.jsonl"
    for content, names in (
        (line + "\n{", "2"),
        (line + "\n" + line, "twice"),
        (line, "similar"),
        ("[]", "1"),
    ):
        broken.write_text(content, encoding="utf-8")
        with pytest.raises(KnowledgeError) as caught:
            load_drinks(broken)
        assert names in caught.value.message("en")
    with pytest.raises(KnowledgeError):
        load_drinks(tmp_path / "missing.jsonl")
    with pytest.raises(KnowledgeError):
        load_tags(tmp_path / "missing.toml")


def test_a_first_start_finds_every_packaged_passage_ready_and_as_the_rules_now_make_it() -> None:
    passages = all_passages(DRINKS, TOPICS, BELIEFS)
    ready, analysed = Database.open(None), Database.open(None)
    drawn = random.Random(5).sample(passages, 150)
    analysing = Knowledge(analysed, TextAnalyzer(packaged_names()))
    analysing.hold(drawn, ready=False)
    told = []
    Knowledge(ready, TextAnalyzer(packaged_names())).hold(passages, lambda done, total: told.append(total))
    assert not told, f"{told[-1]} passages are not in data/passages.parquet: run python -m training.precompute_passages"
    ids = [passage.id for passage in drawn]
    for table, key in (("passage_words", "passage_id"), ("passages", "id")):
        words = key == "passage_id"
        columns = "passage_id, term, count, subject_id, lang, length" if words else "* EXCLUDE (edition, vector)"
        rows = []
        for db in (ready, analysed):
            with db.cursor() as cursor:
                found = cursor.execute(
                    f"SELECT {columns} FROM {table} WHERE {key} IN (SELECT unnest(?)) ORDER BY ALL", [ids]
                )
                rows.append(found.fetchall())
        assert rows[0] == rows[1]
    vectors = []
    for db in (ready, analysed):
        with db.cursor() as cursor:
            found = cursor.execute(
                "SELECT vector FROM passages WHERE id IN (SELECT unnest(?)) ORDER BY id, lang", [ids]
            )
            vectors.append([value for (vector,) in found.fetchall() for value in vector])
    # sums of 32-bit numbers, in whatever order this processor adds them: 6e-8 apart on one, 0 on the one they were made on
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-6)
    ready.close()
    analysed.close()
