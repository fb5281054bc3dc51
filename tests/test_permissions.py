"""Who may do what on a hosted site: each door of the core tried by somebody who may not pass, and no door without a lock."""

import asyncio
import importlib
import inspect
import pkgutil
import runpy
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from functools import partial
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
from kdrinks.records import ADMINISTRATOR, Visitor, WordCount
from kdrinks.services import Services, delete_conversation, last_choice, open_services
from kdrinks.store import (
    analytics,
    chats,
    conversation_marks,
    conversation_search,
    exclusions,
    forget,
    mine,
    ratings,
    speed,
    traces,
    trees,
    undo,
    word_stats,
)
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, new_id
from kdrinks.text.sought import Sought, Term
from kdrinks.ui import site, visitor
from tests.support.store_rows import exchange

ONE, OTHER = Visitor("one"), Visitor("other")
BOSS = Visitor("boss", administrator=True)
ALL = AnalyticsFilter()

BY_OWNER = {
    "kdrinks.admission.admit",
    "kdrinks.answer.ask",
    "kdrinks.answer.running",
    "kdrinks.permissions.is_theirs",
    "kdrinks.permissions.owner_of",
    *(f"kdrinks.store.chats.{name}" for name in ("start_conversation", "record_question", "conversations", "messages")),
    *(
        "kdrinks.store.chats.has_any",
        "kdrinks.store.mine.summary",
        "kdrinks.store.mine.export",
        "kdrinks.store.forget.of_owner",
    ),
    *("kdrinks.store.ratings.rate", "kdrinks.store.ratings.of"),
    *(f"kdrinks.store.logins.{name}" for name in ("log_in", "log_out", "is_logged_in")),
    *(f"kdrinks.store.analytics.{name}" for name in ("counts", "activity", "guard_shares", "models")),
    *("kdrinks.store.analytics.seen_by", "kdrinks.store.analytics.more_than_totals"),
    *(f"kdrinks.store.speed.{name}" for name in ("timings", "timing_points", "distribution", "failures")),
    *(f"kdrinks.store.word_stats.{name}" for name in ("top_words", "keyness", "collocations", "word_trend")),
    *("kdrinks.store.word_stats.drinks_over_time", "kdrinks.store.word_stats.concordance"),
    *(f"kdrinks.jobs.Jobs.{name}" for name in ("pause", "resume", "cancel", "dismiss")),
    *("kdrinks.store.exclusions.lift", "kdrinks.store.exclusions.lifted"),
    *("kdrinks.store.traces.of", "kdrinks.store.traces.kept"),
    *("kdrinks.store.trees.read", "kdrinks.portability.formats.export"),
    *("kdrinks.store.chats.delete_conversation", "kdrinks.store.chats.check_may_ask", "kdrinks.store.forget.one"),
    *("kdrinks.store.chats.theirs", "kdrinks.store.conversation_search.search", "kdrinks.services.delete_conversation"),
    *("kdrinks.store.conversation_marks.rename", "kdrinks.store.conversation_marks.pin"),
    *(f"kdrinks.temporary.TemporaryChats.{name}" for name in ("begin", "messages", "end")),
    *(f"kdrinks.store.undo.{name}" for name in ("put_away", "take_back", "put_away_by", "is_away")),
}
"""Doors that let everybody pass, each to their own; the tests below try them. Every other one is for administrators only."""

WITHOUT = {
    "what everybody may see": (
        "drinks.edited drinks.changes preferences.get sample.count ratings.counts",
        "forget.retention_days forget.visitor_days forget.kept_days analytics.audience analytics.data_version analytics.table",
    ),
    "the search, which answers everybody": (
        "documents.held_by documents.find documents.words_of_subjects",
        "passages.corpus_stats passages.hybrid_search passages.vocabulary passages.subjects_holding passages.of_subjects",
        "drink_queries.find drink_queries.foods drink_queries.sources",
    ),
    "the end of what a door let in, or work that nobody asked for": (
        "chats.record chats.last_asked exclusions.hold_again forget.apply_retention forget.carry_out forget.is_overdue forget.purge_copies snapshot.drop_snapshots export.as_parquet",
        "documents.titled documents.outdated documents.index_again compare.record_run compare.record_perplexity",
        "evaluations.record",
        "facts.hold passages.save_ready passages.add_ready passages.stored_hashes passages.replace passages.sort_words",
        "recount.needed recount.waiting recount.messages recount.add recount.finish",
        "jobs.record jobs.cut file_hashes.known file_hashes.keep",
        "limits.take",
    ),
    "the same person's command, which shows a key that only they can read": (
        "backup_requests.BackupRequests.__init__",
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


@pytest.fixture(name="mine")
def conversation_of_one(db: Database) -> str:
    """A conversation of ONE's."""
    conversation = chats.start_conversation(db, ONE)
    chats.record_question(db, ONE, conversation, "식혜가 뭐예요?", "ko")
    return conversation


def everything(db: Database) -> list[Any]:
    tables = (
        "conversations",
        "messages",
        "generations",
        "words",
        "citations",
        "traces",
        "lifted_exclusions",
        "ratings",
    )
    with db.cursor() as cursor:
        return [cursor.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in tables]


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


ASKED: dict[str, Callable[[Database, dict[str, str]], object]] = {
    "chats.conversations": lambda db, ids: chats.conversations(db, OTHER, None),
    "chats.messages": lambda db, ids: chats.messages(db, OTHER, ids["conversation"]),
    "chats.delete_conversation": lambda db, ids: chats.delete_conversation(db, OTHER, ids["conversation"]),
    "chats.check_may_ask": lambda db, ids: chats.check_may_ask(db, OTHER, ids["conversation"]),
    "chats.record_question": lambda db, ids: chats.record_question(db, OTHER, ids["conversation"], "?", "ko"),
    "chats.has_any": lambda db, ids: chats.has_any(db, OTHER),
    "chats.conversations among": lambda db, ids: chats.conversations(db, OTHER, None, among=[ids["conversation"]]),
    "conversation_search.search": lambda db, ids: [
        conversation_search.search(db, OTHER, Sought(terms)) for terms in ((), (Term("식혜", "식혜", ("식혜",)),))
    ],
    "conversation_marks.rename": lambda db, ids: conversation_marks.rename(db, OTHER, ids["conversation"], "mine now"),
    "conversation_marks.pin": lambda db, ids: conversation_marks.pin(db, OTHER, ids["conversation"], True),
    "undo.put_away": lambda db, ids: undo.put_away(db, OTHER, ids["conversation"]),
    "undo.take_back": lambda db, ids: undo.take_back(db, OTHER, ids["away"]),
    "undo.put_away_by": lambda db, ids: undo.put_away_by(db, OTHER),
    "undo.is_away": lambda db, ids: undo.is_away(db, OTHER, ids["away"]) or "no",
    "forget.one": lambda db, ids: forget.one(db, OTHER, ids["conversation"]),
    "forget.of_owner": lambda db, ids: forget.of_owner(db, OTHER),
    "mine.summary": lambda db, ids: mine.summary(db, OTHER),
    "mine.export": lambda db, ids: mine.export(db, OTHER).decode(),
    "exclusions.lift": lambda db, ids: exclusions.lift(db, OTHER, ids["conversation"], "diet nuts"),
    "exclusions.lifted": lambda db, ids: exclusions.lifted(db, OTHER, ids["conversation"]),
    "ratings.rate": lambda db, ids: ratings.rate(db, OTHER, ids["answer"], ratings.Rating(good=True, consent=True)),
    "ratings.of": lambda db, ids: ratings.of(db, OTHER, ids["conversation"]),
    "traces.of": lambda db, ids: traces.of(db, OTHER, ids["answer"]),
    "trees.read": lambda db, ids: trees.read(db, OTHER, ids["conversation"], lambda path, at: ""),
    "traces.kept": lambda db, ids: traces.kept(db, OTHER, ids["conversation"]),
    **{f"analytics.{one.__name__}": partial(lambda one, db, ids: one(db, OTHER, ALL), one)
       for one in (analytics.counts, analytics.activity, analytics.guard_shares)},
    "analytics.models": lambda db, ids: analytics.models(db, OTHER),
    **{f"speed.{one.__name__}": partial(lambda one, db, ids: one(db, OTHER, ALL), one)
       for one in (speed.timings, speed.timing_points, speed.failures)},
    "speed.distribution": lambda db, ids: speed.distribution(db, OTHER, ALL, "first_token_s"),
    **{f"word_stats.{one.__name__}": partial(lambda one, db, ids: one(db, OTHER, ALL), one)
       for one in (word_stats.top_words, word_stats.drinks_over_time)},
    "word_stats.keyness": lambda db, ids: word_stats.keyness(db, OTHER, ALL, "who"),
    "word_stats.word_trend": lambda db, ids: word_stats.word_trend(db, OTHER, ALL, ["힐데가르트"]),
    **{f"word_stats.{one.__name__}": partial(lambda one, db, ids: one(db, OTHER, ALL, "힐데가르트"), one)
       for one in (word_stats.collocations, word_stats.concordance)},
}  # fmt: skip
"""Each door of the store that lets everybody pass, tried by OTHER with the ids of ONE's."""
ELSEWHERE = {
    "chats.start_conversation": "makes one of their own",
    "chats.theirs": "a condition, which the doors that are tried here use",
    "analytics.seen_by": "says what the others in analytics may look at",
    "analytics.more_than_totals": "the same",
    **dict.fromkeys(("logins.log_in", "logins.log_out", "logins.is_logged_in"), "tests/test_own_data.py"),
}


def test_every_door_of_the_store_that_lets_everybody_pass_is_tried() -> None:
    of_store = {name.removeprefix("kdrinks.store.") for name in BY_OWNER if name.startswith("kdrinks.store.")}
    assert of_store == {name.split()[0] for name in ASKED} | ELSEWHERE.keys()


@pytest.mark.parametrize("name", ASKED)
def test_with_anothers_ids_a_door_gives_nothing_and_changes_nothing(db: Database, name: str) -> None:
    conversation = chats.start_conversation(db, ONE)
    question = chats.record_question(db, ONE, conversation, "힐데가르트의 식혜", "ko")
    counted = (WordCount("힐데가르트", "noun", 3), WordCount("식혜", "drink", 1))
    said = exchange(
        conversation, question, question="힐데가르트의 식혜", question_words=counted, answer_words=counted, finish="failed"
    )  # fmt: skip
    assert chats.record(db, said)
    away = chats.start_conversation(db, ONE)
    chats.record_question(db, ONE, away, "힐데가르트의 수정과", "ko")
    assert undo.put_away(db, ONE, away) == 1
    ids = {"conversation": conversation, "question": question, "answer": said.message_id, "away": away}
    before = everything(db)
    try:
        told = str(ASKED[name](db, ids))
    except NotAllowed as refused:
        told = str(refused)
    assert everything(db) == before
    assert not [one for one in ("힐데가르트", "술이 아닙니다", "diet nuts", "built-in", *ids.values()) if one in told]


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


def test_nobody_deletes_another_ones_conversation_nor_takes_a_deletion_back(services: Services) -> None:
    conversation = chats.start_conversation(services.db, ONE)
    chats.record_question(services.db, ONE, conversation, "What is sikhye?", "en")
    assert delete_conversation(services, OTHER, conversation) == 0 and chats.messages(services.db, ONE, conversation)
    assert delete_conversation(services, ONE, conversation) == 1 and not chats.messages(services.db, ONE, conversation)
    assert undo.take_back(services.db, OTHER, conversation) == 0 and undo.put_away_by(services.db, OTHER) == []
    assert undo.take_back(services.db, ONE, conversation) == 1 and chats.messages(services.db, ONE, conversation)


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
    assert not any(everything(services.db))


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


SECRET = "of-this-test-alone-0123456789-abcdef"


def cookies_set(
    cookie: str = "",
    *,
    scheme: str = "http",
    path: str = "",
    kind: str = "text/html; charset=utf-8",
    secret: str = SECRET,
    sessions: bool = False,
    known: frozenset[str] = frozenset(),
) -> list[str]:
    """What the page's answer sets in a browser that sends this cookie.   known: ids of visitors who were here before."""

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope = {"type": "http", "scheme": scheme, "headers": [(b"cookie", cookie.encode())] if cookie else []}
    middleware = visitor.VisitorCookie(page, secret, path, sessions=sessions, is_known=lambda who: who.id in known)
    asyncio.run(middleware(scope, receive, send))
    headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    cookies = [value for name, value in headers if name == "set-cookie"]
    assert bool(cookies) == (("cache-control", "no-store, private") in headers)
    return cookies


def value_of(cookies: list[str], name: str = visitor.COOKIE) -> str:
    (found,) = (one.partition(";")[0].removeprefix(f"{name}=") for one in cookies if one.startswith(f"{name}="))
    return found


def token_of(cookies: list[str]) -> str:
    return visitor.token_in(value_of(cookies), visitor.COOKIE, SECRET)


def test_a_browser_gets_a_cookie_with_its_first_page_and_keeps_it() -> None:
    first, second = cookies_set(), cookies_set()
    token = token_of(first)
    assert token and token != token_of(second)
    assert first[0].partition("; ")[2] == "HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000"
    assert not cookies_set(f"other=1; kdrinks_visitor={value_of(first)}")
    assert not cookies_set(kind="text/javascript"), "only pages"
    assert "; Secure" in cookies_set(scheme="https")[0] and "; Path=/drinks;" in cookies_set(path="/drinks/")[0]
    assert token not in visitor.of_token(token).id and visitor.of_token(token) == visitor.of_token(token)


def test_a_cookie_that_somebody_made_up_is_replaced_by_one_of_a_new_visitor() -> None:
    token, signed = "0" * 32, value_of(cookies_set())
    forged = [
        token,
        "short",
        f"{token}.{'0' * 32}",
        f"{token}.{signed.partition('.')[2]}",
        f"{signed[:-1]}{'0' if signed[-1] != '0' else '1'}",
        f"{signed}0",
        visitor.signed(token, visitor.COOKIE, "another secret, of another site"),
        visitor.signed(token, visitor.SESSION_COOKIE, SECRET),
        visitor.signed(token, visitor.COOKIE, ""),
    ]
    for made_up in forged:
        assert not visitor.token_in(made_up, visitor.COOKIE, SECRET)
        assert token_of(cookies_set(f"kdrinks_visitor={made_up}")) not in ("", token), made_up
    assert not visitor.token_in(visitor.signed(token, visitor.COOKIE, ""), visitor.COOKIE, ""), "no secret, no visitor"


def test_who_was_here_before_cookies_were_signed_keeps_their_conversations_under_a_signed_one() -> None:
    before, stranger = "a" * 32, "b" * 32
    known = frozenset({visitor.of_token(before).id})
    assert token_of(cookies_set(f"kdrinks_visitor={before}", known=known)) == before
    assert token_of(cookies_set(f"kdrinks_visitor={stranger}", known=known)) not in ("", stranger)


def test_where_somebody_logs_in_by_password_a_browser_has_a_cookie_until_it_is_closed() -> None:
    cookies = cookies_set(sessions=True)
    session = next(one for one in cookies if one.startswith(f"{visitor.SESSION_COOKIE}="))
    assert session.partition("; ")[2] == "HttpOnly; SameSite=Lax; Path=/", "neither Max-Age nor Expires"
    both = "; ".join(one.partition(";")[0] for one in cookies)
    assert len(cookies) == 2 and not cookies_set(both, sessions=True)
    assert len(cookies_set(cookies[0].partition(";")[0], sessions=True)) == 1, "the browser was closed: a new session"


def test_every_provider_of_the_auth_section_has_its_button() -> None:
    client = {"client_id": "kdrinks"}
    assert site.providers_in({}) == site.providers_in({"cookie_secret": "…"}) == []
    assert site.providers_in({**client, "cookie_secret": "…"}) == [""]
    assert site.providers_in({"cookie_secret": "…", "google": client, "naver": client, "odd": {}}) == [
        "google",
        "naver",
    ]


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
    monkeypatch: pytest.MonkeyPatch, admins: str, option: str, safe: object, tmp_path: Path
) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    section, name = option.split(".")
    assert settings[section][name] == safe
    monkeypatch.setenv("KDRINKS_ADMINS", admins)
    monkeypatch.setenv("KDRINKS_HOME", str(tmp_path))
    monkeypatch.setattr(site, "cookie_secret", lambda: SECRET)
    config.set_option(option, {"none": "full", True: False}[safe])
    try:
        runpy.run_path(str(ROOT / "app.py"))
        assert config.get_option(option) == safe, "wherever Streamlit was started"
    finally:
        config.set_option(option, safe)
