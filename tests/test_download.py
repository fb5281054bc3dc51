"""Downloads against a small Hub on loopback, with the real client and the real downloader."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrinks.config import ROOT
from kdrinks.errors import BadInput, HubError
from kdrinks.hub import model_hash, part, ranges
from kdrinks.hub.download import Download, Downloads, Interrupted
from kdrinks.hub.download import start as begin
from kdrinks.hub.remote import Hub, Token, quantization_of
from kdrinks.jobs import Job, Jobs
from kdrinks.records import ADMINISTRATOR
from kdrinks.store.db import Database
from tests.support.hub_server import FakeHub, running_hub
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

PATIENCE_S = 60.0
TOKEN = "hf_secretsecretsecret"
DATA = random.Random(1).randbytes(6_000_000)
REPO = "acme/drink-GGUF"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", "/nonexistent")
    # Shorter waits: the rule is the same, the steps are a hundredth.
    monkeypatch.setattr(ranges, "LONGEST_WAIT_S", 0.05)
    files = {"drink-Q4_K_M.gguf": DATA, "drink-Q8_0.gguf": DATA + b"more"}
    with running_hub({REPO: files}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub_url)
        yield running


def start(hub: FakeHub, folder: Path, file: str = "drink-Q4_K_M.gguf", token: str = "") -> Job[Download]:
    access = Hub(Token(token))
    return begin(Jobs(), Download(access.file(REPO, file), folder, access, disk_free=lambda folder: 10**12))


def test_a_file_arrives_whole_in_several_ranges_and_leaves_nothing_behind(hub: FakeHub, tmp_path: Path) -> None:
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S)
    assert (job.phase, job.error) == ("done", None)
    assert job.work.target.read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["drink-Q4_K_M.gguf"]
    starts = {one.headers["range"] for one in hub.requests if one.host == "storage"}
    assert len(starts) > 1
    assert hub.sent_bytes() == len(DATA)


def test_a_repository_shows_its_files_with_sizes_quantizations_and_licence(hub: FakeHub) -> None:
    hub.repos[REPO]["Q6_K/big-Q6_K-00002-of-00002.gguf"] = b"b" * 10
    hub.repos[REPO]["Q6_K/big-Q6_K-00001-of-00002.gguf"] = b"a" * 20
    model = Hub().model(REPO)
    assert (model.license, model.gated) == ("apache-2.0", False)
    rows = {one.file: (one.quantization, one.size_bytes, len(one.parts)) for one in model.files}
    assert rows == {
        "drink-Q4_K_M.gguf": ("Q4_K_M", len(DATA), 1),
        "drink-Q8_0.gguf": ("Q8_0", len(DATA) + 4, 1),
        "Q6_K/big-Q6_K-00001-of-00002.gguf": ("Q6_K", 30, 2),
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama-2-7b-chat.Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-q4_0.gguf", "Q4_0"),
        ("gemma-3-4b-it-f16.gguf", "F16"),
        ("model-fp16.gguf", "F16"),
        ("model.i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("model.gguf", ""),
    ],
)
def test_the_quantization_is_read_from_the_name(name: str, expected: str) -> None:
    assert quantization_of(name) == expected


def test_a_header_is_read_without_the_weights(hub: FakeHub, tmp_path: Path) -> None:
    data = write_byte_model(tmp_path / "m.gguf", width=512).read_bytes()
    hub.repos[REPO] = {"m-F32.gguf": data}
    access = Hub()
    header = access.header(access.file(REPO, "m-F32.gguf"))
    assert header.values["llama.embedding_length"] == 512
    assert hub.sent_bytes() <= 1 << 20 < len(data)


def test_a_split_model_appears_only_when_all_parts_are_there(hub: FakeHub, tmp_path: Path) -> None:
    names = [f"q/big-Q4_0-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    hub.repos[REPO] = {name: random.Random(name).randbytes(500_000) for name in names}
    job = start(hub, tmp_path, names[0].rpartition("/")[2])
    assert job.wait(PATIENCE_S) and job.error is None
    for name in names:
        assert (tmp_path / name.rpartition("/")[2]).read_bytes() == hub.repos[REPO][name]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(hub: FakeHub, tmp_path: Path, status: int) -> None:
    hub.statuses = [(status, {})] * 6
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S)
    assert job.work.target.read_bytes() == DATA


def test_a_server_that_names_a_waiting_time_is_given_it(hub: FakeHub, tmp_path: Path) -> None:
    hub.statuses = [(429, {"retry-after": "1"})]
    waits: list[float] = []

    class Patient(Download):
        def waiting(self, seconds: float) -> None:
            waits.append(seconds)
            super().waiting(seconds)

    access = Hub()
    work = Patient(access.file(REPO, "drink-Q4_K_M.gguf"), tmp_path, access, disk_free=lambda folder: 10**12)
    job = begin(Jobs(), work)
    assert job.wait(PATIENCE_S) and job.phase == "done"
    assert waits and max(waits) == 1.0


@pytest.mark.parametrize("after", [0, 1, 100_000, 300_000])
def test_cut_connections_cost_nothing_that_had_arrived(hub: FakeHub, tmp_path: Path, after: int) -> None:
    hub.cut_after_bytes = [after] * 12
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S)
    assert job.work.target.read_bytes() == DATA


def test_a_connection_that_never_holds_is_given_up_and_can_be_resumed(hub: FakeHub, tmp_path: Path) -> None:
    hub.cut_after_bytes = [0] * 1000
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S)
    assert isinstance(job.error, HubError) and job.error.key == "download_gave_up"
    hub.cut_after_bytes = []
    job.begin()
    assert job.wait(PATIENCE_S) and job.work.target.read_bytes() == DATA


def test_a_server_without_ranges_is_enough(hub: FakeHub, tmp_path: Path) -> None:
    hub.ignores_ranges = True
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S)
    assert job.work.target.read_bytes() == DATA


def test_a_flipped_byte_is_caught_named_and_never_gets_the_name(hub: FakeHub, tmp_path: Path) -> None:
    hub.flipped_bytes = frozenset({3_000_000})
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S)
    assert job.phase == "failed" and isinstance(job.error, HubError)
    assert job.error.key == "download_damaged"
    assert f"{REPO}:drink-Q4_K_M.gguf" in job.error.message("ko")
    assert hashlib.sha256(DATA).hexdigest()[:16] in job.error.message("en")
    assert list(tmp_path.iterdir()) == []
    hub.flipped_bytes = frozenset()
    job.begin()
    assert job.wait(PATIENCE_S) and job.work.target.read_bytes() == DATA


def test_a_byte_flipped_on_the_disk_during_a_pause_is_caught_too(hub: FakeHub, tmp_path: Path) -> None:
    hub.pause_s = 0.005
    job = start(hub, tmp_path)
    assert eventually(lambda: job.work.done_bytes > 1_000_000, PATIENCE_S)
    job.pause()
    assert job.wait(PATIENCE_S) and job.phase == "paused"
    whole = part.part_path(job.work.target)
    with whole.open("r+b") as stream:
        first = stream.read(1)
        stream.seek(0)
        stream.write(bytes([first[0] ^ 1]))
    hub.pause_s = 0
    job.begin()
    assert job.wait(PATIENCE_S)
    assert isinstance(job.error, HubError) and job.error.key == "download_damaged"
    assert not job.work.target.exists()


def test_pause_keeps_and_resume_fetches_only_the_rest(hub: FakeHub, tmp_path: Path) -> None:
    hub.pause_s = 0.005
    job = start(hub, tmp_path)
    assert eventually(lambda: job.work.done_bytes > len(DATA) * 0.3, PATIENCE_S)
    job.pause()
    assert job.wait(PATIENCE_S) and job.phase == "paused"
    had, before = job.work.done_bytes, len(hub.requests)
    assert job.work.bytes_per_s > 0
    hub.pause_s = 0
    job.begin()
    assert job.wait(PATIENCE_S) and job.work.target.read_bytes() == DATA
    assert hub.sent_bytes(since=before) == len(DATA) - had


def test_cancel_throws_away(hub: FakeHub, tmp_path: Path) -> None:
    hub.pause_s = 0.005
    job = start(hub, tmp_path)
    assert eventually(lambda: job.work.done_bytes > 500_000, PATIENCE_S)
    job.cancel()
    assert job.wait(PATIENCE_S) and job.phase == "cancelled"
    assert list(tmp_path.iterdir()) == []


def test_a_killed_download_goes_on_and_fetches_at_most_two_percent_again(hub: FakeHub, tmp_path: Path) -> None:
    data = write_byte_model(tmp_path / "made.gguf", width=1024).read_bytes()
    hub.repos[REPO] = {"big-F32.gguf": data}
    models = tmp_path / "models"
    environment = {**os.environ, "KDRINKS_MODELS": str(models), "KDRINKS_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "kdrinks", "models", "fetch", f"{REPO}:big-F32.gguf", "--json"]
    hub.pause_s = 0.01
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert eventually(lambda: hub.sent_bytes() > 0.4 * len(data) or process.poll() is not None, PATIENCE_S), (
        "it never got to 40 %"
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (models / "big-F32.gguf").exists()
    sent = hub.sent_bytes()
    before = len(hub.requests)
    hub.pause_s = 0
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert again.returncode == 0, again.stderr
    twice = sent + hub.sent_bytes(since=before) - len(data)
    assert 0 <= twice <= 0.02 * len(data), f"{twice / len(data):.2%} fetched again"
    document = json.loads(again.stdout)
    assert document["sha256"] == hashlib.sha256(data).hexdigest()
    assert document["size_bytes"] == len(data)
    assert (models / "big-F32.gguf").read_bytes() == data


def test_what_an_earlier_run_left_is_offered_again(hub: FakeHub, tmp_path: Path) -> None:
    hub.pause_s = 0.005
    job = start(hub, tmp_path)
    assert eventually(lambda: job.work.done_bytes > 1_000_000, PATIENCE_S)
    job.pause()
    assert job.wait(PATIENCE_S)
    left = Downloads(Hub(), tmp_path, Jobs()).interrupted()
    assert left == [Interrupted(job.work.target, f"{REPO}:drink-Q4_K_M.gguf", job.work.done_bytes, len(DATA))]
    left[0].discard(ADMINISTRATOR)
    assert Downloads(Hub(), tmp_path, Jobs()).interrupted() == []


def test_two_tabs_that_ask_for_one_file_make_one_transfer(hub: FakeHub, tmp_path: Path) -> None:
    downloads = Downloads(Hub(), tmp_path, Jobs())
    file = downloads.hub.file(REPO, "drink-Q4_K_M.gguf")
    jobs: list[Job[Download]] = []
    threads = [threading.Thread(target=lambda: jobs.append(downloads.start(ADMINISTRATOR, file))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(job) for job in jobs}) == 1
    assert jobs[0].wait(PATIENCE_S) and jobs[0].phase == "done"
    assert hub.sent_bytes() == len(DATA)


def test_a_downloaded_model_is_known_by_its_content_without_being_read_again(
    hub: FakeHub, tmp_path: Path, db: Database
) -> None:
    downloads = Downloads(Hub(), tmp_path, Jobs(), db)
    job = downloads.start(ADMINISTRATOR, downloads.hub.file(REPO, "drink-Q4_K_M.gguf"))
    assert job.wait(PATIENCE_S) and job.phase == "done"
    assert model_hash.known(db, job.result) == hashlib.sha256(DATA).hexdigest()


def test_two_processes_that_ask_for_one_file_make_one_transfer(hub: FakeHub, tmp_path: Path) -> None:
    data = write_byte_model(tmp_path / "made.gguf", width=512).read_bytes()
    hub.repos[REPO] = {"big-F32.gguf": data}
    environment = {**os.environ, "KDRINKS_MODELS": str(tmp_path / "models"), "KDRINKS_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "kdrinks", "models", "fetch", f"{REPO}:big-F32.gguf", "--json"]
    hub.gate.clear()
    first, second = (
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    try:
        # Either may ask again after a lost connection; one that gave up is told below with its own words.
        def asked() -> bool:
            return sum(one.path.startswith("/api/") for one in hub.requests) >= 2

        assert eventually(lambda: asked() or first.poll() is not None or second.poll() is not None, PATIENCE_S), (
            "both never asked"
        )
    finally:
        hub.gate.set()
    ended = [process.communicate(timeout=PATIENCE_S) for process in (first, second)]
    for process, (out, err) in zip((first, second), ended, strict=True):
        assert process.returncode == 0, err
        assert json.loads(out)["sha256"] == hashlib.sha256(data).hexdigest()
    assert hub.sent_bytes() == len(data)
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["big-F32.gguf"]


def test_a_file_that_is_there_is_not_fetched_again(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "drink-Q4_K_M.gguf").write_bytes(DATA)
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S) and job.phase == "done"
    assert hub.sent_bytes() == 0


def test_another_file_of_the_same_name_is_left_alone(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "drink-Q4_K_M.gguf").write_bytes(b"mine")
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S)
    assert isinstance(job.error, HubError) and job.error.key == "download_name_taken"
    assert (tmp_path / "drink-Q4_K_M.gguf").read_bytes() == b"mine"


def test_a_full_disk_is_said_before_the_first_byte_with_both_numbers_and_what_to_delete(
    hub: FakeHub, tmp_path: Path
) -> None:
    with (tmp_path / "old-model.gguf").open("wb") as stream:
        stream.truncate(3_000_000_000)
    access = Hub()
    work = Download(access.file(REPO, "drink-Q4_K_M.gguf"), tmp_path, access, disk_free=lambda folder: 123_000_000)
    job = begin(Jobs(), work)
    assert job.wait(PATIENCE_S)
    assert isinstance(job.error, HubError) and job.error.key == "download_disk_full"
    assert "0.12 GB" in job.error.message() and "0.54 GB" in job.error.message()
    assert "old-model.gguf (3.0 GB)" in job.error.hint("ko")
    assert [path.name for path in tmp_path.iterdir()] == ["old-model.gguf"]
    assert hub.sent_bytes() == 0


def test_no_token_no_acceptance_and_no_repository_are_three_different_messages(hub: FakeHub, tmp_path: Path) -> None:
    hub.gated = frozenset({REPO})
    hub.tokens = {"hf_stranger": False, TOKEN: True}
    keys = []
    for token in ("", "hf_stranger"):
        job = start(hub, tmp_path, token=token)
        assert job.wait(PATIENCE_S) and isinstance(job.error, HubError)
        error = job.error
        keys.append(error.key)
        assert list(tmp_path.iterdir()) == []
    assert f"{hub.hub_url}/{REPO}" in error.hint("ko")
    with pytest.raises(HubError) as missing:
        Hub().model("acme/nothing")
    assert [*keys, missing.value.key] == ["hub_unauthorized", "hub_gated", "hub_not_found"]
    job = start(hub, tmp_path, token=TOKEN)
    assert job.wait(PATIENCE_S) and job.work.target.read_bytes() == DATA


def test_the_token_reaches_the_hub_alone_and_is_written_nowhere(
    hub: FakeHub, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")
    hub.gated, hub.tokens = frozenset({REPO}), {TOKEN: True}
    hub.pause_s = 0.005
    job = start(hub, tmp_path, token=TOKEN)
    assert eventually(lambda: job.work.done_bytes > 500_000, PATIENCE_S)
    job.pause()
    assert job.wait(PATIENCE_S)
    for path in tmp_path.rglob("*"):
        assert TOKEN.encode() not in path.read_bytes()
    hub.pause_s, hub.flipped_bytes = 0, frozenset({len(DATA) - 5})
    job.begin()
    assert job.wait(PATIENCE_S) and job.error is not None
    assert any(one.headers.get("authorization") == f"Bearer {TOKEN}" for one in hub.requests if one.host == "hub")
    assert not any("authorization" in one.headers for one in hub.requests if one.host == "storage")
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(job.work.file) + repr(vars(job)) + repr(vars(job.work)) + repr(job.error) + str(job.error)


def test_a_token_from_the_environment_is_used(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.gated, hub.tokens = frozenset({REPO}), {TOKEN: True}
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    job = start(hub, tmp_path)
    assert job.wait(PATIENCE_S) and job.phase == "done"


def test_a_hub_that_is_busy_or_away_or_a_name_that_is_none_is_said(hub: FakeHub) -> None:
    hub.info_statuses = [(429, {}), (500, {})]
    for key in ("hub_busy", "hub_failed"):
        with pytest.raises(HubError) as error:
            Hub().model(REPO)
        assert error.value.key == key
    with pytest.raises(HubError) as error:
        Hub(endpoint="http://127.0.0.1:9").model(REPO)
    assert error.value.key == "hub_unreachable"
    with pytest.raises(BadInput):
        Hub().model("no repository at all")


def test_offline_mode_asks_nobody(hub: FakeHub, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "KDRINKS_MODELS": str(tmp_path)}
    command = [sys.executable, "-m", "kdrinks", "models", "fetch", f"{REPO}:drink-Q4_K_M.gguf", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert "HF_HUB_OFFLINE" in json.loads(done.stdout)["error"]["hint"]
    assert hub.requests == []
