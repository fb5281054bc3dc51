"""The models page as a person uses it: what is offered, a download that survives page changes, a token that stays in memory."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kdrinks.hub import catalog
from kdrinks.hub.download import Download
from kdrinks.jobs import Job
from kdrinks.records import KeepAlive
from kdrinks.services import LOADING, thinks_first
from kdrinks.ui import frame
from kdrinks.ui.models import downloads, remote
from tests.support.app_pages import models_page, new_app, services_in, shown
from tests.support.hub_server import FakeHub, running_hub
from tests.support.mutations import Mutations
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

PATIENCE_S = 60.0
REPO = "acme/tea-GGUF"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub with all of the catalogue, an empty models folder, and services that are closed again."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-token"))
    data = write_byte_model(tmp_path / "m.gguf", width=512).read_bytes()
    repos = {entry.repo_id: {entry.file: data} for entry in catalog.entries() if entry.repo_id}
    repos[REPO] = {"tea-Q4_K_M.gguf": data, "tea-F16.gguf": data + random.Random(1).randbytes(9)}
    caches = (downloads.hub, remote.answers)
    with services_in(tmp_path / "home", folder, monkeypatch, *caches), running_hub(repos) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub_url)
        yield running


def restart() -> None:
    """The app is closed and opened again."""
    frame.get_services().close()
    frame.get_services.clear()


def press_load(app: AppTest) -> None:
    """Press Load and wait for what comes of it, as the page does that looks again by itself."""
    app.button(key="load").click().run()
    job = frame.get_services().jobs.latest(LOADING)
    assert job and job.wait(PATIENCE_S)
    app.run()


def test_the_catalogue_is_offered_with_badges_and_one_recommendation(hub: FakeHub) -> None:
    app = models_page("ko-KR")
    assert not app.exception
    text = shown(app)
    assert "모델 더 받기" in text and "잘 맞음" in text
    assert text.count("이 컴퓨터에 추천") == 1
    offered = {button.key for button in app.button if button.key and button.key.startswith("get-")}
    assert offered == {f"get-{entry.id}" for entry in catalog.entries() if entry.repo_id}


def test_a_file_without_a_chat_template_is_called_a_base_model_and_one_that_thinks_can_be_told_to(home: Path) -> None:
    write_byte_model(home.parent / "base.gguf")
    write_byte_model(home.parent / "thinker.gguf", template="{{ messages[0].content }}<think>")
    app = models_page("en-US")
    assert "choice-thinking" not in [toggle.key for toggle in app.toggle] and "It learned to go on" not in shown(app)
    chosen = app.radio(key="choice-model-en")
    assert ["Base model" in caption for caption in chosen.proto.captions] == [name == "base" for name in chosen.options]
    chosen.set_value("base").run()
    assert "It learned to go on" in shown(app)
    app.radio(key="choice-model-en").set_value("thinker").run()
    app.toggle(key="choice-thinking").set_value(True).run()
    assert thinks_first(frame.get_services()) is True and not app.exception
    app.toggle(key="choice-thinking").set_value(False).run()
    assert thinks_first(frame.get_services()) is None


def end_of(job: Job[Download]) -> str:
    """How it ended for now."""
    assert job.wait(PATIENCE_S)
    return job.phase


def test_a_download_goes_on_while_the_person_is_elsewhere_and_can_be_paused_and_resumed(hub: FakeHub) -> None:
    hub.pause_s = 0.02
    app = models_page()
    app.button(key="get-exaone-4.0-1.2b").click().run()
    assert not app.exception and not app.error
    job = downloads.here().jobs()[0]
    app.switch_page("../../pages/chat.py").run()
    before = job.work.done_bytes
    assert eventually(lambda: job.work.done_bytes > before, PATIENCE_S)
    other_tab = models_page()
    assert other_tab.button(key=f"pause-{job.id}").label == "Pause"
    other_tab.button(key=f"pause-{job.id}").click().run()
    assert end_of(job) == "paused"
    app = models_page()
    hub.pause_s = 0
    app.button(key=f"resume-{job.id}").click().run()
    assert end_of(job) == "done"
    app = models_page()
    assert "SHA-256 is right" in shown(app)
    assert "exaone-4.0-1.2b" in "".join(app.radio(key="choice-model-en").options)


def test_a_cancelled_download_leaves_nothing(hub: FakeHub, tmp_path: Path) -> None:
    hub.pause_s = 0.02
    app = models_page()
    app.button(key="get-qwen3-4b").click().run()
    job = downloads.here().jobs()[0]
    app.button(key=f"cancel-{job.id}").click().run()
    assert job.wait(PATIENCE_S) and job.phase == "cancelled"
    assert list((tmp_path / "models").iterdir()) == []


def test_any_repository_shows_its_files_and_one_can_be_taken(hub: FakeHub, tmp_path: Path) -> None:
    app = models_page()
    app.text_input(key="catalog-repo").set_value(REPO).run()
    assert not app.exception
    assert app.selectbox(key=f"catalog-file-{REPO}").value == "tea-Q4_K_M.gguf"
    assert "4 bits" in shown(app) and "apache-2.0" in shown(app)
    app.button(key="get-other").click().run()
    job = downloads.here().jobs()[0]
    assert job.wait(PATIENCE_S) and (tmp_path / "models" / "tea-Q4_K_M.gguf").exists()


def test_a_repository_that_is_none_is_said(hub: FakeHub) -> None:
    app = models_page()
    app.text_input(key="catalog-repo").set_value("acme/nothing").run()
    assert "There is no repository acme/nothing" in app.error[0].value


def test_a_gated_model_asks_for_a_token_which_stays_in_memory(hub: FakeHub, tmp_path: Path) -> None:
    secret = "hf_secretsecretsecret"
    hub.gated, hub.tokens = frozenset({REPO}), {secret: True}
    app = models_page()
    app.text_input(key="catalog-repo").set_value(REPO).run()
    assert "token" in app.error[0].value
    app.text_input(key="catalog-token-text").set_value(secret).run()
    app.button(key="catalog-token-use").click().run()
    assert "There is a token" in shown(app)
    app.run()
    assert not app.error
    app.button(key="get-other").click().run()
    assert downloads.here().jobs()[0].wait(PATIENCE_S)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_what_an_earlier_run_left_can_be_resumed_from_the_page(hub: FakeHub, tmp_path: Path) -> None:
    hub.pause_s = 0.02
    app = models_page()
    app.button(key="get-gemma-3-1b-it").click().run()
    job = downloads.here().jobs()[0]
    assert eventually(lambda: job.work.done_bytes > 1_000_000, PATIENCE_S)
    restart()
    hub.pause_s = 0
    app = models_page()
    assert "was interrupted" not in shown(app), "it is told once, with the way to go on"
    app.button(key=f"again-{job.work.file.parts[0].origin}").click().run()
    assert downloads.here().jobs()[0].wait(PATIENCE_S)
    assert (tmp_path / "models" / job.work.target.name).exists()


def test_a_gpu_that_is_not_there_is_said_in_red_with_the_command(hub: FakeHub) -> None:
    app = models_page()
    app.segmented_control(key="choice-device").set_value("gpu").run()
    press_load(app)
    # The card of what is in memory says it by its red badge; the words and the command stand once.
    assert [error.value.count("GPU") > 0 for error in app.error] == [True]
    assert len(app.code) == 1 and "llama-cpp-python==" in app.code[0].value


def test_how_long_and_how_many_models_stay_is_remembered_over_a_restart(hub: FakeHub) -> None:
    app = models_page()
    assert app.selectbox(key="keeping-minutes-en").value == 30
    app.selectbox(key="keeping-minutes-en").set_value(5).run()
    app.segmented_control(key="keeping-models").set_value(2).run()
    assert not app.exception
    services = frame.get_services()
    assert services.engine.keep_alive == KeepAlive(300.0, 2)
    restart()
    assert models_page().selectbox(key="keeping-minutes-en").value == 5
    assert frame.get_services().engine.keep_alive == KeepAlive(300.0, 2)


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ({"is_logged_in": False}, False),
        ({"is_logged_in": True, "email": "guest@example.org"}, False),
        ({"is_logged_in": True, "email": "Boss@Example.org", "email_verified": False}, False),
        ({"is_logged_in": True, "email": "Boss@Example.org", "email_verified": True}, True),
    ],
)
def test_where_administrators_are_named_others_see_which_model_answers_and_nothing_of_the_server(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: dict[str, object], may: bool
) -> None:
    monkeypatch.setenv("KDRINKS_ADMINS", "boss@example.org, other@example.org")
    write_byte_model(tmp_path / "models" / "old.gguf")
    app = new_app()
    app.user = {"sub": "1", **user}
    app.run()
    app.switch_page("../../pages/models.py").run()
    if may:
        app.radio(key="choice-model-en").set_value("old").run()
    keys = {button.key for button in app.button if button.key}
    assert not app.exception and ("Built-in model" in shown(app)) != may
    assert any(key.startswith("get-") for key in keys) == may
    assert (
        {"load", "unload", "remove", "link-add"} <= keys if may else not {"load", "unload", "remove", "link-add"} & keys
    )
    assert ("keeping-minutes-en" in {box.key for box in app.selectbox}) == may
    assert ("Only an administrator" in shown(app)) != may
    assert (str(tmp_path) in shown(app)) == may and ("Memory" in shown(app)) == may


def test_a_model_can_be_deleted_from_the_page(hub: FakeHub, tmp_path: Path) -> None:
    path = write_byte_model(tmp_path / "models" / "old.gguf")
    app = models_page()
    app.radio(key="choice-model-en").set_value("old").run()
    app.button(key="remove").click().run()
    assert not app.exception and not path.exists()
    assert app.radio(key="choice-model-en").options == ["Built-in model"]


def test_a_folder_of_damaged_files_costs_the_page_nothing(hub: FakeHub, tmp_path: Path) -> None:
    damaged = Mutations(write_byte_model(tmp_path / "whole.gguf").read_bytes())
    for number in range(66):
        (tmp_path / "models" / f"{number}.gguf").write_bytes(damaged(number)[1])
    app = models_page()
    assert not app.exception
    listed = app.radio(key="choice-model-en").options
    assert 10 < len(listed) < 60
    assert f"Files that cannot be used: {67 - len(listed)}" in [expander.label for expander in app.expander]
    for name in listed[1:60:8]:
        app.radio(key="choice-model-en").set_value(name).run()
        press_load(app)
        assert not app.exception
    app.radio(key="choice-model-en").set_value("built-in").run()
    press_load(app)
    assert not app.exception and not app.error
    loaded = frame.get_services().engine.state.loaded
    assert loaded and loaded.model_id == "built-in"
