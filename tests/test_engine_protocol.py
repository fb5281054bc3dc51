"""Another engine than llama.cpp's: a model behind an address answers, is guarded, is stored and is drawn like a file of this machine.

RemoteEngine is what docs/extending.md tells to write; its server is a real one on loopback.
"""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kdrinks.answer import Answer, ask
from kdrinks.cli.base import choice_of
from kdrinks.engine.protocol import Build, Done, Engine, Event, State, Text
from kdrinks.errors import EngineDied, ModelNotFound
from kdrinks.hub.catalog import describe_ref
from kdrinks.records import (
    ADMINISTRATOR,
    Choice,
    Described,
    Device,
    Finish,
    KeepAlive,
    Loaded,
    Message,
    RemoteModel,
    Sampling,
    Sentence,
    Timing,
)
from kdrinks.services import Services, last_choice, save_choice
from kdrinks.store import chats
from kdrinks.ui import frame
from kdrinks.ui.marks import CUT
from tests.support.app_pages import models_page, open_app, open_page, shown
from tests.support.engine_requests import BUILT_IN
from tests.support.wait import eventually

QUESTION = "막걸리가 뭐예요?"


@dataclass
class Server:
    """Speaks /v1/chat/completions, streaming: says `pieces` one by one, and waits before the last one while `gate` is clear."""

    pieces: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    requests: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/chat/completions"
            server.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            for number, piece in enumerate(server.pieces, 1):
                if number == len(server.pieces):
                    server.gate.wait(60)
                self._event({"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
            self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            self._event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": len(server.pieces)}})

        def _event(self, document: dict[str, Any]) -> None:
            with suppress(ConnectionError):  # who stopped listens no more
                self.wfile.write(f"data: {json.dumps(document)}\n\n".encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.address = f"127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield server
        server.gate.set()
        http.shutdown()


class RemoteEngine:
    """Models behind an address, in front of the engine that has everything else."""

    def __init__(self, other: Engine, address: str, *names: str) -> None:
        self._other = other
        self._used: Choice | None = None
        self.models: Sequence[RemoteModel] = [RemoteModel(f"remote:{name}", address) for name in names]

    def stream(
        self,
        build: Build,
        choice: Choice,
        sampling: Sampling,
        *,
        session: str = "",
        conversation: str = "",
        stop: threading.Event | None = None,
        sentences: Callable[[], Sequence[Sentence] | None] = lambda: None,
    ) -> Generator[Event, None, None]:
        if not isinstance(choice.model, RemoteModel):
            self._used = None
            yield from self._other.stream(
                build,
                choice,
                sampling,
                session=session,
                conversation=conversation,
                stop=stop,
                sentences=sentences,
            )
            return
        loaded, called = self.load(choice), time.monotonic()
        messages = build(lambda messages: sum(len(message.content) for message in messages), loaded.context_tokens)
        finish: Finish = "stopped"
        usage: dict[str, int] = {}
        first: float | None = None
        with closing(self._documents(choice.model, messages, sampling)) as documents:
            for document in documents:
                usage = document.get("usage") or usage
                for part in document["choices"]:
                    finish = part["finish_reason"] or finish
                    if text := part["delta"].get("content"):
                        first = time.monotonic() - called if first is None else first
                        yield Text(text)
                if stop and stop.is_set():
                    finish = "stopped"
                    break
        yield Done(finish, Timing(**usage, first_token_s=first, total_s=time.monotonic() - called), loaded)

    def _documents(
        self, model: RemoteModel, messages: Sequence[Message], sampling: Sampling
    ) -> Generator[dict[str, Any], None, None]:
        asked = {
            "model": model.id.removeprefix("remote:"),
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": sampling.max_tokens,
            "stream": True,
        }
        with closing(HTTPConnection(model.address, timeout=60)) as connection:
            try:
                connection.request("POST", "/v1/chat/completions", json.dumps(asked))
                for line in connection.getresponse():
                    if line.startswith(b"data: {"):
                        yield json.loads(line.removeprefix(b"data: "))
            except OSError as exc:
                raise EngineDied("engine_failed", reason=str(exc)) from exc

    def load(
        self,
        choice: Choice,
        progress: Callable[[float], None] = lambda fraction: None,
        stop: threading.Event | None = None,
    ) -> Loaded:
        if not isinstance(choice.model, RemoteModel):
            self._used = None
            return self._other.load(choice, progress, stop)
        self._used = choice
        return self._loaded(choice)

    def _loaded(self, choice: Choice) -> Loaded:
        return Loaded(choice.model.id, choice.model.id, "", 4096, choice.device, "remote", 0, 0, 0.0, 0, 0)

    @property
    def state(self) -> State:
        if self._used is None:
            return self._other.state
        return replace(self._other.state, loaded=self._loaded(self._used), choice=self._used)

    @property
    def keep_alive(self) -> KeepAlive:
        return self._other.keep_alive

    @keep_alive.setter
    def keep_alive(self, keep: KeepAlive) -> None:
        self._other.keep_alive = keep

    @property
    def reclaimable_bytes(self) -> int:
        return self._other.reclaimable_bytes

    def unload(self, stop: threading.Event | None = None) -> None:
        self._used = None
        self._other.unload(stop)

    def preread(self, choice: Choice, build: Build, sampling: Sampling) -> None:
        if not isinstance(choice.model, RemoteModel):
            self._other.preread(choice, build, sampling)

    def forget(self, conversations: Sequence[str] = ()) -> None:
        self._other.forget(conversations)

    def devices(self) -> list[Device]:
        return self._other.devices()

    def bench(self, choice: Choice, *, tokens: int = 256, prompt_tokens: int = 128, rounds: int = 5) -> dict[str, Any]:
        return self._other.bench(choice, tokens=tokens, prompt_tokens=prompt_tokens, rounds=rounds)

    def score(
        self, choice: Choice, text: str, piece: int, *, session: str = "", stop: threading.Event | None = None
    ) -> dict[str, float]:
        return self._other.score(choice, text, piece, session=session, stop=stop)

    def close(self) -> None:
        self._other.close()


@pytest.fixture
def services(home: Path, server: Server) -> Services:
    """Those of the pages, with the remote engine in front of the local one."""
    services: Services = frame.get_services()
    services.knowledge.fill()
    services.engine = RemoteEngine(services.engine, server.address, "tea")
    return services


def chosen(services: Services) -> Choice:
    return choice_of(services, "remote:tea", "auto")


def answered(services: Services, question: str, choice: Choice) -> Answer:
    answer = ask(services, ADMINISTRATOR, question, choice=choice)
    assert answer.wait(60)
    return answer


def test_a_model_behind_an_address_answers_and_what_its_passages_do_not_say_is_replaced(
    services: Services, server: Server
) -> None:
    server.pieces = ["식혜는 커피콩으로 ", "만듭니다. ", "1592년에 나왔습니다."]
    answer = answered(services, QUESTION, chosen(services))
    assert answer.error is None and answer.guard == "quoted" and answer.citations
    assert "누룩" in answer.text and "커피" not in answer.text and "1592" not in answer.text
    (request,) = server.requests
    assert request["model"] == "tea" and QUESTION in request["messages"][-1]["content"]
    # a sentence that they allow stays as the model wrote it
    allowed = answered(services, QUESTION, BUILT_IN).text.replace(" [1]", "").replace("[1]", "")
    server.pieces = [allowed[:10], allowed[10:]]
    kept = answered(services, QUESTION, chosen(services))
    assert kept.guard == "kept" and kept.text.startswith(allowed[:10]) and kept.finish == "stop"


def test_no_server_is_asked_what_could_hurt_somebody(services: Services, server: Server) -> None:
    answer = answered(services, "임신했는데 막걸리 마셔도 돼요?", chosen(services))
    assert answer.guard == "quoted" and answer.text and server.requests == []


def test_stop_ends_the_writing_and_a_server_that_is_gone_is_a_failed_answer(services: Services, server: Server) -> None:
    server.gate.clear()
    server.pieces = ["막걸리", " 끝"]  # the first could still become a sentence that may be said
    answer = ask(services, ADMINISTRATOR, QUESTION, choice=chosen(services))
    assert eventually(lambda: bool(server.requests))
    answer.stop()
    server.gate.set()
    assert answer.wait(60) and (answer.finish, answer.text) == ("stopped", "")
    gone = Choice(RemoteModel("remote:tea", "127.0.0.1:1"))
    failed = answered(services, QUESTION, gone)
    assert failed.finish == "failed" and isinstance(failed.error, EngineDied)


def test_it_is_guarded_for_nobody_can_measure_it_and_only_its_engine_takes_it(services: Services) -> None:
    model = chosen(services).model
    assert describe_ref(model, services.settings) == Described("remote:tea", "", "", guarded=True)
    services.engine = services.engine._other  # type: ignore[attr-defined]
    with pytest.raises(ModelNotFound):
        chosen(services)
    failed = answered(services, QUESTION, Choice(model))
    assert isinstance(failed.error, ModelNotFound)


def test_it_is_chosen_on_the_models_page_and_its_answers_are_stored_and_drawn(
    services: Services, server: Server
) -> None:
    page = models_page()
    assert server.address in page.radio[0].proto.captions[1].replace("\\", "").replace(CUT, "")
    page.radio[0].set_value("remote:tea").run()
    page.button(key="load").click().run()
    assert not page.exception and last_choice(services) == chosen(services)
    server.pieces = ["식혜는 커피콩으로 만듭니다."]
    answer = answered(services, QUESTION, last_choice(services))
    conversation = answer.question.conversation_id
    (asked,) = chats.messages(services.db, ADMINISTRATOR, conversation)
    assert asked.exchange and asked.exchange.loaded and asked.exchange.loaded.used == "remote"
    page = models_page()
    assert "remote:tea" in shown(page) and page.radio[0].value == "remote:tea"
    for lang in ("ko", "en"):
        chat = open_page("chat", lang, c=conversation)
        assert "remote:tea" in shown(chat) and "remote" in shown(chat)
        open_page("models", lang)
        open_page("analytics", lang, section="speed")
    # a question to the page itself goes to the server, too, and a file of this machine is still to be had beside it
    before = len(server.requests)
    chat = open_app()
    chat.chat_input[0].set_value(QUESTION).run()
    assert not chat.exception and len(server.requests) == before + 1
    save_choice(services, ADMINISTRATOR, BUILT_IN)
    assert answered(services, QUESTION, last_choice(services)).loaded is not None
    assert services.engine.state.loaded and services.engine.state.loaded.used == "cpu"
