"""Two generations have the same identity when everything that decides what is written is the same, and only then."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kdrinks.answer import Answer, ask
from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.engine.protocol import Done, Event
from kdrinks.generation.identity import SAFETY_SOURCES, Identity, safety_version
from kdrinks.hub import model_hash
from kdrinks.records import ADMINISTRATOR, Adapter, Choice, LocalModel, Sampling
from kdrinks.services import HASHING, Services, open_services
from kdrinks.store import chats, file_hashes
from kdrinks.store.db import Database
from tests.support.command_line import document, kdrinks
from tests.support.tiny_adapters import write_adapter
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

SHORT = Sampling(max_tokens=8)
QUESTION = "막걸리가 뭐예요?"
PARTS = Identity("m", "t", "p", SHORT, "free", "", (), "d")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("identity")
    (folder / "models").mkdir()
    opened = open_services(Settings(home=folder / "home", models=folder / "models"))
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="module")
def model(services: Services) -> Choice:
    path = write_byte_model(services.settings.models / "bytes.gguf", context_length=4096)
    model_hash.take(services.db, path)
    return Choice(LocalModel("bytes", path), "cpu")


def asked(services: Services, choice: Choice, question: str = QUESTION, sampling: Sampling = SHORT) -> Answer:
    answer = ask(services, ADMINISTRATOR, question, choice=choice, sampling=sampling)
    assert answer.wait(60) and answer.error is None
    return answer


def test_the_same_question_to_the_same_model_has_the_same_identity_and_anything_else_another(
    services: Services, model: Choice
) -> None:
    first = asked(services, model)
    assert len(first.identity) == 64
    assert asked(services, model).identity == first.identity
    assert asked(services, replace(model, threads=2)).identity == first.identity
    copy = services.settings.models / "copy.gguf"
    shutil.copy(model.model.path, copy)  # type: ignore[union-attr]
    model_hash.take(services.db, copy)
    assert asked(services, replace(model, model=LocalModel("copy", copy))).identity == first.identity
    other = write_byte_model(services.settings.models / "other.gguf", context_length=4096, layers=2)
    model_hash.take(services.db, other)
    others = {
        asked(services, replace(model, model=LocalModel("other", other))).identity,
        asked(services, model, sampling=replace(SHORT, seed=7)).identity,
        asked(services, model, sampling=replace(SHORT, temperature=0.5)).identity,
        asked(services, model, "동동주가 뭐예요?").identity,
    }
    assert "" not in others and first.identity not in others and len(others) == 4


def test_an_answer_after_the_models_file_was_exchanged_is_of_the_new_one(services: Services) -> None:
    path = write_byte_model(services.settings.models / "exchanged.gguf", context_length=4096)
    choice = Choice(LocalModel("exchanged", path), "cpu")
    model_hash.take(services.db, path)
    before = asked(services, choice)
    os.replace(write_byte_model(services.settings.models / "new-one.gguf", context_length=4096, layers=2), path)
    model_hash.take(services.db, path)
    after = asked(services, choice)
    assert before.loaded and after.loaded
    assert before.loaded.layers != after.loaded.layers and before.identity != after.identity != ""


def test_an_adapter_that_is_exchanged_while_it_writes_leaves_no_identity(
    services: Services, model: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = write_adapter(services.settings.models / "tea.gguf")
    model_hash.take(services.db, adapter)
    over = replace(model, model=LocalModel("bytes", services.settings.models / "bytes.gguf", Adapter(adapter, 1.0)))
    assert asked(services, over).identity
    stream = services.engine.stream

    def exchanged_before_the_end(*values: Any, **options: Any) -> Iterator[Event]:
        for event in stream(*values, **options):
            if isinstance(event, Done):
                os.replace(write_adapter(services.settings.models / "other-tea.gguf", seed=3), adapter)
                model_hash.take(services.db, adapter)
            yield event

    monkeypatch.setattr(services.engine, "stream", exchanged_before_the_end)
    answer = asked(services, over)
    assert answer.text and answer.identity == ""


def test_an_answer_keeps_its_identity_and_one_that_no_model_wrote_has_none(services: Services) -> None:
    built_in = Choice(LocalModel("built-in", BUILT_IN_FILE))
    model_hash.take(services.db, BUILT_IN_FILE)
    said, quoted = asked(services, built_in), asked(services, built_in, "임신 중인데 막걸리 마셔도 돼요?")
    for answer in (said, quoted):
        (stored,) = chats.messages(services.db, ADMINISTRATOR, answer.question.conversation_id)
        assert stored.exchange and stored.exchange.identity == answer.identity
    assert len(said.identity) == 64 and quoted.guard == "quoted" and quoted.identity == ""


def test_what_a_person_ruled_out_is_part_of_it(services: Services) -> None:
    services.knowledge.fill()
    plain = services.knowledge.find("따뜻한 음료 추천해 주세요", lang="ko")
    without = services.knowledge.find("생강 빼고 따뜻한 음료 추천해 주세요", lang="ko")
    assert plain.exclusions == () and without.exclusions != ()
    assert replace(PARTS, exclusions=without.exclusions).hash() != PARTS.hash()
    assert plain.data_version and plain.data_version == without.data_version


@pytest.mark.parametrize(
    "other",
    [
        {"model_hash": "n"},
        {"template_hash": "u"},
        {"prompt_hash": "q"},
        {"sampling": replace(SHORT, top_p=0.5)},
        {"mode": "held"},
        {"sentences_hash": "s"},
        {"exclusions": ("alcohol",)},
        {"data_version": "e"},
        {"adapter_hash": "a", "adapter_scale": 1.0},
        {"safety_version": "2"},
    ],
    ids=str,
)
def test_each_part_makes_another_identity(other: dict[str, object]) -> None:
    assert replace(PARTS, **other).hash() not in ("", PARTS.hash())  # type: ignore[arg-type]


def test_half_an_adapter_is_not_the_whole_one() -> None:
    whole, half = (replace(PARTS, adapter_hash="a", adapter_scale=scale).hash() for scale in (1.0, 0.5))
    assert whole != half


@pytest.mark.parametrize("missing", [{"model_hash": ""}, {"prompt_hash": ""}, {"adapter_scale": 1.0}], ids=str)
def test_until_every_part_is_known_there_is_none(missing: dict[str, object]) -> None:
    assert replace(PARTS, **missing).hash() == ""  # type: ignore[arg-type]


def test_other_rules_of_safety_make_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    version = safety_version()
    safety_version.cache_clear()
    monkeypatch.setattr("kdrinks.generation.identity.SAFETY_SOURCES", SAFETY_SOURCES[1:])
    assert safety_version() != version
    safety_version.cache_clear()


def test_a_hash_is_taken_once_and_again_when_the_file_has_changed(tmp_path: Path) -> None:
    path, read = tmp_path / "m.gguf", []
    path.write_bytes(b"a" * 3_000_000)
    with closing(Database.open(None)) as db:
        assert model_hash.known(db, path) == ""
        first = model_hash.take(db, path, lambda done, of: read.append((done, of)))
        assert first == model_hash.known(db, path) and read[-1] == (3_000_000, 3_000_000)
        read.clear()
        assert model_hash.take(db, path, lambda done, of: read.append((done, of))) == first
        assert read == []
        status = path.stat()
        path.write_bytes(b"b" * 3_000_000)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        assert model_hash.known(db, path) == ""
        assert model_hash.take(db, path) not in ("", first)


def test_a_file_that_changes_while_it_is_read_gets_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"a" * 3_000_000)
    with closing(Database.open(None)) as db:
        assert model_hash.take(db, path, lambda done, of: changed(path)) == ""
        assert model_hash.known(db, path) == ""


def changed(path: Path) -> None:
    path.write_bytes(b"c")


def test_a_split_model_is_known_by_all_its_parts(tmp_path: Path) -> None:
    parts = [tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2)]
    for part in parts:
        part.write_bytes(part.name.encode())
    with closing(Database.open(None)) as db:
        whole = model_hash.take(db, parts[0])
        assert whole and whole not in {file_hashes.known(db, part) for part in parts}
        parts[1].write_bytes(b"another part")
        assert model_hash.known(db, parts[0]) == ""


def test_a_new_model_has_an_identity_from_the_second_answer_on_at_the_latest(services: Services) -> None:
    path = write_byte_model(services.settings.models / "new.gguf", context_length=4096)
    choice = Choice(LocalModel("new", path), "cpu")
    asked(services, choice)
    eventually(lambda: model_hash.known(services.db, path))
    assert asked(services, choice).identity


def test_a_file_that_could_not_be_read_is_tried_again_once_it_is_another_one(services: Services) -> None:
    path = services.settings.models / "late.gguf"
    path.mkdir()
    for _ in range(3):
        assert services.hashes_of(LocalModel("late", path)) == ("", "")
        assert eventually(lambda: not services.jobs.under_way(HASHING))
    assert [job.subject for job in services.jobs.of(HASHING) if job.phase == "failed"] == ["late.gguf"]
    path.rmdir()
    write_byte_model(path)
    services.hashes_of(LocalModel("late", path))
    assert eventually(lambda: services.hashes_of(LocalModel("late", path))[0])


def test_the_command_line_tells_it(tmp_path: Path) -> None:
    ask_again = ("ask", QUESTION, "--json")
    first, second = (document(kdrinks(*ask_again, home=tmp_path)) for _ in range(2))
    assert len(second["identity"]) == 64 and first["identity"] in (None, second["identity"])
