"""However a word was typed or brought, it reads the same: questions, finds, counts, names, imports and files of models."""

import json
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from kdrinks.config import Settings
from kdrinks.drinks import catalog as drink_catalog
from kdrinks.drinks import import_export
from kdrinks.drinks.browse import DrinkFilter, filter_drinks
from kdrinks.drinks.form import DrinkForm, cleaned, form_from, record_from
from kdrinks.drinks.names import drink_names, hanja_names_of, names_of, packaged_names
from kdrinks.drinks.read import whole_record_of
from kdrinks.errors import BadQuestion
from kdrinks.generation.prompt import clean_question
from kdrinks.hub import catalog, links
from kdrinks.hub.remote import Hub
from kdrinks.records import ADMINISTRATOR
from kdrinks.search.knowledge import Knowledge
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.hanja import form
from kdrinks.text.meant import OTHERWISE_MEANT
from kdrinks.text.typed import apart, clean, storable
from tests.support.command_line import kdrinks
from tests.support.hub_server import running_hub
from tests.support.tiny_models import write_byte_model

DATA = Path(__file__).parent / "data"
DRINKS = drink_catalog.packaged()


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    return knowledge


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (nfd("대추차 마셔도 돼요?"), "대추차 마셔도 돼요?"),
        ("수\xad정\xad과", "수정과"),
        ("\ufeff유자\u200b차\u200d\u2060", "유자차"),
        ("\u202e모주\u202c\u2066\u2069", "모주"),
        ("배\u034f숙\ufe0f", "배숙"),
        ("이강주\U000e0041\U000e007f", "이강주"),
        ("쌍화\x00탕\x1b", "쌍화탕"),
        ("문배주\u00a0몇\u3000도\u2009야\u202f?", "문배주 몇 도 야 ?"),
        ("꿀물\u3164\u2800\uffa0맛", "꿀물   맛"),
        ("ＹＵＪＡ－ＣＨＡ　４０％？", "YUJA-CHA 40%?"),
        ("𝒎𝒂𝒌𝒈𝒆𝒐𝒍𝒍𝒊 𝟔", "makgeolli 6"),
        ("ﾡﾱﾩ", "ㄱㅁㄹ"),
        ("\uf9feと", "茶と"),
        ("녹ㅊㅏ", "녹차"),
        ("모ㄱㅘ차", "모과차"),
        ("모고ㅏ차", "모과차"),
        ("ㅁㅗㅈㅜ", "모주"),
        ("ㅅㅜㅈㅓㅇㄱㅗㅏ", "수정과"),
        ("이가ㅇ주", "이강주"),
        ("식\u1112\u1168", "식혜"),
        ("바\u11b8", "밥"),
        ("\u1102\u110e", "ㄴㅊ"),
        ("화\u200bㅊㅐ", "화채"),
        ("숭ㄴㅠㅇㅎㅎ", "숭늉ㅎㅎ"),
        ("배ㅈㅜㅜㅜ", "배주ㅜㅜ"),
        ("첫 줄\r\n둘째 줄\u2028셋째\x0b넷째", "첫 줄\n둘째 줄\n셋째\n넷째"),
        ("한 칸\t다음 칸", "한 칸\t다음 칸"),
        ("소\u0336주\u0336", "소주"),
        ("모\ud83c주\udcff", "모\ufffd주\ufffd"),
        ("\ud83c\udf76 술", "🍶 술"),
    ],
)
def test_what_looks_the_same_is_read_the_same(typed: str, read: str) -> None:
    assert clean(typed) == read and clean(read) == read


@pytest.mark.parametrize(
    "said",
    ["맛있어ㅋㅋㅋ", "아 ㅠㅠ", "ㅎㅠㅠ", "ㅋㅋㅠㅠ", "ㅇㅋ", "ㅁㄱㄹ", "그래ㅋ좋아", "ㅡㅡ", "뭐ㅓ야", "좋아ㅏㅏ", "ㅗㅜㅑ", "응ㅇㅇ", "ㄱ. 쌀 ㄴ. 물", "ㅋ", "닭ㅣ"],
)  # fmt: skip
def test_laughter_tears_and_lists_are_no_syllables(said: str) -> None:
    assert clean(said) == said


def test_what_ships_is_clean_already() -> None:
    package = Path(drink_catalog.__file__).parent.parent / "data"
    for file in ("drinks.jsonl", "topics.jsonl", "beliefs.jsonl", "details.jsonl"):
        for line in (package / file).read_text("utf-8").splitlines():
            assert clean(line) == line


@pytest.mark.parametrize(
    ("question", "drink", "holds"),
    [
        (nfd("막걸리 도수가 몇 도야?"), "makgeolli", "alcohol"),
        ("수\xad정과 재료", "sujeonggwa", "ingredients"),
        ("문배주\u00a0도수", "munbaeju", "alcohol"),
        ("이\u200b강\u200b주 도수 알려줘", "igangju", "alcohol"),
        ("ＡＮＤＯＮＧ　ＳＯＪＵ　ａｂｖ？", "andong-soju", "alcohol"),
        ("모ㅈㅜ 도수", "moju", "alcohol"),
        ("쌍ㅎㅗㅏ차 재료", "ssanghwa-cha", "ingredients"),
        ("安東燒酒 도수", "andong-soju", "alcohol"),
        ("安东烧酒 度数", "andong-soju", "alcohol"),
        ("濁酒 도수는?", "makgeolli", "alcohol"),
        ("水正果 재료", "sujeonggwa", "ingredients"),
        ("五味子茶 만드는 법", "omija-cha", "making"),
        ("食醯는 뭐로 만들어?", "sikhye", "ingredients"),
        ("大棗茶 재료", "daechu-cha", "ingredients"),
        ("대추茶 재료", "daechu-cha", "ingredients"),
        ("매실酒 도수", "maesilju", "alcohol"),
        ("梨薑膏 도수", "igangju", "alcohol"),
        ("清酒 도수", "cheongju", "alcohol"),
        ("how strong is makkŏlli", "makgeolli", "alcohol"),
        ("ㅁㄱㄹ 도수", "makgeolli", "alcohol"),
        ("ㅁㄱㄹ는 몇 도야?", "makgeolli", "alcohol"),
        ("ㅅㅎ 재료", "sikhye", "ingredients"),
        ("ㅇㄷㅅㅈ 도수 좀 ㅋㅋ", "andong-soju", "alcohol"),
        ("안동ㅅㅈ 도수", "andong-soju", "alcohol"),
        ("ㅅㅈㄱ 재료 알려줘", "sujeonggwa", "ingredients"),
        ("akrrjffl ehtn", "makgeolli", "alcohol"),
        ("Akrrjffl 도수", "makgeolli", "alcohol"),
        ("TNWJDRHK 재료", "sujeonggwa", "ingredients"),
        ("tlrgpsms anjfh aksemfdj?", "sikhye", "ingredients"),
        ("문배줔ㅋㅋ 도수", "munbaeju", "alcohol"),
    ],
)
def test_a_drink_is_found_however_its_name_was_typed(
    knowledge: Knowledge, question: str, drink: str, holds: str
) -> None:
    found = knowledge.find(question)
    assert found.understood.subjects == (drink,)
    assert found.hits[0].passage.id.startswith(f"{drink}.{holds}")


KEYS = dict(
    zip(
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅑㅒㅓㅔㅕㅖㅗㅛㅜㅠㅡㅣ",
        "r R s e E f a q Q t T d w W c z x v g k o i O j p u P h y n b m l".split(),
        strict=True,
    )
) | {"ㅘ": "hk", "ㅙ": "ho", "ㅚ": "hl", "ㅝ": "nj", "ㅞ": "np", "ㅟ": "nl", "ㅢ": "ml", "ㄺ": "fr", "ㄼ": "fq", "ㄶ": "sg", "ㅀ": "fg"}  # fmt: skip


def on_latin_keys(text: str) -> str:
    return "".join(
        "".join(KEYS.get(jamo, "") for jamo in apart(letter)) if "가" <= letter <= "힣" else letter for letter in text
    )


def test_every_drink_is_read_from_its_keys_its_initials_and_its_hanja(words: TextAnalyzer) -> None:
    assert on_latin_keys("식혜 과하주") == "tlrgP rhkgkwn"
    for drink in DRINKS:
        for title in drink.title_ko.split("·"):
            assert words.as_meant(on_latin_keys(title)) == title
            initials = "".join(apart(letter)[0] for letter in title if letter != " ")
            if initials not in OTHERWISE_MEANT:
                assert title.replace(" ", "") in words.as_meant(f"{initials} 도수").replace(" ", "")
        for name in hanja_names_of(whole_record_of(drink)):
            assert words.as_meant(f"{name} 재료").removesuffix(" 재료") in names_of(whole_record_of(drink))


def test_an_earlier_question_is_read_so_too(knowledge: Knowledge) -> None:
    for earlier in (nfd("과하주가 뭐야?"), "過夏酒가 뭐야?", "rhkgkwnrk anjdi?"):
        assert knowledge.find("도수는?", history=[earlier]).understood.subjects == ("gwahaju",)


def test_initials_of_two_drinks_are_answered_for_both(knowledge: Knowledge) -> None:
    for question, both in (("ㄱㅎㅈ 도수", {"gwahaju", "gukhwaju"}), ("ㄱㅍㅊ 재료", {"gyepi-cha", "gyulpi-cha"})):
        assert set(knowledge.find(question).understood.subjects) == both


@pytest.mark.parametrize("said", ["ㅋㅋㅋ", "ㅎㅎ 추천 좀", "ㅠㅠ", "ㅊㅊ 좀", "ㅇㅈ", "ㄱㅅ", "ㅈㅅ 다시 물을게", "ㅇㅋ ㄱㄱ", "맛있어ㅎㅎ", "대박ㅋㅋ", "ㄷㄷ"])  # fmt: skip
def test_what_chats_shorten_names_no_drink(words: TextAnalyzer, said: str) -> None:
    assert words.as_meant(said) == said


def test_no_english_question_is_taken_for_korean_keys(words: TextAnalyzer) -> None:
    asked = [
        row.get("question") or row["text"]
        for file in ("questions_dev.jsonl", "questions_open.jsonl", "questions_outside.jsonl", "asked_wordings.jsonl")
        for row in map(json.loads, (DATA / file).read_text("utf-8").splitlines())
        if row["lang"] == "en"
    ]
    assert len(asked) > 300
    assert [question for question in asked if words.as_meant(question) != question] == []


def test_every_name_in_hanja_is_a_name_of_its_drink() -> None:
    known = {name.replace(" ", "") for name in (entry.name for entry in drink_names())}
    names = packaged_names()
    assert all(called.replace(" ", "") in known for called in names.hanja.values())
    assert all(name == form(name) for name in names.hanja)
    told = [drink for drink in DRINKS if drink.hanja]
    assert len(told) > 80
    for drink in told:
        for name in str(drink.hanja).split(","):
            assert names.hanja[form(name)] in names_of(whole_record_of(drink)) or form(name) == "梨熟"


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        (nfd("식혜"), "sikhye"), ("식\xad혜", "sikhye"), ("막걸ㄹㅣ", "makgeolli"), ("막걸\u3000리", "makgeolli"), ("ㅁㄱㄹ", "makgeolli"),
        ("ㅁㄱ", "makgeolli"), ("막거", "makgeolli"), ("akrrjffl", "makgeolli"), ("akrrj", "makgeolli"), ("tnwjdr", "sujeonggwa"),
        ("ㅊㅊ", "chik-cha"), ("안동ㅅㅈ", "andong-soju"), ("濁酒", "makgeolli"), ("安東 燒酒", "andong-soju"), ("ｍａｋｇｅｏｌｌｉ", "makgeolli"),
        ("柿葉茶", "gamnip-cha"), ("清酒", "cheongju"),
    ],
)  # fmt: skip
def test_the_find_box_finds_a_drink_however_it_was_typed(typed: str, first: str) -> None:
    assert filter_drinks(DRINKS, DrinkFilter(text=typed))[0].id == first


def test_the_find_box_lists_all_that_begin_so_and_nothing_for_what_fits_none() -> None:
    assert {"gyepi-cha", "gyulpi-cha"} <= {drink.id for drink in filter_drinks(DRINKS, DrinkFilter(text="ㄱㅍㅊ"))}
    for text in ("ㅋㅋ", "ㅎㅎ", "ㅠㅠ", "laptop", "zzzz", "\u200b"):
        found = filter_drinks(DRINKS, DrinkFilter(text=text))
        assert len(found) in (0, len(DRINKS)) and (text == "\u200b") is (len(found) > 0)


def test_a_drink_that_a_person_added_is_found_by_all_its_spellings() -> None:
    typed = replace(
        form_from(drink_catalog.packaged()[23]), id="my-drink", name_ko=nfd("달빛잣술"), name_en="Moonlight jatsul", hanja="月光柏酒", aliases=(), similar=(),
    )  # fmt: skip
    db = Database.open(None)
    own = Knowledge(db, TextAnalyzer(packaged_names()))
    own.fill()
    drink_catalog.save(db, ADMINISTRATOR, "added", {"my-drink": record_from(cleaned(typed), None)})
    own.renew()
    for question in (
        nfd("달빛잣술 도수"),
        "月光栢酒 도수",
        "ㄷㅂㅈㅅ 도수",
        "ekfqlcwktnf ehtn",
        "moonlight jatsul abv",
    ):
        assert own.find(question).understood.subjects == ("my-drink",)


def test_drinks_of_a_file_in_nfd_are_those_that_are_here() -> None:
    now = drink_catalog.DrinkCatalog(DRINKS, frozenset())
    found = import_export.read(nfd(import_export.as_jsonl(DRINKS[:3]).decode()).encode(), "내것.jsonl", now)
    assert (found.same, found.wrong, dict(found.changed)) == (3, (), {})


def test_a_form_holds_names_as_they_are_compared() -> None:
    typed = DrinkForm(
        name_ko=nfd("호박술"), aliases=("ㅎㅗ박주",), ko={"steps": (nfd("빚는다."),)}, sources=("https://a.kr/x",)
    )
    assert cleaned(typed) == DrinkForm(
        name_ko="호박술", aliases=("호박주",), ko={"steps": ("빚는다.",)}, sources=("https://a.kr/x",)
    )


def test_a_question_is_kept_as_it_was_typed_but_for_halves_of_characters() -> None:
    assert clean_question("👩‍🍳 " + nfd("식혜") + "\u00a0ㅎ\ud800") == "👩‍🍳 " + nfd("식혜") + "\u00a0ㅎ\ufffd"
    assert storable("술") == "술"
    with pytest.raises(BadQuestion):
        clean_question("\u200b\u2060 \u3164")


@pytest.mark.parametrize(
    "question",
    [nfd("임신 중인데 막걸리 마셔도 돼?"), "임신\u00a0중인데 막\xad걸리 마셔도 돼?", "임ㅅㅣㄴ 중인데 濁酒 마셔도 돼?", "ＡＭ　Ｉ　ＯＫ to drink makgeolli? I am pre\u200bgnant"],
)  # fmt: skip
def test_a_caution_comes_however_the_question_was_typed(knowledge: Knowledge, question: str) -> None:
    found = knowledge.find(question)
    assert found.sensitive and [passage.subject_id for passage in found.cautions] == ["makgeolli"]


def test_what_was_typed_is_kept_and_what_was_meant_is_counted(tmp_path: Path) -> None:
    typed = "👩‍🍳 " + nfd("식혜") + " vs 水正果 재료 ㅋㅋ #막걸\u200b리"
    done = kdrinks("ask", typed, home=tmp_path)
    assert done.returncode == 0, done.stderr
    with Database.open(tmp_path / "kdrinks.duckdb").cursor() as cursor:
        assert cursor.execute("SELECT text FROM messages WHERE role = 'question'").fetchone() == (typed,)
        rows = cursor.execute(
            "SELECT word FROM words WHERE role = 'question' AND pos = 'drink' ORDER BY word"
        ).fetchall()
    assert [word for (word,) in rows] == ["막걸리", "수정과", "식혜"]


@pytest.mark.parametrize("command", [("ask", "--no-record"), ("search",)])
def test_bytes_that_are_no_text_on_the_command_line_leave_an_answer(tmp_path: Path, command: tuple[str, ...]) -> None:
    question = "막걸리 도수".encode() + b" \xff\xed\xa0\x80"
    done = subprocess.run(
        [sys.executable.encode(), b"-m", b"kdrinks", command[0].encode(), question, *(one.encode() for one in command[1:])],
        env={"KDRINKS_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr.decode()
    assert "막걸리" in done.stdout.decode()


def test_a_history_with_half_a_character_is_read(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    rows = [{"role": "user", "content": nfd("식혜") + "\ud800"}, {"role": "assistant", "content": "\udfff 네"}]
    history.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    done = kdrinks("ask", "재료는?", "--history", str(history), "--no-record", home=tmp_path)
    assert done.returncode == 0 and "엿기름" in done.stdout, done.stderr


def test_a_model_whose_file_is_named_in_nfd_is_found_and_opened_under_its_own_name(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    own = write_byte_model(models / f"{nfd('막걸리')}.gguf")
    settings = Settings(home=tmp_path, models=models)
    assert [model.id for model in catalog.local_models(settings)][1:] == ["막걸리"]
    for name in ("막걸리", nfd("막걸리"), "막걸리.gguf", str(models / "막걸리.gguf"), "막\u200b걸리"):
        found = catalog.find_model(name, settings)
        assert (found.id, found.path.name) == ("막걸리", own.name) and found.path.is_file()


def test_a_folder_typed_in_nfc_is_found_where_the_disk_has_it_in_nfd(tmp_path: Path) -> None:
    folder = tmp_path / nfd("모델")
    folder.mkdir()
    own = write_byte_model(folder / f"{nfd('식혜')}.gguf")
    settings = Settings(home=tmp_path, models=tmp_path / "models")
    linked = links.link(ADMINISTRATOR, tmp_path / "모델" / "식혜.gguf", settings)
    assert linked.id == "식혜" and linked.path.resolve() == own.resolve()


def test_a_file_of_the_hub_that_is_named_in_nfd_is_fetched_by_its_name(tmp_path: Path) -> None:
    content = write_byte_model(tmp_path / "any.gguf").read_bytes()
    with running_hub({"sul/model": {f"{nfd('막걸리')}.gguf": content}}) as server:
        hub = Hub(endpoint=server.hub_url)
        for repo, name in (
            ("sul/model", "막걸리.gguf"),
            ("ｓｕｌ/model\u200b", "막걸리.gguf"),
            ("sul/model", nfd("막걸리.gguf")),
        ):
            assert hub.file(repo, name).file == f"{nfd('막걸리')}.gguf"
