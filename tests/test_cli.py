"""The command line keeps its contract: names, JSON keys, exit statuses, and one document on standard output."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from kdrinks.config import BUILT_IN_FILE
from kdrinks.store.db import Database
from tests.support.command_line import document, kdrinks


def test_ask_answers_with_citations_and_timings_and_is_kept(tmp_path: Path) -> None:
    answered = document(kdrinks("ask", "막걸리가 뭐야?", "--mode", "held", "--json", home=tmp_path))
    assert "누룩" in answered["answer"] and answered["finish"] == "stop" and answered["language"] == "ko"
    assert {"id", "title", "passage_id", "score"} <= answered["citations"][0].keys()
    assert answered["citations"][0]["id"] == "makgeolli"
    assert answered["model"] == {
        "id": "built-in",
        "file": "kdrinks-mini.gguf",
        "quantization": "Q8_0",
        "adapter": None,
        "scale": None,
    }
    assert answered["device"]["used"] == "cpu" and answered["device"]["requested"] == "auto"
    timing = answered["timing"]
    assert timing["prompt_tokens"] > 0 and timing["completion_tokens"] > 0
    assert 0 < timing["first_token_s"] < timing["total_s"] and timing["load_s"] > 0
    assert timing["load_s"] < timing["wait_s"] < timing["total_s"], "loading and queue are waited for too"
    assert answered["label"] == "그대로"
    told = {name: answered[name] for name in ("mode", "also_found", "own_from", "unknown_numbers")}
    assert told == {"mode": "held", "also_found": [], "own_from": None, "unknown_numbers": []}
    with Database.open(tmp_path / "kdrinks.duckdb").cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM generations WHERE finish = 'stop'").fetchone() == (1,)
        assert cursor.execute("SELECT count(*) FROM words WHERE word = '막걸리' AND role = 'question'").fetchone() == (
            1,
        )

    exported = document(kdrinks("export", str(tmp_path / "out"), "--json", home=tmp_path))
    assert exported["rows"]["messages"] == 2
    for name in exported["files"]:
        assert (tmp_path / "out" / Path(name).name).is_file()


def test_a_mode_that_the_model_does_not_have_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = kdrinks("ask", "막걸리가 뭐야?", "--mode", "free", "--no-record", "--json", home=tmp_path)
    assert refused.returncode == 1 and "another model" in json.loads(refused.stdout)["error"]["hint"]
    assert kdrinks("ask", "막걸리가 뭐야?", "--mode", "loud", home=tmp_path).returncode == 2


def test_ask_streams_text_and_keeps_nothing_when_told_so(tmp_path: Path) -> None:
    done = kdrinks("ask", "How strong is Andong soju?", "--no-record", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "45%" in done.stdout and not (tmp_path / "kdrinks.duckdb").exists()


def test_beside_a_running_app_ask_still_answers_and_says_that_it_is_not_recorded(tmp_path: Path) -> None:
    held = Database.open(tmp_path / "kdrinks.duckdb")
    try:
        done = kdrinks("ask", "막걸리가 뭐야?", "--json", home=tmp_path)
        assert "막걸리" in document(done)["answer"]
        assert "not recorded" in done.stderr
        refused = kdrinks("export", str(tmp_path / "out"), "--json", home=tmp_path)
        assert refused.returncode == 1
        assert {"message", "hint"} == json.loads(refused.stdout)["error"].keys()
    finally:
        held.close()


def test_a_follow_up_is_understood_from_its_history(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    lines = [{"role": "user", "content": "수정과가 뭐야?"}, {"role": "assistant", "content": "수정과는 음료입니다."}]
    history.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    answered = document(
        kdrinks("ask", "거기엔 뭐가 들어가?", "--history", str(history), "--no-record", "--json", home=tmp_path)
    )
    assert answered["citations"][0]["id"] == "sujeonggwa" and "곶감" in answered["answer"]


def test_search_gives_distinct_ids_best_first(tmp_path: Path) -> None:
    rows = document(kdrinks("search", "makkoli ingredients", "-k", "4", "--json", home=tmp_path))
    assert rows[0]["id"] == "makgeolli"
    assert len({row["id"] for row in rows}) == len(rows) == 4
    assert {"passage_id", "id", "title", "text", "score", "lexical", "vector"} == rows[0].keys()
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


def test_words_counts_per_line_without_particles(tmp_path: Path) -> None:
    text = "안동소주의 향과 막걸리를 좋아한다\n\nSikhye recipes\n"
    lines = document(kdrinks("words", "--per-line", "--json", home=tmp_path, stdin=text))["lines"]
    assert len(lines) == 3 and lines[1] == []
    assert {"word": "안동소주", "pos": "drink", "count": 1} in lines[0]
    assert "향과" not in {word["word"] for word in lines[0]}
    assert {word["word"] for word in lines[2]} >= {"recipe"}


def test_evaluate_measures_retrieval_on_the_development_questions(tmp_path: Path) -> None:
    figures = document(
        kdrinks("evaluate", "tests/data/questions_dev.jsonl", "--retrieval-only", "--json", home=tmp_path)
    )
    assert figures["n"] == 107
    assert figures["recall_at_3"] >= 0.95 and figures["recall_at_1"] >= 0.80


def test_devices_and_models_are_listed_without_the_store(tmp_path: Path) -> None:
    (tmp_path / "kdrinks.duckdb").write_bytes(b"no database")
    devices = document(kdrinks("devices", "--json", home=tmp_path))
    assert {"id", "kind", "name", "backend", "memory_bytes", "free_bytes", "fresh"} == devices[0].keys()
    models = document(kdrinks("models", "list", "--json", home=tmp_path))
    assert models[0]["id"] == "built-in" and models[0]["installed"] is True
    inspected = document(kdrinks("models", "inspect", "models/kdrinks-mini.gguf", "--json", home=tmp_path))
    assert inspected["architecture"] == "llama" and inspected["chat_template"] is True
    assert len(inspected["sha256"]) == 64


def test_bench_reports_the_whole_path_beside_the_bare_loop(tmp_path: Path) -> None:
    figures = document(kdrinks("bench", "--tokens", "64", "--json", home=tmp_path))
    assert figures["ratio"] == pytest.approx(figures["tokens_per_s"] / figures["raw_tokens_per_s"])
    assert figures["first_token_s"] > 0 and figures["prompt_tokens_per_s"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ask", "   "), "empty"),
        (("ask", "a" * 100_000), "100000"),
        (("ask", "hello", "--model", "no-such-model"), "no-such-model"),
        (("ask", "hello", "--template", "poem"), "poem"),
        (("models", "inspect", "README.md"), "README.md"),
        (("words", "no-such-file.txt"), "no-such-file.txt"),
        (("evaluate", "no-such-file.jsonl"), "no-such-file.jsonl"),
    ],
)
def test_bad_input_says_what_happened_and_what_to_do(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = kdrinks(*arguments, "--json", home=tmp_path)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert says in error["message"] and error["hint"]
    assert done.stderr.strip().splitlines()[-2:] == [error["message"], error["hint"]]
    assert "Traceback" not in done.stderr


def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "kdrinks.duckdb"
    file.write_bytes(b"this is no database" * 100)
    done = kdrinks("ask", "식혜가 뭐야?", home=tmp_path)
    assert done.returncode == 1 and "kdrinks.duckdb" in done.stderr and "Traceback" not in done.stderr
    assert file.read_bytes() == b"this is no database" * 100


def test_wrong_usage_has_a_status_of_its_own(tmp_path: Path) -> None:
    assert kdrinks("brew", home=tmp_path).returncode == 2
    assert kdrinks("search", "x", "-k", "0", home=tmp_path).returncode == 2


def test_versions_name_what_runs_here(tmp_path: Path) -> None:
    found = document(kdrinks("versions", "--json", home=tmp_path))
    assert found["model"] == "kdrinks-mini.gguf"
    assert found["model_sha256"] == hashlib.sha256(BUILT_IN_FILE.read_bytes()).hexdigest()
    assert found["duckdb"] == "1.5.5" and re.fullmatch(r"[0-9a-f]{16}", found["data"])
    assert all(found[name] for name in ("kdrinks", "python", "streamlit", "llama-cpp-python"))
