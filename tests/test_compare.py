"""Comparing models and devices: real runs of the real engine, kept in a real store."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import llama_cpp
import numpy as np
import pytest

from kdrinks.config import BUILT_IN_FILE
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Done, Stopped
from kdrinks.errors import BadInput
from kdrinks.hub import catalog
from kdrinks.hub.gguf import read_model
from kdrinks.hub.plan import first_plan
from kdrinks.jobs import Jobs
from kdrinks.measure.compare import SCORED_CHARACTERS, Candidate, Comparison, scored_texts, start
from kdrinks.records import ADMINISTRATOR, Choice, Device, LocalModel, Message, ModelFile, Sampling
from kdrinks.store import compare as store
from kdrinks.store.db import Database
from tests.support.tiny_models import write_byte_model

PATIENCE_S = 120.0


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine()
    yield engine
    engine.close()


def candidate(path: Path, *, threads: int = 1, device: Literal["auto", "cpu", "gpu"] = "cpu") -> Candidate:
    model = read_model(path)
    return Candidate(model, Choice(LocalModel(model.id, model.path), device, 2048, threads))


def test_each_setting_is_measured_cold_and_warm_three_times_and_the_results_stay(
    engine: LocalEngine, db: Database
) -> None:
    wanted = [candidate(BUILT_IN_FILE, threads=1), candidate(BUILT_IN_FILE, threads=2)]
    job = start(Jobs(db), Comparison(db, ADMINISTRATOR, engine, wanted, answer_tokens=4, quality=True))
    assert job.wait(PATIENCE_S) and job.phase == "done" and job.error is None
    assert job.work.done == job.work.steps == 2 * 3 * 2 * 2 + 2
    shown = store.results(db, ADMINISTRATOR, job.work.id)
    assert list(zip(shown["place"], shown["cold"], shown["n"], strict=True)) == [
        (place, cold, 3) for place in range(2) for cold in (True, False)
    ]
    assert set(shown["used"]) == {"cpu"} and list(shown["threads_used"]) == [1, 1, 2, 2]
    for measure in ("wait_s", "read_tokens_per_s", "write_tokens_per_s"):
        assert (shown[f"{measure}_min"] > 0).all()
        assert (shown[f"{measure}_min"] <= shown[f"{measure}_median"]).all()
        assert (shown[f"{measure}_median"] <= shown[f"{measure}_max"]).all()
    cold, warm = shown[shown["cold"]].set_index("place"), shown[~shown["cold"]].set_index("place")
    assert (cold["wait_s_min"] > 0).all() and (cold["memory_bytes"] > 1e6).all() and (warm["memory_bytes"] > 1e6).all()
    quality = store.qualities(db, ADMINISTRATOR, job.work.id)
    assert list(zip(quality["place"], quality["lang"], strict=True)) == [(0, "ko"), (0, "en")]
    assert (quality["perplexity"] > 1).all() and (quality["scored_tokens"] >= 1000).all()
    assert list(store.comparisons(db, ADMINISTRATOR)["id"]) == [job.work.id]
    with db.cursor() as cursor:
        known = cursor.execute(
            "SELECT DISTINCT identity, prompt FROM comparison_runs WHERE identity IS NOT NULL"
        ).fetchall()
    assert len(known) == 2, "one for each question: cold and warm, once and again it is the same"
    store.forget(db, ADMINISTRATOR, job.work.id)
    assert store.comparisons(db, ADMINISTRATOR).empty and store.qualities(db, ADMINISTRATOR, job.work.id).empty


def test_nothing_is_shown_of_fewer_than_three_runs(engine: LocalEngine, db: Database) -> None:
    setting = store.Setting(0, "a", "a.gguf", "Q8_0", 1, "cpu", 0, 0)
    run = store.Run(
        "ko", cold=False, prompt_tokens=9, prompt_s=1.0, first_token_s=1.0, completion_tokens=3, completion_s=1.0
    )
    for number in (0, 1, 1, 1):
        store.record_run(db, "00000000-0000-7000-8000-000000000000", setting, number, run)
    assert (
        store.results(db, ADMINISTRATOR, "00000000-0000-7000-8000-000000000000").empty
        and store.comparisons(db, ADMINISTRATOR).empty
    )
    store.record_run(db, "00000000-0000-7000-8000-000000000000", setting, 2, run)
    assert list(store.results(db, ADMINISTRATOR, "00000000-0000-7000-8000-000000000000")["n"]) == [3]
    for number in range(3):
        assert store.comparisons(db, ADMINISTRATOR)["settings"].tolist() == [1], (
            "a pass over the prompts that was broken off counts for nothing"
        )
        for lang in ("ko", "en"):
            other = replace(setting, place=1)
            store.record_run(db, "00000000-0000-7000-8000-000000000000", other, number, replace(run, prompt=lang))
            if lang == "ko":
                assert store.comparisons(db, ADMINISTRATOR)["settings"].tolist() == [1]
    assert store.comparisons(db, ADMINISTRATOR)["settings"].tolist() == [2]
    with pytest.raises(BadInput):
        Comparison(db, ADMINISTRATOR, engine, [candidate(BUILT_IN_FILE)], rounds=2)
    with pytest.raises(BadInput):
        Comparison(db, ADMINISTRATOR, engine, [candidate(BUILT_IN_FILE)] * 2)


def test_a_model_that_cannot_be_run_is_told_and_the_others_are_measured(
    engine: LocalEngine, db: Database, tmp_path: Path
) -> None:
    gone = candidate(write_byte_model(tmp_path / "gone.gguf"))
    gone.model.path.unlink()
    job = start(Jobs(db), Comparison(db, ADMINISTRATOR, engine, [gone, candidate(BUILT_IN_FILE)], answer_tokens=2))
    assert job.wait(PATIENCE_S) and job.phase == "done" and job.work.done == job.work.steps
    assert list(store.results(db, ADMINISTRATOR, job.work.id)["place"]) == [1, 1]
    problems = store.problems(db, ADMINISTRATOR, job.work.id)
    assert list(problems["model"]) == ["gone"] and "gone.gguf" in problems["error"][0]


def test_a_person_who_chats_meanwhile_gets_the_answer_and_the_model_back(
    engine: LocalEngine, db: Database, tmp_path: Path
) -> None:
    chosen = Choice(LocalModel("chosen", write_byte_model(tmp_path / "chosen.gguf")), "cpu", 2048)
    engine.load(chosen)
    job = start(Jobs(db), Comparison(db, ADMINISTRATOR, engine, [candidate(BUILT_IN_FILE)], answer_tokens=8))
    for _ in range(3):
        events = list(
            engine.stream(lambda count, tokens: [Message("user", "?")], chosen, Sampling(max_tokens=8), session="me")
        )
        assert isinstance(events[-1], Done) and events[-1].loaded.model_id == "chosen"
    assert job.wait(PATIENCE_S) and job.phase == "done"
    assert list(store.results(db, ADMINISTRATOR, job.work.id)["n"]) == [3, 3], (
        "runs that another model came between were measured again"
    )
    assert engine.state.choice == chosen


def test_an_answer_under_way_is_finished_before_anything_is_measured(
    engine: LocalEngine, db: Database, tmp_path: Path
) -> None:
    chosen = Choice(LocalModel("chosen", write_byte_model(tmp_path / "chosen.gguf")), "cpu", 2048)
    answer = engine.stream(lambda count, tokens: [Message("user", "?")], chosen, Sampling(max_tokens=200), session="me")
    events = [next(answer) for _ in range(3)]
    job = start(Jobs(db), Comparison(db, ADMINISTRATOR, engine, [candidate(BUILT_IN_FILE)], answer_tokens=2))
    while engine.state.waiting == 0:
        assert not job.wait(0.01) and job.work.done == 0
    events += list(answer)
    done = events[-1]
    assert isinstance(done, Done) and done.finish == "length" and done.timing.completion_tokens == 200
    assert job.wait(PATIENCE_S) and job.phase == "done"


def test_a_comparison_can_be_cancelled_at_any_moment(engine: LocalEngine, db: Database, tmp_path: Path) -> None:
    slow = candidate(write_byte_model(tmp_path / "slow.gguf", width=512, layers=8))
    job = start(Jobs(db), Comparison(db, ADMINISTRATOR, engine, [slow], answer_tokens=1000, quality=True))
    while job.progress.step != "writing":
        assert not job.wait(0.005)
    job.cancel()
    assert job.wait(PATIENCE_S) and job.phase == "cancelled"
    assert store.comparisons(db, ADMINISTRATOR).empty
    assert not engine.state.busy


def reference(model: ModelFile, tokens: list[int], begin: int) -> float:
    """Sum of -ln p from place begin on, by llama-cpp-python's own way of reading all logits at once."""
    llama = llama_cpp.Llama(str(model.path), n_ctx=len(tokens), n_threads=1, logits_all=True, verbose=False)
    try:
        llama.eval(tokens)
        scores = np.array(llama.scores[: len(tokens)], dtype=np.float64)
    finally:
        llama.close()
    top = scores.max(axis=1, keepdims=True)
    log_p = scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return -float(sum(log_p[place - 1, tokens[place]] for place in range(begin, len(tokens))))


def test_perplexity_is_that_of_llama_cpp_itself(engine: LocalEngine) -> None:
    text = scored_texts()["ko"]
    tried = candidate(BUILT_IN_FILE)
    found = engine.score(tried.choice, text, 1)
    llama = llama_cpp.Llama(str(BUILT_IN_FILE), vocab_only=True, verbose=False)
    tokens = llama.tokenize(text.encode(), add_bos=False, special=False)
    first = llama.tokenize(b"", add_bos=True, special=False)
    llama.close()
    piece = [*(first or tokens[512:513]), *tokens[513:1024]]
    assert found["pieces"] == len(tokens) // 512 and found["scored"] == 256
    assert found["nll"] == pytest.approx(reference(tried.model, piece, 256), rel=0.01)


def test_the_scored_text_is_fixed_and_holds_both_languages() -> None:
    texts = scored_texts()
    assert {lang: len(text) for lang, text in texts.items()} == SCORED_CHARACTERS
    assert "식혜" in texts["ko"] and "Sikhye" in texts["en"]
    assert sum("가" <= letter <= "힣" for letter in texts["en"]) < 100


@pytest.mark.parametrize(("free_gib", "device", "layers"), [
    (23, "split", 14), (23, "gpu", -1), (23, "cpu", 0), (1, "split", 0), (3, "split", 14),
])  # fmt: skip
def test_half_of_the_layers_go_to_the_gpu_when_both_are_compared(
    free_gib: float, device: Literal["split", "gpu", "cpu"], layers: int
) -> None:
    """From a device as llama.cpp's registry reports it; run on none here."""
    gpu = Device("CUDA0", "gpu", "NVIDIA GeForce RTX 4090", "CUDA", 24 << 30, int(free_gib * (1 << 30)))
    entry = next(entry for entry in catalog.entries() if entry.id == "llama-3.2-korean-bllossom-3b")
    assert entry.shape and entry.shape.layers == 28
    choice = Choice(LocalModel(entry.id, Path("m.gguf")), device)
    plan = first_plan(choice, entry.shape, entry.size_bytes, [gpu])
    assert plan.gpu_layers == layers


def test_scoring_stops_when_asked(engine: LocalEngine, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        engine.score(candidate(BUILT_IN_FILE).choice, scored_texts()["en"], 0, stop=stop)
