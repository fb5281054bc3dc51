"""Many people on one machine: whose turn it is, how long it lasts until then, and who is asked to come back later."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kdrinks import admission, answer
from kdrinks.answer import Answer
from kdrinks.config import Settings
from kdrinks.engine.request_queue import RequestQueue
from kdrinks.errors import Busy
from kdrinks.records import Visitor
from kdrinks.services import SEARCHES_AT_ONCE, Services, open_services
from kdrinks.store import chats, limits
from kdrinks.store.db import Database, now
from kdrinks.store.limits import Limit
from kdrinks.ui.presence import GRACE_S, Presence
from tests.support.wait import eventually

ONE, OTHER, THIRD = Visitor("one"), Visitor("other"), Visitor("third")
BOSS = Visitor("boss", administrator=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A hosted site's services, ready to answer."""
    folder = tmp_path_factory.mktemp("site")
    services = open_services(Settings(folder / "home", folder, admins=frozenset({"boss@example.org"})))
    services.knowledge.fill()
    yield services
    services.close()


@pytest.fixture
def held(site: Services) -> Iterator[Services]:
    """The same while others have all turns of the search, so that whoever asks waits; they are given back after the test."""
    for _ in range(SEARCHES_AT_ONCE):
        list(site.searches.wait("somebody", threading.Event()))
    yield site
    for running in list(site.answers.values()):
        running.stop()
    for _ in range(SEARCHES_AT_ONCE):
        site.searches.done(measured=False)
    assert eventually(lambda: not site.answers)
    with site.db.write() as cursor:
        cursor.execute("DELETE FROM asked")


def waiting(asked: Answer) -> float:
    assert eventually(lambda: asked.phase == "queued")
    return asked.phase_values["position"]


# Turns


def test_who_waits_is_told_how_long_by_what_the_last_ones_took() -> None:
    clock = [0.0]
    queue, never = RequestQueue(clock=lambda: clock[0]), threading.Event()
    assert queue.left_s(1) is None, "nothing was measured yet"
    for took_s in (2.0, 4.0):
        list(queue.wait("a", never))
        clock[0] += took_s
        queue.done()
    assert queue.left_s(3) == 9.0
    list(queue.wait("a", never))
    clock[0] += 60
    queue.done(measured=False)
    assert queue.left_s(1) == 3.0, "what was no question says nothing of them"
    both = RequestQueue(2, clock=lambda: clock[0])
    for _ in range(2):
        list(both.wait("a", never))
    assert next(both.wait("b", never)) == 1
    clock[0] += 6
    both.done()
    both.done()
    assert both.left_s(1) == 3.0, "two at once go on twice as fast"


def test_a_newcomer_is_after_one_turn_of_each_who_waits_however_many_they_wait_for() -> None:
    queue, never = RequestQueue(), threading.Event()
    list(queue.wait("a", never))
    waiting = [queue.wait(session, never) for session in ("a", "a", "a", "b")]
    assert all(next(one) for one in waiting)
    assert queue.waiting == 4 and queue.before_newcomer == 3


def test_a_visitor_with_many_tabs_holds_nobody_up_for_more_than_one_question(held: Services) -> None:
    mine = [answer.ask(held, ONE, "식혜가 뭐야?", session=f"tab {number}") for number in range(3)]
    assert [waiting(one) for one in mine] == [1, 2, 3]
    theirs = answer.ask(held, OTHER, "막걸리가 뭐야?", session="another tab")
    assert waiting(theirs) == 2
    assert eventually(lambda: mine[1].phase_values.get("position") == 3)


def test_who_stops_while_they_wait_leaves_the_queue_and_the_question_is_kept(held: Services) -> None:
    mine, theirs = answer.ask(held, ONE, "식혜가 뭐야?"), answer.ask(held, OTHER, "막걸리가 뭐야?")
    assert (waiting(mine), waiting(theirs)) == (1, 2)
    mine.stop()
    assert mine.wait(5) and mine.finish == "stopped"
    assert eventually(lambda: theirs.phase_values.get("position") == 1)
    (kept,) = chats.messages(held.db, ONE, mine.question.conversation_id)
    assert kept.question == "식혜가 뭐야?" and kept.exchange and kept.exchange.finish == "stopped"


# Limits


def test_what_a_visitor_an_address_and_all_may_ask_is_counted_apart_and_over_a_restart(tmp_path: Path) -> None:
    few = (Limit("visitor", 2, 60), Limit("address", 3, 60), Limit("everybody", 5, 60))

    def take(visitor: str, address: str) -> str:
        reached = limits.take(db, visitor, address, few)
        return reached.limit.whose if reached else ""

    db = Database.open(tmp_path / "kdrinks.duckdb")
    assert [take("one", "192.0.2.1") for _ in range(3)] == ["", "", "visitor"]
    assert [take("other", "192.0.2.1") for _ in range(2)] == ["", "address"], "a new cookie is no new address"
    db.close()
    db = Database.open(tmp_path / "kdrinks.duckdb")
    assert take("one", "192.0.2.2") == "visitor"
    assert [take(f"visitor {number}", "") for number in range(3)] == ["", "", "everybody"], (
        "at home nobody has an address"
    )
    with db.cursor() as cursor:
        rows = cursor.execute("SELECT visitor, address FROM asked").fetchall()
    assert len(rows) == 5 and not any("192.0.2" in place for _, place in rows)
    db.close()


def test_after_its_time_a_limit_is_open_again_and_its_rows_go_after_a_day(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, began = (Limit("visitor", 1, 60),), now()
    assert limits.take(db, "one", "192.0.2.1", few) is None
    reached = limits.take(db, "one", "192.0.2.1", few)
    assert reached and 50 < reached.retry_s <= 60
    monkeypatch.setattr(limits, "now", lambda: began + timedelta(seconds=61))
    assert limits.take(db, "one", "192.0.2.1", few) is None
    monkeypatch.setattr(limits, "now", lambda: began + timedelta(days=2))
    assert limits.take(db, "other", "192.0.2.1", few) is None
    with db.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM asked").fetchone() == (1,)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_a_household_of_ipv6_is_one_address(address: str, network: str) -> None:
    assert limits.network_of(address) == network


def test_one_visitor_has_three_answers_at_a_time_and_administrators_as_many_as_they_like(held: Services) -> None:
    for _ in range(admission.MOST_OF_ONE):
        answer.ask(held, ONE, "식혜가 뭐야?")
    before = len(chats.conversations(held.db, ONE))
    with pytest.raises(Busy) as refused:
        answer.ask(held, ONE, "막걸리가 뭐야?")
    assert "3" in refused.value.message("ko") and "3" in refused.value.message("en")
    assert len(chats.conversations(held.db, ONE)) == before, "nothing of it is stored"
    assert b'kdrinks_refusals_total{reason="busy_yours"} 1.0' in held.metrics.text({})
    answer.ask(held, OTHER, "막걸리가 뭐야?")
    for _ in range(admission.MOST_OF_ONE + 1):
        answer.ask(held, BOSS, "막걸리가 뭐야?")


def test_a_queue_that_is_too_long_takes_nobody_more_and_says_the_place(
    held: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MOST_AT_ONCE", 2)
    for who in (ONE, OTHER):
        answer.ask(held, who, "식혜가 뭐야?")
    with pytest.raises(Busy) as refused:
        answer.ask(held, THIRD, "식혜가 뭐야?")
    assert "3번째" in refused.value.message("ko") and "number 3" in refused.value.message("en")


def test_a_limit_says_how_many_in_what_time_and_when_to_come_back(
    held: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIMITS", (Limit("visitor", 1, 86_400),))
    monkeypatch.setattr(limits.take, "__defaults__", (limits.LIMITS,))
    answer.ask(held, ONE, "식혜가 뭐야?")
    with pytest.raises(Busy) as refused:
        answer.ask(held, ONE, "막걸리가 뭐야?")
    assert "1 questions in 24 h" in refused.value.message("en") and "24 h" in refused.value.hint("en")
    assert "24 h에 질문 1개" in refused.value.message("ko")


def test_at_home_nothing_is_counted(tmp_path: Path) -> None:
    home = open_services(Settings(tmp_path / "home", tmp_path))
    try:
        for _ in range(admission.MOST_OF_ONE + 1):
            admission.admit(home, ONE, "192.0.2.1")
        with home.db.cursor() as cursor:
            assert cursor.execute("SELECT count(*) FROM asked").fetchone() == (0,)
    finally:
        home.close()


# Who has left


def test_an_answer_ends_when_its_visitor_s_last_page_is_gone_and_not_for_a_reload(held: Services) -> None:
    clock, connected = [0.0], {"tab"}
    presence = Presence(connected.__contains__, lambda: clock[0])
    presence.note("tab", ONE)
    mine, unknown = answer.ask(held, ONE, "식혜가 뭐야?"), answer.ask(held, OTHER, "막걸리가 뭐야?")

    def after(seconds: float) -> int:
        clock[0] += seconds
        return presence.stop_abandoned([mine, unknown])

    assert after(60) == 0 and presence.visitors == 1
    connected.clear()
    assert after(GRACE_S - 1) == 0
    connected.add("reloaded")
    presence.note("reloaded", ONE)
    assert after(60) == 0 and presence.visitors == 1
    connected.clear()
    assert after(GRACE_S - 1) == 0 and after(2) == 1
    assert mine.wait(5) and mine.finish == "stopped"
    assert not unknown.stopped, "whose page was never seen, as on the command line, has no page to leave"
    assert presence.visitors == 0 and after(60) == 0


def test_a_second_tab_keeps_the_answers_of_its_visitor(held: Services) -> None:
    clock, connected = [0.0], {"first", "second"}
    presence = Presence(connected.__contains__, lambda: clock[0])
    presence.note("first", ONE)
    presence.note("second", ONE)
    mine = answer.ask(held, ONE, "식혜가 뭐야?")
    connected.discard("first")
    clock[0] += 60
    assert presence.stop_abandoned([mine]) == 0 and presence.visitors == 1
