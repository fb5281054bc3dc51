"""Whatever answers in the Hub's place: one sentence and what to do, on the page and the command line, and no more read than asked."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kdrinks.__main__ import main
from kdrinks.errors import HubError
from kdrinks.hub import part, ranges
from kdrinks.hub.download import Download, start
from kdrinks.hub.part import Source
from kdrinks.hub.remote import Hub, RemoteFile
from kdrinks.jobs import Jobs
from kdrinks.store.db import Database
from kdrinks.ui.models import downloads, remote
from tests.support.any_hub import AnyHub, Said, any_hub
from tests.support.app_pages import models_page, services_in

PATIENCE_S = 60.0
SIZE = 3_000_000
SIBLING = {"rfilename": "a-Q4_0.gguf", "size": SIZE, "lfs": {"sha256": "0" * 64}}


def said(document: Any) -> Said:
    return Said(headers={"content-type": "application/json"}, body=json.dumps(document).encode())


def leads_to(address: str) -> Said:
    return Said(302, {"location": address})


UNEXPECTED: Mapping[str, Said] = {
    "a page": Said(headers={"content-type": "text/html"}, body="<html>와이파이에 로그인하세요</html>".encode()),
    "nothing": Said(),
    "null": said(None),
    "a number": said(3),
    "an error": said({"error": "Invalid username or password."}),
    "lists in lists": Said(body=b"[" * 200_000),
    "a number of 6,000 digits": Said(body=b'{"siblings":' + b"9" * 6000 + b"}"),
    "no UTF-8": Said(body=b'{"a":"\xff"}'),
    "no gzip": Said(headers={"content-encoding": "gzip"}, body=b"{}"),
    "a circle": leads_to("/api/models"),
    "a file of this computer": leads_to("file:///etc/passwd"),
    "no end": Said(body=b'{"a":"', endless=b"x" * (1 << 20)),
}
AWAY: Mapping[str, Said] = {
    "an address that is none": leads_to("http://["),
    "a host of blanks": leads_to("http://a b/"),
    "a length that is none": Said(headers={"content-length": "abc"}, body=b"{}"),
    "half": Said(headers={"content-length": "1000"}, body=b"{}"),
}
FAILED: Mapping[str, Said] = {"a redirect to nowhere": Said(302), "511": Said(511, body=b"page"), "204": Said(204)}
ANSWERS = [
    *((name, one, "hub_unexpected") for name, one in UNEXPECTED.items()),
    *((name, one, "hub_unreachable") for name, one in AWAY.items()),
    *((name, one, "hub_failed") for name, one in FAILED.items()),
]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AnyHub]:
    for name in ("HF_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(ranges, "LONGEST_WAIT_S", 0.02)
    with any_hub(lambda path: Said()) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def remote_file(place: AnyHub) -> RemoteFile:
    source = Source(f"{place.url}/a/b/resolve/main/a-Q4_0.gguf", SIZE, "0" * 64, "a/b:a-Q4_0.gguf", dict)
    return RemoteFile("a/b", "a-Q4_0.gguf", "Q4_0", SIZE, (source,))


@pytest.mark.parametrize(("answer", "key"), [one[1:] for one in ANSWERS], ids=[one[0] for one in ANSWERS])
def test_an_answer_that_no_hub_gives_is_told_and_what_to_do(place: AnyHub, answer: Said, key: str) -> None:
    place.answer = lambda path: answer
    for ask in (lambda: Hub().model("a/b"), lambda: Hub().search("tea")):
        with pytest.raises(HubError) as told:
            ask()
        assert told.value.key == key
        assert place.url.partition("://")[2] in told.value.message("ko") and told.value.hint("ko")
    assert place.sent_bytes < 80 << 20


@pytest.mark.parametrize(
    "odd",
    [
        {"rfilename": 3}, {"rfilename": "\ud800.gguf"}, {"rfilename": "../../x.gguf"}, {"rfilename": "..\\x.gguf"},
        {"rfilename": "/etc/x.gguf"}, {"rfilename": "a\0.gguf"}, {"rfilename": "x" * 400 + ".gguf"}, {"size": "1000"},
        {"size": -1}, {"size": True}, {"size": 1e3}, {"size": 10**30}, {"lfs": []}, {"lfs": {"sha256": 3}}, {"lfs": {"sha256": "ab"}},
    ],
    ids=repr,
)  # fmt: skip
def test_a_file_that_is_told_of_oddly_is_left_out_and_the_others_stay(place: AnyHub, odd: Mapping[str, Any]) -> None:
    good = {**SIBLING, "rfilename": "good.GGUF"}
    place.answer = lambda path: said({"siblings": [3, None, {**SIBLING, **odd}, good], "sha": 5, "cardData": ["mit"]})
    model = Hub().model("a/b")
    assert [file.file for file in model.files] == ["good.GGUF"] and model.license == ""
    place.answer = lambda path: said([3, {"id": 5}, {"id": "no slash"}, {"id": "a/b", "tags": 5, "likes": "x"}])
    assert [one.repo_id for one in Hub().search("b")] == ["a/b"]


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://h/x", "/a/b/resolve/main/a-Q4_0.gguf"])
def test_a_download_that_is_led_astray_ends_at_once(place: AnyHub, tmp_path: Path, address: str) -> None:
    place.answer = lambda path: leads_to(address)
    work = Download(remote_file(place), tmp_path, Hub(), disk_free=lambda folder: 10**12)
    job = start(Jobs(), work)
    assert job.wait(PATIENCE_S) and isinstance(job.error, HubError) and job.error.key == "hub_unexpected"
    # four connections; a circle is followed twenty times on each
    assert len(place.asked) <= 4 * (21 if address.startswith("/") else 1)
    assert not list(tmp_path.glob("*.gguf*"))


def test_no_more_of_a_file_is_read_than_was_asked_for(place: AnyHub) -> None:
    flood = Said(206, {"content-range": f"bytes 0-65535/{SIZE}"}, b"GGUF", endless=bytes(1 << 16))
    place.answer = lambda path: flood
    for read in (Hub().head, Hub().header):
        with pytest.raises(HubError):
            read(remote_file(place))
    assert place.sent_bytes < 32 << 20


def test_a_part_that_begins_elsewhere_is_not_taken_for_the_one_asked_for(place: AnyHub, tmp_path: Path) -> None:
    place.answer = lambda path: Said(206, {"content-range": f"bytes 5-9/{SIZE}"}, b"x" * 5)
    job = start(Jobs(), Download(remote_file(place), tmp_path, Hub(), disk_free=lambda folder: 10**12))
    assert job.wait(PATIENCE_S) and isinstance(job.error, HubError) and job.error.key == "hub_unexpected"


@pytest.mark.parametrize("note", [{"verified": True}, {"verified": "yes"}, {}])
def test_a_note_that_says_the_bytes_are_right_is_not_believed(place: AnyHub, tmp_path: Path, note: Any) -> None:
    """All bytes are there, and they are not those that the Hub names."""
    file = remote_file(place)
    target = tmp_path / "a-Q4_0.gguf"
    part.part_path(target).write_bytes(b"x" * SIZE)
    state = {"origin": "a/b:a-Q4_0.gguf", "size_bytes": SIZE, "sha256": "0" * 64, "segment_bytes": 1 << 20}
    part.state_path(target).write_text(json.dumps({**state, "done": [1 << 20, 1 << 20, SIZE - (2 << 20)], **note}))
    assert part.read_state(target) is not None
    with closing(Database.open(None)) as db:
        job = start(Jobs(db), Download(file, tmp_path, Hub(), db=db, disk_free=lambda folder: 10**12))
        assert job.wait(PATIENCE_S) and isinstance(job.error, HubError) and job.error.key == "download_damaged"
    assert list(tmp_path.iterdir()) == [] and place.asked == []


@pytest.mark.parametrize(
    "state",
    [[], {"size_bytes": 10**12, "segment_bytes": 1}, {"size_bytes": -1}, {"segment_bytes": 0}, {"done": [0.5]}, {"origin": 3}],
)  # fmt: skip
def test_a_note_that_is_none_begins_anew(tmp_path: Path, state: Any) -> None:
    target = tmp_path / "a.gguf"
    part.part_path(target).write_bytes(b"x" * 10)
    good = {"origin": "a/b:a.gguf", "size_bytes": 10, "sha256": "0" * 64, "segment_bytes": 1 << 20, "done": [3]}
    part.state_path(target).write_text(json.dumps(good))
    assert part.read_state(target) == good
    part.state_path(target).write_text(json.dumps({**good, **state} if isinstance(state, dict) else state))
    assert part.read_state(target) is None
    part.state_path(target).write_text("[" * 100_000)
    assert part.read_state(target) is None


@pytest.mark.parametrize("name", ["a page", "a circle", "lists in lists", "a file of this computer"])
def test_the_command_line_says_it_in_two_lines(
    place: AnyHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("KDRINKS_MODELS", str(tmp_path))
    monkeypatch.setenv("KDRINKS_HOME", str(tmp_path / "home"))
    place.answer = lambda path: UNEXPECTED[name]
    for command in (["fetch", "qwen3-4b"], ["fetch", "qwen3-4b", "--quantization", "Q8_0"], ["list", "--remote", "a/b"], ["search", "tea"]):  # fmt: skip
        assert main(["models", *command]) == 1
        told = capsys.readouterr().err
        assert "Traceback" not in told and len(told.strip().splitlines()) == 2


def test_the_page_says_it_where_the_button_is_and_goes_on(
    place: AnyHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.answer = lambda path: UNEXPECTED["a page"]
    (tmp_path / "models").mkdir()
    with services_in(tmp_path / "home", tmp_path / "models", monkeypatch, downloads.hub, remote.answers):
        app = models_page()
        for key in ("get-qwen3-4b", "ask-qwen3-4b"):
            app.button(key=key).click().run(timeout=PATIENCE_S)
            assert not app.exception and "not as a Hugging Face Hub" in app.error[0].value
        for typed in ("acme/tea", "tea"):
            app.text_input(key="catalog-repo").set_value(typed).run(timeout=PATIENCE_S)
            assert not app.exception and "not as a Hugging Face Hub" in app.error[-1].value
