"""Conversations as files: each format holds what it says, trees come back the same, and what others wrote is data and nothing else."""

import csv
import io
import json
import random
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kdrinks.errors import BadInput
from kdrinks.portability import bring_in as importing
from kdrinks.portability import reading
from kdrinks.portability.bring_in import Report, bring_in
from kdrinks.portability.formats import FORMATS, export, file_name
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import chats, conversation_marks, file_hashes, forget, mine, trees
from kdrinks.store.db import Database, new_id
from kdrinks.store.trees import Tree
from kdrinks.text.analyzer import TextAnalyzer
from tests.support.store_rows import LOADED, PASSAGE, exchange, rows

ONE, OTHER = Visitor("one"), Visitor("other")
BOSS = Visitor("boss", administrator=True)
BOTH = pytest.mark.parametrize("who", [ADMINISTRATOR, ONE], ids=["administrator", "visitor"])
"""Whose conversation it was; administrators alone bring one back."""


def branched(db: Database, who: Visitor = ADMINISTRATOR, file: str = "/home/me/kdrinks-mini.gguf") -> str:
    """A conversation of two questions with two versions of the first answer, one of which failed; the first version is shown."""
    conversation = chats.start_conversation(db, who)
    loaded = replace(LOADED, file=file)
    first = chats.record_question(db, who, conversation, "식혜에 **술**이\n들어가나요? 👩‍🍳 <b>&", "ko")
    said = exchange(
        conversation,
        first,
        loaded=loaded,
        trace={
            "settings": {"seed": 7, "stop": []},
            "passages": [{"id": "sikhye.alcohol.ko", "kind": "alcohol", "text": "식혜는 술이 아닙니다."}],
        },
    )
    assert chats.record(db, said)
    failed = exchange(
        conversation, first, finish="failed", answer="", error="It broke in /home/me/models", citations=(), loaded=None
    )
    assert chats.record(db, failed)
    second = chats.record_question(db, who, conversation, "=1+1", "ko")
    assert chats.record(
        db, exchange(conversation, second, answer="표\n\n| a | b |\n|---|---|\n| 1 | 2 |", loaded=loaded)
    )
    with db.write() as cursor:
        cursor.execute("UPDATE conversations SET leaf = ? WHERE id = ?", [said.message_id, conversation])
    return conversation


def tree(db: Database, who: Visitor, conversation: str) -> Tree:
    found = trees.read(db, who, conversation, lambda path, at: "")
    assert found
    return found


def shape(found: Tree) -> tuple[Any, ...]:
    """A tree without its ids: places in the order of time stand for them."""
    place = {node.id: number for number, node in enumerate(found.nodes)}
    nodes = [(node.role, node.text, node.lang, node.at, place.get(node.parent or "")) for node in found.nodes]
    return place.get(found.leaf or ""), nodes


def brought(
    db: Database, words: TextAnalyzer, content: bytes | str, who: Visitor = ADMINISTRATOR, name: str = "chats.json"
) -> Report:
    return bring_in(db, who, content.encode() if isinstance(content, str) else content, name, words)


def outcomes(report: Report) -> list[str]:
    return [item.outcome for item in report.items]


@BOTH
@pytest.mark.parametrize("ending", [name for name, one in FORMATS.items() if one.comes_back])
def test_a_tree_comes_back_the_same_from_each_format_that_holds_one(
    db: Database, words: TextAnalyzer, ending: str, who: Visitor
) -> None:
    conversation = branched(db, who)
    content, messages = export(db, who, conversation, ending, "ko")
    before = tree(db, who, conversation)
    assert messages == len(before.nodes) == 5 and before.leaf != before.nodes[-1].id

    there = brought(db, words, content)
    assert outcomes(there) == ["there"] and tree(db, who, conversation) == before

    forget.one(db, who, conversation)
    assert outcomes(brought(db, words, content)) == ["added"]
    (back,) = chats.conversations(db, ADMINISTRATOR)
    after = tree(db, ADMINISTRATOR, back.id)
    assert shape(after) == shape(before)
    assert outcomes(brought(db, words, content)) == ["there"]
    if who.administrator:
        assert after == before and export(db, who, back.id, ending, "ko")[0] == content, "byte for byte"
    else:  # what they were not told of the server's memory is not known any more
        measured = {"model": {"measured_memory_bytes": 0}}
        for node, was in zip(after.nodes, before.nodes, strict=True):
            model = was.facts.get("model")
            assert node.facts == {**was.facts, **({"model": {**model, **measured["model"]}} if model else {})}
    (shown,) = chats.messages(db, ADMINISTRATOR, back.id)
    assert shown.exchange and shown.answers == 2 and shown.exchange.citations[0].passage == PASSAGE
    assert rows(db, "words") > 0


def test_an_answer_is_exported_with_its_evidence_and_no_folder_of_this_machine(db: Database, tmp_path: Path) -> None:
    model = tmp_path / "tea.gguf"
    model.write_bytes(b"GGUF")
    stamp = file_hashes.stamp_of(model)
    assert stamp
    file_hashes.keep(db, model, "ab" * 32, stamp)
    conversation = branched(db, file=str(model))
    content = export(db, ADMINISTRATOR, conversation, "json", "ko")[0].decode()
    assert str(tmp_path) not in content and "/home/me" not in content
    (chat,) = json.loads(content)
    history = chat["chat"]["history"]
    message = history["messages"][history["currentId"]]
    assert history["messages"][message["parentId"]]["childrenIds"][0] == message["id"]
    ours = message["kdrinks"]
    assert ours["timing"]["first_token_s"] == 0.06 and ours["settings"]["seed"] == 7
    assert ours["passages"] == [{"id": "sikhye.alcohol.ko", "kind": "alcohol", "text": "식혜는 술이 아닙니다."}]
    assert ours["citations"][0]["text"] == PASSAGE.text
    assert ours["model"]["file"] == "tea.gguf" and ours["model"]["sha256"] == "ab" * 32
    # a file that was exchanged after the answer is another one
    model.write_bytes(b"GGUF, another one")
    assert "sha256" not in export(db, ADMINISTRATOR, conversation, "json", "ko")[0].decode()


def test_a_csv_opens_in_a_spreadsheet_with_hangul_and_without_formulas(db: Database) -> None:
    content = export(db, ADMINISTRATOR, branched(db), "csv", "ko")[0]
    assert content.startswith(b"\xef\xbb\xbf")
    found = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["role"] for row in found] == ["question", "answer", "answer", "question", "answer"]
    assert [row["shown"] for row in found] == ["yes", "yes", "no", "no", "no"]
    assert found[0]["text"].startswith("식혜에") and found[3]["text"] == "'=1+1"
    assert found[1]["sources"] == "[1] 식혜: 식혜는 술이 아닙니다." and found[1]["tokens_per_s"] == "100.0"


def test_the_page_to_print_is_one_file_that_fetches_nothing(db: Database) -> None:
    conversation = chats.start_conversation(db, ADMINISTRATOR)
    asked = chats.record_question(db, ADMINISTRATOR, conversation, "<script>alert(1)</script>", "ko")
    answer = "![그림](https://example.org/a.png) **막걸리(탁주)**는 <img src=x> [여기](javascript:alert(1)) [저기](https://example.org)"
    assert chats.record(db, exchange(conversation, asked, question="<script>", answer=answer))
    page = export(db, ADMINISTRATOR, conversation, "html", "ko")[0].decode()
    assert "<strong>막걸리(탁주)</strong>는" in page and "&lt;script&gt;" in page
    assert "<script" not in page and "<img" not in page and "src=" not in page.replace("&lt;img src=x&gt;", "")
    assert 'href="javascript' not in page and '<a href="https://example.org"' in page
    assert "default-src 'none'" in page and 'lang="ko"' in page and "식혜는 술이 아닙니다." in page


def test_markdown_shows_the_question_as_it_was_typed_and_the_sources(db: Database) -> None:
    text = export(db, ADMINISTRATOR, branched(db), "md", "en")[0].decode()
    assert (
        "> 식혜에 \\*\\*술\\*\\*이\n> 들어가나요?" in text
        and "1. 식혜: 식혜는 술이 아닙니다\\. <https://example.org/식혜>".replace("\\.", ".") in text
    )
    assert "built\\-in Q8\\_0" in text and "| a | b |" not in text, "that branch is not shown"


def test_a_renamed_conversation_is_exported_under_its_name(db: Database) -> None:
    conversation = branched(db)
    conversation_marks.rename(db, ADMINISTRATOR, conversation, "할머니의 식혜")
    (ours,) = json.loads(export(db, ADMINISTRATOR, conversation, "json", "ko")[0])
    assert ours["title"] == "할머니의 식혜"
    assert "할머니의 식혜" in export(db, ADMINISTRATOR, conversation, "html", "ko")[0].decode()


def test_what_is_not_there_or_anothers_cannot_be_exported(db: Database) -> None:
    conversation = branched(db, ONE)
    for who, one in ((OTHER, conversation), (OTHER, new_id()), (ONE, "no id"), (ONE, new_id())):
        with pytest.raises(BadInput) as refused:
            export(db, who, one, "json", "en")
        assert refused.value.key == "chat_export_unknown"
    with pytest.raises(BadInput):
        export(db, ONE, conversation, "exe", "en")


def test_a_visitor_takes_nothing_of_the_servers_memory_along(db: Database) -> None:
    conversation = branched(db, ONE)
    assert b"120000000" in export(db, ADMINISTRATOR, conversation, "json", "ko")[0]
    for ending in FORMATS:
        content = export(db, ONE, conversation, ending, "ko")[0]
        assert b"120000000" not in content and b"/home" not in content


def node(
    key: str, parent: str | None, role: str = "", text: str = "", at: float = 0, **message: Any
) -> tuple[str, dict[str, Any]]:
    said = {
        "author": {"role": role},
        "create_time": at or None,
        "content": {"content_type": "text", "parts": [text]},
        **message,
    }
    return key, {"id": key, "parent": parent, "message": said if role else None}


def talk(number: int) -> dict[str, Any]:
    """One of ChatGPT's, with a second version of its answer and what nobody said; lists of children are not always there."""
    at = 1_700_000_000 + number * 1000
    mapping = dict(
        [
            node("root", None),
            node("system", "root", "system", "You are ChatGPT."),
            node("q1", "system", "user", f"질문 {number}", at),
            node("thought", "q1", "assistant", "생각", at + 1, content={"content_type": "thoughts", "thoughts": []}),
            node("begin", "thought", "assistant", f"찾아보겠습니다 {number}", at + 2, metadata={"model_slug": "gpt-5"}),
            node("call", "begin", "assistant", "search()", at + 3, recipient="browser"),
            node("tool", "call", "tool", "found", at + 4),
            node("a1", "tool", "assistant", f"첫 답 {number}", at + 5),
            node("a2", "q1", "assistant", f"다른 답 {number}", at + 6),
            node("q2", "a1", "user", f"이어서 {number}"),
            node("a3", "q2", "assistant", f"끝 {number}"),
        ]
    )
    return {
        "conversation_id": f"conv-{number}",
        "title": f"대화 {number}",
        "create_time": at,
        "mapping": mapping,
        "current_node": "a2",
    }


def zipped(files: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, one in files.items():
            archive.writestr(name, one if isinstance(one, str | bytes) else json.dumps(one))
    return content.getvalue()


@pytest.mark.parametrize("who", [ADMINISTRATOR, BOSS], ids=["at home", "on a site"])
def test_a_chatgpt_export_of_fifty_parts_arrives_whole_and_a_second_time_adds_nothing(
    db: Database, words: TextAnalyzer, who: Visitor
) -> None:
    parts: dict[str, Any] = {
        f"export/conversations-{part:03d}.json": [talk(part * 4 + one) for one in range(4)] for part in range(50)
    }
    parts |= {
        "export/user.json": {"id": "me"},
        "export/message_feedback.json": [],
        "export/picture.png": b"\x89PNG" * 9,
    }
    archive = zipped(parts)
    report = brought(db, words, archive, who, "export.zip")
    assert report.count("added") == len(report.items) == 200 and report.messages == 200 * 5
    assert report.items[0].where == "conversations-000.json #1" and report.items[0].title == "대화 0"
    with db.cursor() as cursor:
        texts = "\n".join(row[0] for row in cursor.execute("SELECT text FROM messages").fetchall())
    for number in range(200):
        for said in ("질문", "찾아보겠습니다", "첫 답", "다른 답", "이어서", "끝"):
            assert f"{said} {number}" in texts
    assert "You are ChatGPT" not in texts and "search()" not in texts
    before = {table: rows(db, table) for table in ("conversations", "messages", "generations", "words", "citations")}

    again = brought(db, words, archive, who, "export.zip")
    assert again.count("there") == 200 and again.messages == 0
    assert before == {table: rows(db, table) for table in before}
    assert len(chats.conversations(db, who, None)) == 200 and not chats.conversations(db, OTHER, None)


def test_versions_and_pieces_of_a_chatgpt_answer_find_their_places(db: Database, words: TextAnalyzer) -> None:
    brought(db, words, json.dumps([talk(7)]))
    (listed,) = chats.conversations(db, ADMINISTRATOR)
    assert listed.title == "질문 7" and listed.started_at == datetime(2023, 11, 15, 0, 10)
    (shown,) = chats.messages(db, ADMINISTRATOR, listed.id)
    assert shown.exchange and shown.exchange.answer == "다른 답 7" and shown.answers == 2
    found = tree(db, ADMINISTRATOR, listed.id)
    by_text = {one.text: one for one in found.nodes}
    whole = by_text["찾아보겠습니다 7\n\n첫 답 7"]
    assert by_text["이어서 7"].parent == whole.id and by_text["끝 7"].parent == by_text["이어서 7"].id
    assert whole.facts["from"] == {"program": "chatgpt", "model": "gpt-5"}
    assert [one.at for one in found.nodes] == sorted(one.at for one in found.nodes)


def test_what_was_said_since_the_last_export_is_added_to_the_conversation(db: Database, words: TextAnalyzer) -> None:
    old, new = talk(1), talk(1)
    del old["mapping"]["a3"], old["mapping"]["q2"]
    new["current_node"] = "a3"
    old["current_node"] = "a1"
    brought(db, words, json.dumps([old]))
    report = brought(db, words, json.dumps([new]))
    assert outcomes(report) == ["grown"] and report.messages == 2
    (listed,) = chats.conversations(db, ADMINISTRATOR)
    assert [one.question for one in chats.messages(db, ADMINISTRATOR, listed.id)] == ["질문 1", "이어서 1"]


def test_one_broken_conversation_is_named_with_its_reason_and_the_others_arrive(
    db: Database, words: TextAnalyzer
) -> None:
    circle, twice = talk(1), json.dumps(talk(2)).replace('"q1": {', '"q1": {"id": "a", ', 1)
    circle["mapping"]["q1"]["parent"] = "a1"
    empty = {**talk(3), "mapping": dict([node("root", None)])}
    deep = json.dumps(talk(4))[:-1] + ', "x": ' + "[" * 100 + "]" * 100 + "}"
    huge = talk(5)
    huge["mapping"]["q1"]["message"]["content"]["parts"] = ["가" * 500_001]
    content = f"[{json.dumps(circle)}, {twice}, {json.dumps(empty)}, {deep}, {json.dumps(huge)}, 5, {{}}, {json.dumps(talk(6))}]"
    report = brought(db, words, content)
    assert outcomes(report) == ["refused"] * 7 + ["added"]
    reasons = [item.reason.message("en") for item in report.items if item.reason]
    for said, reason in zip(
        ("circle", "twice", "no message", "nested", "500,001", "no conversation", "no conversation"),
        reasons,
        strict=True,
    ):
        assert said in reason
    assert [item.where for item in report.items][:2] == ["chats.json #1", "chats.json #2"]
    cut = brought(db, words, json.dumps([talk(8), talk(9)])[:-40])
    assert outcomes(cut) == ["added", "refused"]
    nested = brought(db, words, "[" * 100_000)
    assert outcomes(nested) == ["refused"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[reading.Limits]:
    limits = reading.Limits(file_bytes=100_000, part_bytes=200_000, unpacked_bytes=300_000, conversations=5)
    monkeypatch.setattr(importing, "LIMITS", limits)
    yield limits


def test_a_zip_bomb_is_refused_by_what_comes_out_of_it_whatever_it_declares(
    db: Database, words: TextAnalyzer, small: reading.Limits
) -> None:
    bomb = zipped({"conversations-000.json": "[" + " " * 50_000_000 + "]", "conversations-001.json": [talk(1)]})
    honest = brought(db, words, bomb, name="bomb.zip")
    assert outcomes(honest) == ["refused", "added"]
    # the size that it declares, in both heads, made a small one
    size = (50_000_002).to_bytes(4, "little")
    assert bomb.count(size) == 2
    lying = brought(db, words, bomb.replace(size, (2).to_bytes(4, "little")), name="bomb.zip")
    assert outcomes(lying) == ["refused", "there"]
    # many parts that are small by themselves
    many = {f"conversations-{part:03d}.json": "[" + " " * 150_000 + "]" for part in range(4)}
    assert (
        brought(db, words, zipped({**many, "conversations-900.json": [talk(2)]}), name="many.zip").count("refused") == 3
    )


def test_files_that_are_too_large_too_many_or_nothing_say_so(
    db: Database, words: TextAnalyzer, small: reading.Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(content: bytes | str) -> str:
        with pytest.raises(BadInput) as error:
            brought(db, words, content)
        assert error.value.message("ko") and error.value.hint("ko")
        return error.value.key

    assert refused("x" * 100_001) == "import_too_large"
    assert refused("[]") == refused("") == refused(zipped({"a.txt": "a"})) == "chat_import_empty"
    assert refused(b"PK\x03\x04" + b"x" * 90) == "chat_import_archive"
    assert refused(json.dumps([talk(number) for number in range(6)])) == "chat_import_too_many"
    monkeypatch.setattr(reading, "ENTRIES_MAX", 3)
    assert refused(zipped({f"{number}.json": "[]" for number in range(4)})) == "chat_import_entries"
    assert outcomes(brought(db, words, b"\xff\xfe[")) == outcomes(brought(db, words, "hello")) == ["refused"]


def test_control_text_of_a_file_is_disarmed_and_emoji_stay(db: Database, words: TextAnalyzer) -> None:
    one = talk(1)
    scotland = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
    typed = f"a\x1b[31m\u202eevil\u2066\x07\r\n👩‍🍳{scotland}\U000e0041 가나 ᄒᆞᆫ글\u0000"
    one["mapping"]["q1"]["message"]["content"]["parts"] = [typed]
    brought(db, words, json.dumps([one]))
    (listed,) = chats.conversations(db, ADMINISTRATOR)
    asked = chats.messages(db, ADMINISTRATOR, listed.id)[0].question
    assert asked == f"a[31mevil\n👩‍🍳{scotland} 가나 ᄒᆞᆫ글"


def open_webui(chat_id: str = "w1") -> dict[str, Any]:
    messages = {
        "u": {"id": "u", "parentId": None, "childrenIds": ["v1", "v2"], "role": "user", "content": "What is sikhye?", "timestamp": 1_700_000_000},
        "v1": {"id": "v1", "parentId": "u", "childrenIds": [], "role": "assistant", "content": "A drink.", "model": "qwen3", "done": True, "timestamp": 1_700_000_001},
        "v2": {"id": "v2", "parentId": "u", "childrenIds": [], "role": "assistant", "content": "A sweet drink.", "model": "qwen3", "timestamp": 1_700_000_001},
    }  # fmt: skip
    return {
        "id": chat_id,
        "title": "Sikhye",
        "chat": {"title": "Sikhye", "models": ["qwen3"], "history": {"currentId": "v1", "messages": messages}},
    }


def test_open_webuis_chats_arrive_with_their_versions_also_in_the_older_form(db: Database, words: TextAnalyzer) -> None:
    older = {"id": "w2", **open_webui()["chat"]}
    report = brought(db, words, json.dumps([open_webui(), older]))
    assert outcomes(report) == ["added", "added"] and [item.title for item in report.items] == ["Sikhye"] * 2
    for listed in chats.conversations(db, ADMINISTRATOR):
        (shown,) = chats.messages(db, ADMINISTRATOR, listed.id)
        assert shown.exchange and shown.exchange.answer == "A drink." and shown.answers == 2 and shown.language == "en"
    assert outcomes(brought(db, words, json.dumps([open_webui(), older]))) == ["there", "there"]


def test_a_session_of_another_program_arrives_as_a_line_or_as_the_tree_that_llama_cpp_writes(
    db: Database, words: TextAnalyzer
) -> None:
    line = [
        {"type": "session", "harness": "my-agent", "id": "s1", "name": "Tea"},
        {"type": "message", "message": {"role": "user", "content": "What is yuja?"}},
        {"type": "message", "message": {"role": "assistant", "content": [{"type": "text", "text": "A fruit."}]}},
    ]
    llama = [
        {"type": "session", "harness": "llama.app", "id": "s2", "name": "Tea", "currNode": "b"},
        {"type": "message", "message": {"id": "r", "convId": "s2", "type": "root", "role": "system", "content": "", "parent": None, "children": ["a"]}},
        {"type": "message", "message": {"id": "a", "role": "user", "content": "유자가 뭐야?", "parent": "r", "timestamp": 1_765_275_434_078}},
        {"type": "message", "message": {"id": "b", "role": "assistant", "content": "과일.", "parent": "a", "timestamp": 1_765_275_435_078}},
        {"type": "message", "message": {"id": "c", "role": "assistant", "content": "귤의 하나.", "parent": "a", "timestamp": 1_765_275_436_078}},
    ]  # fmt: skip
    content = "".join(json.dumps(one) + "\n" for one in [*line, *llama])
    report = brought(db, words, content, name="both.jsonl")
    assert outcomes(report) == ["added", "added"] and report.messages == 5
    newest, oldest = chats.conversations(db, ADMINISTRATOR)
    said = {
        shown.question: shown.exchange.answer
        for one in (newest, oldest)
        for shown in chats.messages(db, ADMINISTRATOR, one.id)
        if shown.exchange
    }
    assert said == {"What is yuja?": "A fruit.", "유자가 뭐야?": "과일."}
    # several are bundled as an archive of one file each
    bundled = zipped(
        {
            "a.jsonl": "".join(json.dumps(one) + "\n" for one in line),
            "b.jsonl": "".join(json.dumps(one) + "\n" for one in llama),
        }
    )
    assert outcomes(brought(db, words, bundled, name="both.zip")) == ["there", "there"]


@BOTH
def test_the_copy_of_my_data_comes_back(db: Database, words: TextAnalyzer, who: Visitor) -> None:
    conversation = branched(db, who)
    copy = mine.export(db, who)
    assert outcomes(brought(db, words, copy, name="kdrinks-mine.jsonl")) == ["there"]
    before = [(node.role, node.text) for node in tree(db, who, conversation).nodes]
    forget.one(db, who, conversation)
    assert outcomes(brought(db, words, copy, name="kdrinks-mine.jsonl")) == ["added"]
    (listed,) = chats.conversations(db, ADMINISTRATOR)
    assert [(node.role, node.text) for node in tree(db, ADMINISTRATOR, listed.id).nodes] == before


CITED = {
    "number": 1, "passage_id": "sikhye.alcohol.ko", "subject_id": "sikhye", "kind": "alcohol", "lang": "ko", "title": "식혜",
    "text": "식혜는 술이 아닙니다.", "score": 1.0, "sources": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("finish", "won"), ("guard", 5), ("timing", {"total_s": "fast"}), ("timing", {"prompt_tokens": 2**40}), ("model", {"id": "x"}),
     ("citations", [{"number": 1}]), ("citations", [CITED] * 21), ("citations", [CITED | {"kind": "document"}]),
     ("citations", [CITED | {"text": "가" * 10_000, "title": "가"}] * 11), ("details", {"mode": "evil"}), ("settings", {"a": "x" * 20_001})],
)  # fmt: skip
def test_a_file_of_ours_with_what_cannot_be_says_where(
    db: Database, words: TextAnalyzer, field: str, value: Any
) -> None:
    conversation = branched(db)
    chat = json.loads(export(db, ADMINISTRATOR, conversation, "json", "ko")[0])
    history = chat[0]["chat"]["history"]
    history["messages"][history["currentId"]]["kdrinks"][field] = value
    forget.one(db, ADMINISTRATOR, conversation)
    report = brought(db, words, json.dumps(chat))
    assert outcomes(report) == ["refused"] and report.items[0].reason
    assert field in report.items[0].reason.message("en") and rows(db, "messages") == 0


def test_times_that_cannot_be_are_put_where_they_can(db: Database, words: TextAnalyzer) -> None:
    one = talk(1)
    for key, at in (("q1", 9e18), ("a1", -5), ("a2", "tomorrow"), ("q2", True)):
        one["mapping"][key]["message"]["create_time"] = at
    brought(db, words, json.dumps([one]).replace('"create_time": null', '"create_time": NaN'))
    (listed,) = chats.conversations(db, ADMINISTRATOR)
    assert listed.last_at <= datetime.now() + timedelta(days=1) and listed.started_at >= datetime(2000, 1, 1)


ODD: tuple[Any, ...] = (
    *(None, True, -1, 2**31, 2**62, 1e300, "", "x", "\x00", "\ud800", [], {}, [[]], "question", "2024-13-01"),
    *("9999-12-31T23:59:59.999999", "0001-01-01T00:00:00+14:00"),
)


def places(found: Any) -> Iterator[tuple[Any, Any]]:
    """Each container in a document of JSON with each of its keys or numbers."""
    for key in list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ():
        yield found, key
        yield from places(found[key])


def test_whatever_stands_in_a_file_is_reported_and_breaks_nothing(db: Database, words: TextAnalyzer) -> None:
    """Found so: lists that are numbers, halves of characters in ids, an empty id, times at the end of the calendar."""
    chance = random.Random(7)
    conversation = branched(db)
    lines = [json.loads(line) for line in export(db, ADMINISTRATOR, conversation, "jsonl", "ko")[0].splitlines()]
    taken = [json.loads(line) for line in mine.export(db, ADMINISTRATOR).splitlines()]
    whole = json.loads(export(db, ADMINISTRATOR, conversation, "json", "ko")[0])
    found = {"added": 0, "refused": 0}
    for _ in range(400):
        changed = deepcopy(chance.choice((whole, [talk(1)], [open_webui()], lines, taken)))
        for _ in range(chance.choice((1, 1, 2))):
            container, key = chance.choice(list(places(changed)))
            container[key] = chance.choice(ODD)
        content = "\n".join(map(json.dumps, changed)) if len(changed) > 1 else json.dumps(changed)
        report = brought(db, words, content, chance.choice((ADMINISTRATOR, BOSS)))
        for outcome in found:
            found[outcome] += report.count(outcome)
    assert min(found.values()) > 5, found
    for who in (ADMINISTRATOR, BOSS):
        for listed in chats.conversations(db, who, None):
            assert chats.messages(db, who, listed.id) and export(db, who, listed.id, "json", "ko")


@pytest.mark.parametrize(
    ("title", "name"), [("식혜가 뭐예요? a/b:c", "식혜가-뭐예요-a-b-c.md"), ("../..", "kdrinks.md"), ("", "kdrinks.md")]
)
def test_a_files_name_fits_every_system(title: str, name: str) -> None:
    assert file_name(title, "md") == name
