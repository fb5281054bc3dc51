"""Who may do what on a hosted site: each door of the core tried by somebody who may not pass, and no door without a lock."""

import asyncio
import importlib
import inspect
import pkgutil
import runpy
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

import kdrinks
from kdrinks import answer
from kdrinks.answer import Answer
from kdrinks.config import ROOT, Settings, from_environment
from kdrinks.errors import BadInput, KdrinksError, NotAllowed
from kdrinks.jobs import Job, Jobs
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.services import Services, last_choice, open_services
from kdrinks.store import chats, forget
from kdrinks.store.db import Database, new_id
from kdrinks.ui import login, start, visitor

ONE, OTHER = Visitor("one"), Visitor("other")
BOSS = Visitor("boss", administrator=True)

BY_OWNER = {
    "kdrinks.admission.admit",
    "kdrinks.answer.ask",
    "kdrinks.answer.running",
    "kdrinks.permissions.is_theirs",
    "kdrinks.permissions.owner_of",
    *(f"kdrinks.store.chats.{name}" for name in ("start_conversation", "record_question", "conversations", "messages")),
    *(f"kdrinks.jobs.Jobs.{name}" for name in ("pause", "resume", "cancel", "dismiss")),
    *("kdrinks.store.exclusions.lift", "kdrinks.store.exclusions.lifted"),
    *("kdrinks.store.traces.of", "kdrinks.store.traces.kept"),
    *("kdrinks.store.chats.delete_conversation", "kdrinks.store.chats.check_may_ask", "kdrinks.store.forget.one"),
}
"""Doors that let everybody pass, each to their own; the tests below try them. Every other one is for administrators only."""

WITHOUT = {
    "what everybody may see": (
        "drinks.edited drinks.changes preferences.get forget.retention_days sample.count",
        "analytics.data_version analytics.counts analytics.activity analytics.guard_shares analytics.models analytics.table",
        "speed.timings speed.timing_points speed.distribution speed.failures speed.memory",
        "word_stats.top_words word_stats.keyness word_stats.collocations word_stats.word_trend word_stats.drinks_over_time",
        "compare.comparisons compare.results compare.qualities",
    ),
    "the search, which answers everybody": (
        "documents.held_by documents.find documents.words_of_subjects",
        "passages.corpus_stats passages.hybrid_search passages.vocabulary passages.subjects_holding passages.of_subjects",
        "drink_queries.find drink_queries.foods drink_queries.sources",
    ),
    "the end of what a door let in, or work that nobody asked for": (
        "chats.record chats.last_asked exclusions.hold_again forget.apply_retention forget.purge_copies snapshot.drop_snapshots export.as_parquet",
        "documents.titled documents.outdated documents.index_again compare.record_run compare.record_perplexity",
        "evaluations.record",
        "facts.hold passages.save_ready passages.add_ready passages.stored_hashes passages.replace passages.sort_words",
        "recount.needed recount.waiting recount.messages recount.add recount.finish",
        "jobs.record jobs.cut file_hashes.known file_hashes.keep",
        "limits.take",
    ),
}
"""Functions of the store that take a database and no visitor, by the reason."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function and method of the core, classes by their constructor."""
    for module in pkgutil.walk_packages(kdrinks.__path__, "kdrinks."):
        if module.name.split(".")[1] in ("__main__", "cli") or module.name.endswith("_child"):
            continue
        if module.name.startswith("kdrinks.ui"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.name:
                continue
            if inspect.isfunction(value):
                yield f"{module.name}.{name}", value
            elif inspect.isclass(value) and not is_dataclass(value):
                for method, of_class in vars(value).items():
                    if inspect.isfunction(of_class) and (method == "__init__" or not method.startswith("_")):
                        yield f"{module.name}.{name}.{method}", of_class


FUNCTIONS = dict(functions())
DOORS = {
    name: one
    for name, one in FUNCTIONS.items()
    if any(given.annotation is Visitor for given in inspect.signature(one).parameters.values())
}


@pytest.mark.parametrize("name", sorted(DOORS.keys() - BY_OWNER))
def test_what_is_for_administrators_is_refused_to_others_before_anything_else_is_looked_at(name: str) -> None:
    needed = [one.name for one in inspect.signature(DOORS[name]).parameters.values() if one.default is one.empty]
    with pytest.raises(NotAllowed):
        opened = DOORS[name](**{one: OTHER if one == "who" else None for one in needed})
        with opened:  # a context manager refuses when it is entered
            pass


def test_no_function_of_the_store_opens_to_whoever_calls_it() -> None:
    listed = {f"kdrinks.store.{name}" for lines in WITHOUT.values() for name in " ".join(lines).split()}
    unlocked = {
        name
        for name, one in FUNCTIONS.items()
        if name.startswith("kdrinks.store.")
        and name not in DOORS
        and any(parameter.annotation is Database for parameter in inspect.signature(one).parameters.values())
    }
    assert unlocked == listed, "a function that takes a Database asks `who`, or stands in WITHOUT with its reason"
    assert DOORS.keys() >= BY_OWNER


@pytest.mark.parametrize("act", [Jobs.pause, Jobs.resume, Jobs.cancel, Jobs.dismiss])
def test_nobody_touches_another_ones_job(act: Callable[[Jobs, Visitor, Job[Any]], None]) -> None:
    jobs = Jobs()
    job = jobs.start("document", lambda job: job.stop.wait(30), subject="tea", owner=ONE.id, discard=lambda: None)
    with pytest.raises(NotAllowed):
        act(jobs, OTHER, job)
    assert not job.stop.is_set() and jobs.of("document") == [job]
    jobs.cancel(ONE, job)
    assert job.wait(30)
    jobs.dismiss(BOSS, job)
    assert jobs.of("document") == []


@pytest.fixture
def mine(db: Database) -> str:
    """A conversation of ONE's."""
    conversation = chats.start_conversation(db, ONE)
    chats.record_question(db, ONE, conversation, "식혜가 뭐예요?", "ko")
    return conversation


def everything(db: Database) -> list[Any]:
    with db.cursor() as cursor:
        return [cursor.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in ("conversations", "messages")]


def refused(db: Database, act: Callable[[], object]) -> bool:
    """Whether it raised NotAllowed, and changed nothing either way."""
    before = everything(db)
    try:
        act()
    except NotAllowed:
        return True
    finally:
        assert everything(db) == before
    return False


def test_a_visitor_finds_another_ones_conversation_as_if_it_were_not_there(db: Database, mine: str) -> None:
    unknown = new_id()
    for read in (
        lambda one: chats.messages(db, OTHER, one),
        lambda one: chats.delete_conversation(db, OTHER, one),
        lambda one: forget.one(db, OTHER, one),
    ):
        assert not refused(db, lambda read=read: read(mine))  # type: ignore[misc]
        assert read(mine) == read(unknown) and not read(mine)
    assert chats.conversations(db, OTHER) == []
    assert [one.id for one in chats.conversations(db, ONE)] == [mine]


def test_a_visitor_writes_nothing_into_another_ones_conversation(db: Database, mine: str) -> None:
    assert refused(db, lambda: chats.record_question(db, OTHER, mine, "What is sikhye?", "en"))
    assert refused(db, lambda: chats.check_may_ask(db, OTHER, mine))
    own, asked = chats.start_conversation(db, OTHER), chats.messages(db, ONE, mine)[0].question_id
    assert refused(db, lambda: chats.check_may_ask(db, OTHER, own, question_id=asked)), "nor answers its question anew"


def test_an_id_that_nobody_knows_becomes_a_conversation_of_who_asks(db: Database) -> None:
    conversation = new_id()
    chats.record_question(db, ONE, conversation, "What is sikhye?", "en")
    assert chats.messages(db, ONE, conversation) and not chats.messages(db, OTHER, conversation)


def test_administrators_list_their_own_and_common_conversations_and_open_all(db: Database, mine: str) -> None:
    common, own = chats.start_conversation(db, ADMINISTRATOR), chats.start_conversation(db, BOSS)
    for conversation, who in ((common, ADMINISTRATOR), (own, BOSS)):
        chats.record_question(db, who, conversation, "What is sikhye?", "en")
    assert {one.id for one in chats.conversations(db, BOSS)} == {common, own}
    assert chats.conversations(db, OTHER) == [] and not chats.messages(db, OTHER, common)
    assert chats.messages(db, BOSS, mine) and chats.delete_conversation(db, BOSS, mine) == 1


def test_at_home_everybody_has_everything(db: Database, mine: str) -> None:
    asked_at_home = chats.start_conversation(db, ADMINISTRATOR)
    chats.record_question(db, ADMINISTRATOR, asked_at_home, "What is sikhye?", "en")
    assert {one.id for one in chats.conversations(db, ADMINISTRATOR)} == {mine, asked_at_home}
    assert chats.messages(db, ADMINISTRATOR, mine) and chats.delete_conversation(db, ADMINISTRATOR, mine) == 1


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_services(Settings(tmp_path, tmp_path), memory=True)
    yield opened
    opened.close()


@pytest.fixture
def under_way(services: Services) -> Iterator[Answer]:
    """An answer to ONE that is not over before the knowledge is filled, which takes seconds."""
    live = answer.ask(services, ONE, "What is sikhye?", session="a tab")
    yield live
    live.stop()
    assert live.wait(60)


def test_nobody_watches_or_stops_the_answer_to_another(services: Services, under_way: Answer) -> None:
    conversation = under_way.question.conversation_id
    assert answer.running(services, ONE, conversation) is under_way
    assert answer.running(services, BOSS, conversation) is under_way
    assert answer.running(services, OTHER, conversation) is None
    with pytest.raises(KdrinksError) as still:
        answer.ask(services, ONE, "And yuja tea?", conversation_id=conversation)
    assert still.value.key == "still_answering"
    for question in ("", under_way.question.id):
        with pytest.raises(NotAllowed):
            answer.ask(services, OTHER, "And yuja tea?", conversation_id=conversation, question_id=question)
    assert not under_way.stopped and len(chats.messages(services.db, ONE, conversation)) == 1


def test_what_an_administrator_asks_in_ones_conversation_is_seen_there(services: Services) -> None:
    conversation = chats.start_conversation(services.db, ONE)
    chats.record_question(services.db, ONE, conversation, "What is sikhye?", "en")
    asked = answer.ask(services, BOSS, "And sujeonggwa?", conversation_id=conversation)
    assert asked.question.owner == ONE.id and answer.running(services, ONE, conversation) in (asked, None)
    assert answer.running(services, OTHER, conversation) is None
    assert asked.wait(60) and len(chats.messages(services.db, ONE, conversation)) == 2


def test_nobody_has_another_ones_question_answered_again(services: Services) -> None:
    conversation, own = chats.start_conversation(services.db, ONE), chats.start_conversation(services.db, OTHER)
    asked = chats.record_question(services.db, ONE, conversation, "What is sikhye?", "en")
    for place, question in ((conversation, ""), (conversation, asked), (own, asked)):
        with pytest.raises(NotAllowed):
            answer.ask(services, OTHER, "What is sikhye?", conversation_id=place, question_id=question)
    with pytest.raises(BadInput):  # nor outside of every conversation
        answer.ask(services, OTHER, "What is sikhye?", question_id=asked)
    assert not services.answers and len(chats.messages(services.db, ONE, conversation)) == 1


def test_a_visitor_asks_the_model_that_an_administrator_chose(services: Services) -> None:
    with pytest.raises(NotAllowed):
        answer.ask(services, OTHER, "What is sikhye?", choice=last_choice(services))
    assert everything(services.db) == [[], []]


def test_many_tabs_of_one_visitor_take_one_turn(services: Services, under_way: Answer) -> None:
    assert under_way.question.session == ONE.id
    at_home = answer.ask(services, ADMINISTRATOR, "What is sikhye?", session="a tab")
    at_home.stop()
    assert at_home.question.session == "a tab" and at_home.wait(60)


LOGGED_IN = {"is_logged_in": True, "iss": "https://login", "sub": "1", "email": "Boss@Example.org"}
ADMINS = {"boss@example.org", "kim@example.org"}


@pytest.mark.parametrize(
    ("claims", "administrator"),
    [
        ({"email_verified": True}, True),
        ({}, False),
        ({"email_verified": False}, False),
        ({"email_verified": "true"}, False),
        ({"email_verified": 1}, False),
        ({"email_verified": True, "email": "guest@example.org"}, False),
        ({"email_verified": True, "email": None}, False),
        ({"email_verified": True, "email": "\u212aim@example.org"}, False),
    ],
)
def test_only_a_verified_address_of_the_list_makes_an_administrator(
    claims: dict[str, object], administrator: bool
) -> None:
    who = visitor.of_login({**LOGGED_IN, **claims}, ADMINS)
    assert who and who.administrator == administrator


def test_who_is_logged_in_is_known_by_provider_and_subject() -> None:
    ids = {visitor.of_login({**LOGGED_IN, "iss": issuer, "sub": sub}, ADMINS) for issuer in "ab" for sub in "12"}
    assert len(ids) == 4 and None not in ids
    assert visitor.of_login(LOGGED_IN, ADMINS) == visitor.of_login({**LOGGED_IN, "email": "new@example.org"}, ADMINS)
    for nobody in (
        {},
        {**LOGGED_IN, "is_logged_in": False},
        {**LOGGED_IN, "sub": ""},
        {**LOGGED_IN, "is_logged_in": "true"},
    ):
        assert visitor.of_login(nobody, ADMINS) is None


def cookie_set(
    cookie: str = "", *, scheme: str = "http", path: str = "", kind: str = "text/html; charset=utf-8"
) -> str:
    """The Set-Cookie of the page's answer to a browser that sends this cookie; empty where there is none."""

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope = {"type": "http", "scheme": scheme, "headers": [(b"cookie", cookie.encode())] if cookie else []}
    asyncio.run(visitor.VisitorCookie(page, path)(scope, receive, send))
    headers: dict[str, str] = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert ("set-cookie" in headers) == (headers.get("cache-control") == "no-store, private")
    return headers.get("set-cookie", "")


def test_a_browser_gets_a_cookie_with_its_first_page_and_keeps_it() -> None:
    first, second = cookie_set(), cookie_set()
    token = first.partition(";")[0].removeprefix("kdrinks_visitor=")
    assert visitor.is_token(token) and first.partition(";")[0] != second.partition(";")[0]
    assert first.partition("; ")[2] == "HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000"
    assert not cookie_set(f"other=1; kdrinks_visitor={token}")
    assert cookie_set("kdrinks_visitor=short") and cookie_set(f"kdrinks_visitor={token}0")
    assert not cookie_set(kind="text/javascript"), "only pages"
    assert "; Secure" in cookie_set(scheme="https") and "; Path=/drinks;" in cookie_set(path="/drinks/")
    assert token not in visitor.of_token(token).id and visitor.of_token(token) == visitor.of_token(token)


def test_every_provider_of_the_auth_section_has_its_button() -> None:
    client = {"client_id": "kdrinks"}
    assert login.providers_in({}) == login.providers_in({"cookie_secret": "…"}) == []
    assert login.providers_in({**client, "cookie_secret": "…"}) == [""]
    assert login.providers_in({"cookie_secret": "…", "google": client, "naver": client, "odd": {}}) == [
        "google",
        "naver",
    ]


def test_whoever_names_administrators_that_cannot_log_in_is_told_at_the_start(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    start.warn_where_nobody_can_log_in(Settings(tmp_path, tmp_path))
    assert not caplog.records
    start.warn_where_nobody_can_log_in(Settings(tmp_path, tmp_path, admins=frozenset(ADMINS)))
    assert ["nobody can become administrator" in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize("slip", [",", " , ", ",,"])
def test_a_list_of_administrators_that_names_nobody_makes_nobody_one(
    monkeypatch: pytest.MonkeyPatch, slip: str
) -> None:
    monkeypatch.setenv("KDRINKS_ADMINS", slip)
    admins = from_environment().admins
    assert admins and "@" not in "".join(admins)
    monkeypatch.setenv("KDRINKS_ADMINS", "")
    assert not from_environment().admins


@pytest.mark.parametrize("admins", ["", "boss@example.org"])
@pytest.mark.parametrize(("option", "safe"), [("client.showErrorDetails", "none"), ("client.disableDataExport", True)])
def test_no_page_shows_a_bugs_traceback_or_offers_an_unguarded_csv(
    monkeypatch: pytest.MonkeyPatch, admins: str, option: str, safe: object
) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    section, name = option.split(".")
    assert settings[section][name] == safe
    monkeypatch.setenv("KDRINKS_ADMINS", admins)
    config.set_option(option, {"none": "full", True: False}[safe])
    try:
        runpy.run_path(str(ROOT / "app.py"))
        assert config.get_option(option) == safe, "wherever Streamlit was started"
    finally:
        config.set_option(option, safe)
