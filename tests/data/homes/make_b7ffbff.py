"""Makes b7ffbff.zip and b7ffbff.json: a home as a person has it after six weeks, written by kdrinks at commit b7ffbff, and what must be found in it.

    git worktree add /tmp/old b7ffbff && python tests/data/homes/make_b7ffbff.py /tmp/old

Runs that commit's own code (its API, its command line, its engine with the built-in model); today's is not imported. Answers and timings
differ from run to run, so the archive is made once and kept. The program sees the clock of six weeks ago and later ones, so that days
are rolled up as in real use. Retention is 365 days: the app, whose warm-up applies it, deletes what became older.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent
OLD = Path(sys.argv[1]).resolve()
sys.path[:0] = [str(OLD), str(OLD / "tests")]

from document_files import pdf  # noqa: E402

from kdrinks import words as words_module  # noqa: E402
from kdrinks.answer import Answer, ask  # noqa: E402
from kdrinks.compare import Candidate, Comparison  # noqa: E402
from kdrinks.config import Settings  # noqa: E402
from kdrinks.hub import catalog  # noqa: E402
from kdrinks.knowledge import draft, edition  # noqa: E402
from kdrinks.knowledge.draft import Typed  # noqa: E402
from kdrinks.records import Choice, Keeping, Sampling  # noqa: E402
from kdrinks.services import Services, open_services, save_choice, save_keeping  # noqa: E402
from kdrinks.store import analytics, chats, compare, db, documents, drinks, forget, said, schema, sqlbox  # noqa: E402
from kdrinks.store.analytics import View  # noqa: E402
from kdrinks.ui.analytics_view import STOP_WORDS_KEY  # noqa: E402

AHEAD = [timedelta()]
"""How far the program's clock is from the real one."""

NOTES = """# 우리 집 술과 차 공책

## 솔잎동동주

솔잎동동주는 외할머니가 한가위 전에 빚던 술입니다. 찹쌀 두 되와 솔잎 한 줌, 밀누룩 삼백 그램을 씁니다.
항아리는 북쪽 창가에 두고 아흐레 동안 열지 않습니다.

## Guests from abroad

Guests get the small celadon cups from the Yongin kiln. We never pour the last bowl for a guest who drives.
"""
PRICES = [
    [
        (20, "Byeolbit Tearoom price list"),
        (11, "A pot of wild quince tea costs 8,200 won and is refilled twice."),
        (11, "The tearoom closes on the second Tuesday of every month."),
    ],
    [(15, "Deposits"), (11, "The deposit on a brass kettle is 15,000 won.")],
]
BLACK_SESAME = Typed(
    id="heugimja-cha",
    name_ko="흑임자차",
    name_en="Heugimja-cha (black sesame tea)",
    aliases=("검은깨차",),
    ko={
        "summary": "흑임자차는 볶은 검은깨를 갈아 뜨거운 물에 탄 고소한 차입니다.",
        "ingredients": ("검은깨", "꿀"),
        "steps": ("검은깨를 볶아 갑니다.", "뜨거운 물에 탑니다."),
        "allergens": ("깨",),
    },
    en={
        "summary": "Heugimja-cha is a nutty tea of roasted black sesame ground into hot water.",
        "ingredients": ("black sesame", "honey"),
        "steps": ("Roast and grind the sesame.", "Stir it into hot water."),
        "allergens": ("sesame",),
    },
    tags={"kind": ("seed_tea",), "season": ("winter",), "diet": ("sesame", "honey")},
)
MOONLIGHT = Typed(
    id="dalbit-ihwa",
    name_ko="달빛이화",
    name_en="Dalbit-ihwa",
    aliases=("달빛배꽃술",),
    is_alcoholic=True,
    abv_min=7.0,
    abv_max=9.0,
    ko={
        "summary": "달빛이화는 배꽃이 필 때 쌀누룩으로 되직하게 빚어 숟가락으로 떠먹는 우리 동네 술입니다.",
        "ingredients": ("멥쌀", "쌀누룩"),
        "steps": ("멥쌀 가루로 구멍떡을 찝니다.", "쌀누룩과 섞어 스무 날 익힙니다."),
    },
    en={
        "summary": "Dalbit-ihwa is a thick rice brew of our village, fermented with rice nuruk and eaten with a spoon.",
        "ingredients": ("rice", "rice nuruk"),
        "steps": ("Steam ring cakes of rice flour.", "Mix them with rice nuruk and leave them for twenty days."),
    },
    tags={"kind": ("takju",), "season": ("spring",)},
)


class Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) + AHEAD[0]


def main() -> None:
    # every time and id of the store comes from these two names
    db.datetime = Clock
    db.time = SimpleNamespace(time_ns=lambda: time.time_ns() + AHEAD[0] // timedelta(microseconds=1) * 1000)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        settings = Settings(home=home, models=Path(folder) / "models")
        settings.models.mkdir()
        house = open_services(settings)
        house.knowledge.fill()
        live(house, home)
        AHEAD[0] = timedelta()
        house.close()
        on_the_command_line(home)
        house = open_services(settings)
        house.knowledge.fill()  # the next start takes in what the command line left
        with house.db.write() as cursor:
            removed = cursor.execute("SELECT count(*) FROM conversations WHERE session = 'sample'").fetchone()
        assert removed == (0,)
        manifest = found_in(house)
        house.db.rewrite()
        house.close()
        write(home, manifest, str(folder))


def live(house: Services, home: Path) -> None:
    """Six weeks; the day before each step."""
    built_in = catalog.find_model(catalog.BUILT_IN, house.settings)

    day(-42)
    talk = told(house, "식혜에는 뭐가 들어가요?")
    told(house, "그건 어떻게 만들어요?", talk)
    told(house, "언제 마셔요?", talk)
    talk = told(house, "What is sujeonggwa made of?")
    told(house, "And when do people drink it?", talk)

    day(-37)
    told(house, "임신 중인데 막걸리 마셔도 돼요?")
    told(house, "Can I give my baby tea with honey?")
    save_choice(house, Choice(built_in.path, built_in.id, "cpu", 768))
    save_keeping(house, Keeping(idle_s=900.0, models=2))

    day(-30)
    change(
        house,
        "corrected",
        "sujeonggwa",
        cautions={"ko": ["계피를 많이 먹지 않습니다."], "en": ["Go easy on cinnamon."]},
    )
    change(
        house,
        "corrected",
        "sikhye",
        steps={
            "ko": ["엿기름을 미지근한 물에 담가 거릅니다.", "고두밥과 섞어 여섯 시간 삭힙니다.", "우리 집은 배 껍질을 넣고 끓입니다."],
            "en": ["Steep barley malt in lukewarm water and strain it.", "Mix it with steamed rice for six hours.", "At our house we boil it with pear peel."],
        },
    )  # fmt: skip
    undone = change(house, "corrected", "sikhye", hanja="甘酒水")
    drinks.undo(house.db, undone)
    house.knowledge.renew()
    for typed in (BLACK_SESAME, MOONLIGHT):
        wrong = draft.problems(typed, edition.current(house.db).by_id, is_new=True)
        assert wrong == [], wrong
        drinks.save(house.db, "added", {typed.id: draft.record_from(typed, None)})
        house.knowledge.renew()
    told(house, "흑임자차는 어떻게 만드나요?")

    day(-21)
    stopped(house)
    failed(house, built_in.path)
    # as a kill leaves it: a question whose answer never came
    chats.record_question(house.db, chats.start_conversation(house.db), "이강주는 어느 지역 술이에요?", "ko")

    day(-14)
    chats.save_choice(
        house.db,
        sqlbox.SAVED_KEY,
        {
            "많이 나온 음료": "SELECT word, sum(count) AS said FROM words WHERE pos = 'drink' GROUP BY word ORDER BY said DESC",
            "answers by day": "SELECT created_at::DATE AS day, count(*) FROM messages WHERE role = 'answer' GROUP BY day",
        },
    )
    chats.save_choice(house.db, STOP_WORDS_KEY, ["우리", "people"])
    assert forget.set_retention(house.db, 365) == 0
    comparison = Comparison(
        house.db, house.engine, [Candidate(built_in, Choice(built_in.path, built_in.id, "cpu", 512))]
    )
    assert comparison.wait(300) and comparison.phase == "done", comparison.error

    day(-7)
    told(house, "안동소주는 몇 도예요?")
    talk = told(house, "Which drinks suit a hot summer day?")
    told(house, "Which of them have no alcohol?", talk)
    told(house, "파이썬으로 정렬하는 법 알려 줘")


def on_the_command_line(home: Path) -> None:
    """Today, with the command line only: documents, two answers that rest on them, sample data in and out."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (
            ("우리 집 공책.md", NOTES.encode()),
            ("price list.pdf", pdf(PRICES)),
            ("지난달 메뉴.txt", "지난달 차림표\n\n감잎차는 이달까지만 냅니다.\n".encode()),
        ):
            (Path(folder) / name).write_bytes(content)
            row = command(home, "documents", "add", str(Path(folder) / name))
    command(home, "documents", "remove", row["id"])
    answer = command(home, "ask", "솔잎동동주 항아리는 어디에 두나요?")
    assert "북쪽 창가" in answer["answer"], answer
    answer = command(home, "ask", "How much is the deposit on a brass kettle?")
    assert "15,000 won" in answer["answer"], answer
    assert command(home, "sample")["conversations"] == 160
    assert command(home, "sample", "--remove")["conversations"] == 160


def command(home: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "kdrinks", *arguments, "--json"],
        cwd=OLD,
        env={**os.environ, "KDRINKS_HOME": str(home), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def day(number: int) -> None:
    AHEAD[0] = timedelta(days=number)


def told(house: Services, question: str, conversation_id: str = "") -> str:
    answer = ask(house, question, conversation_id=conversation_id)
    answer.wait()
    assert answer.error is None, answer.error
    assert answer.text
    return answer.question.conversation_id


def stopped(house: Services) -> None:
    """Stopped with a part of its text: asked again until the stop comes in time."""
    for _ in range(200):
        answer = ask(house, "막걸리는 어떻게 만드나요?")
        while not answer.text and answer.finish is None:
            pass
        answer.stop()
        answer.wait()
        if answer.finish == "stopped" and answer.text:
            return
        chats.delete_conversation(house.db, answer.question.conversation_id)
    raise SystemExit("no answer was slow enough to be stopped")


def failed(house: Services, model: Path) -> Answer:
    """A question that is longer than the window of 512 tokens."""
    answer = ask(
        house, "식혜와 수정과와 막걸리의 차이를 설명해 주세요. " * 25, choice=Choice(model, "built-in", "cpu", 512),
        sampling=Sampling(max_tokens=64),
    )  # fmt: skip
    answer.wait()
    assert answer.finish == "failed" and answer.error, (answer.finish, answer.text)
    return answer


def change(house: Services, kind: Any, drink_id: str, **changes: Any) -> str:
    """As the form does it."""
    before = edition.current(house.db).by_id[drink_id]
    typed = draft.typed_from(before)
    for name, value in changes.items():
        if isinstance(value, dict):
            ko, en = ({**side, name: tuple(value[lang])} for lang, side in (("ko", typed.ko), ("en", typed.en)))
            typed = replace(typed, ko=ko, en=en)
        else:
            typed = replace(typed, **{name: value})
    wrong = draft.problems(typed, edition.current(house.db).by_id, is_new=False)
    assert wrong == [], wrong
    made: str = drinks.save(house.db, kind, {drink_id: draft.record_from(typed, before)})
    house.knowledge.renew()
    return made


def found_in(house: Services) -> dict[str, Any]:
    """What must be found, as that commit itself reads it, under names that are of this file and not of any module."""
    store = house.db
    talks = chats.conversations(store, limit=1000)
    counts = analytics.counts(store, View()).to_dict("records")[0]
    top = said.top_words(store, View(), limit=20)
    compared = compare.comparisons(store)
    return {
        "made_by": "b7ffbff",
        "made_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "schema": schema.MIGRATIONS[-1][0],
        "analyser": words_module.VERSION,
        "conversations": [
            {
                "id": talk.id,
                "title": talk.title,
                "started_at": str(talk.started_at),
                "last_at": str(talk.last_at),
                "questions": [_question(asked) for asked in chats.messages(store, talk.id)],
            }
            for talk in talks
        ],
        "changes": [
            {**asdict(one), "drink_ids": list(one.drink_ids), "made_at": str(one.made_at)} for one in drinks.changes(store)
        ],
        "edited": drinks.edited(store),
        "documents": [
            {
                **asdict(document),
                "added_at": str(document.added_at),
                "texts": [part.passage.text for part in documents.parts(store, document.id)],
                "places": [[part.heading, part.page] for part in documents.parts(store, document.id)],
            }
            for document in documents.listed(store)
        ],
        "finds": {
            "흑임자차는 어떻게 만드나요?": "heugimja-cha",
            "검은깨차에는 무엇이 들어가요?": "heugimja-cha",
            "What is Dalbit-ihwa?": "dalbit-ihwa",
            "달빛배꽃술은 몇 도예요?": "dalbit-ihwa",
        },
        "document_finds": {
            "솔잎동동주 항아리는 어디에 두나요?": "북쪽 창가",
            "How much is the deposit on a brass kettle?": "15,000 won",
            "How much does a pot of wild quince tea cost?": "8,200 won",
        },
        "choices": {
            key: chats.last_choice(store, key)
            for key in ("model", "keeping", STOP_WORDS_KEY, sqlbox.SAVED_KEY, forget.RETENTION_KEY)
        },
        "counts": {name: int(counts[name]) for name in ("conversations", "questions", "answers", "failures", "tokens")},
        "words": [[row["word"], int(row["count"])] for row in top.to_dict("records")],
        "comparisons": [
            {"id": row["id"], "settings": int(row["settings"]), "models": row["models"], "results": len(compare.results(store, row["id"]))}
            for row in compared.to_dict("records")
        ],
    }  # fmt: skip


def _question(asked: Any) -> dict[str, Any]:
    exchange = asked.exchange
    row = {
        "id": asked.question_id,
        "text": asked.question,
        "language": asked.language,
        "asked_at": str(asked.asked_at),
        "interrupted": asked.interrupted,
        "answer": None,
    }
    if exchange:
        row["answer"] = {
            "id": exchange.message_id,
            "text": exchange.answer,
            "language": exchange.language,
            "finish": exchange.finish,
            "error": exchange.error,
            "guard": exchange.guard,
            "details": dict(exchange.details),
            "timing": asdict(exchange.timing),
            "model": exchange.loaded and [exchange.loaded.model_id, exchange.loaded.quantization, exchange.loaded.used],
            "citations": [
                {"number": cited.number, "score": cited.score, **asdict(cited.passage), "sources": list(cited.passage.sources)}
                for cited in exchange.citations
            ],
        }  # fmt: skip
    return row


def write(home: Path, manifest: dict[str, Any], folder: str) -> None:
    text = json.dumps(manifest, ensure_ascii=False, indent=1, default=str)
    assert folder not in text
    (HERE / "b7ffbff.json").write_text(text + "\n", encoding="utf-8")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        for file in sorted(home.rglob("*")):
            if file.is_file():
                print(f"{file.relative_to(home)}: {file.stat().st_size:,} bytes")
                assert folder.encode() not in file.read_bytes(), f"{file} names a folder of this machine"
                archive.write(file, file.relative_to(home))
    (HERE / "b7ffbff.zip").write_bytes(content.getvalue())
    print(f"b7ffbff.zip: {content.tell():,} bytes")


main()
