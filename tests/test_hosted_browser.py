"""A hosted site in real browsers: everybody has conversations of their own, and administrators log in."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.login_provider import LoginProvider, login_provider
from tests.support.running_app import (
    App,
    answers,
    ask,
    free_port,
    needs_chromium,
    open_tab,
    running_app,
    visit,
    write_secrets,
)

pytestmark = [pytest.mark.browser, needs_chromium]

BOSS = {"sub": "1", "email": "Boss@example.org", "email_verified": True}
PASSWORD = "the password of this test"


@pytest.fixture(scope="module")
def provider() -> Iterator[LoginProvider]:
    with login_provider() as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hosted")


@pytest.fixture(scope="module")
def site(home: Path, provider: LoginProvider) -> Iterator[App]:
    """The app as somebody hosts it; Streamlit reads its secrets in the home of who starts it."""
    port = free_port()
    write_secrets(home, provider.secrets(f"http://127.0.0.1:{port}") + f'[kdrinks]\nadmin_password = "{PASSWORD}"\n')
    named = {"KDRINKS_ADMINS": "boss@example.org", "HOME": str(home)}
    with running_app(home / "home", home, port, **named) as running:
        yield running


def body_of(url: str) -> bytes:
    """Of whatever status."""
    try:
        with urlopen(url, timeout=30) as answer:
            return bytes(answer.read())
    except HTTPError as refused:
        return refused.read()


def log_in(page: Page) -> None:
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_everybody_has_conversations_of_their_own(browser: Browser, site: App, home: Path) -> None:
    with visit(browser, site, locale="en-US") as one, visit(browser, site, locale="en-US") as other:
        # the very first visit: what is asked before any reload is still there after it
        ask(one, "What is sikhye?")
        expect(answers(one)).to_have_count(1)
        mine = one.get_by_role("button", name="What is sikhye?", exact=True)
        expect(mine).to_be_visible()
        one.reload()
        expect(answers(one)).to_have_count(1)
        expect(mine).to_be_visible()
        address = one.url.removeprefix(site.url)

        expect(other.get_by_text("No conversations yet.")).to_be_visible()
        other.goto(site.url + address)
        expect(other.get_by_text("There is no conversation at this address.")).to_be_visible()
        expect(other.get_by_text("What is sikhye?")).to_have_count(0)

        for path in (
            address,
            "/mine",
            "/_stcore/health",
            "/_stcore/host-config",
            "/_stcore/agent/openapi.json",
            "/media/",
        ):
            assert "What is sikhye?" not in other.request.get(site.url + path).text(), path
            assert b"What is sikhye?" not in body_of(site.url + path), "without any cookie"

        other.goto(site.url + "/drinks?edit=sikhye")
        expect(other.get_by_text("Only an administrator")).to_be_visible()
        expect(other.get_by_test_id("stForm")).to_have_count(0)

        cookies = {cookie["name"]: cookie for cookie in one.context.cookies()}
        cookie = cookies["kdrinks_visitor"]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
        over_https = urlopen(Request(site.url, headers={"X-Forwarded-Proto": "https"}), timeout=30)
        set_there = over_https.headers.get_all("Set-Cookie")
        assert not cookie["secure"] and set_there and all(one.endswith("; Secure") for one in set_there)
        token = cookie["value"].partition(".")[0].encode()
        kept = [path for path in (home / "home").rglob("*") if path.is_file()]
        assert kept and not any(token in path.read_bytes() for path in kept), "only its hash is kept"


def test_who_logs_in_with_a_verified_address_of_the_list_is_administrator(
    browser: Browser, site: App, provider: LoginProvider
) -> None:
    with visit(browser, site, "/lab", locale="en-US") as page:
        expect(page.get_by_text("Only administrators evaluate here")).to_be_visible()
        page.goto(site.url + "/models")
        expect(page.get_by_text("Only an administrator")).to_be_visible()
        expect(page.get_by_role("link", name="Models")).to_be_visible()
        expect(page.get_by_role("link", name="Evaluation")).to_have_count(0)
        provider.person = BOSS
        log_in(page)
        expect(page.get_by_text("Boss@example.org (administrator)")).to_be_visible()
        page.goto(site.url + "/models")
        expect(page.get_by_role("button", name="Load", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Evaluation")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        provider.person = {**BOSS, "email_verified": "true"}  # a text is no promise
        log_in(page)
        expect(page.get_by_text("Boss@example.org", exact=True)).to_be_visible()


def test_a_person_who_logs_in_has_the_same_conversations_in_every_browser(
    browser: Browser, site: App, provider: LoginProvider
) -> None:
    provider.person = {"sub": "2", "email": "guest@example.org", "email_verified": True}
    with visit(browser, site, locale="en-US") as one, visit(browser, site, locale="en-US") as other:
        log_in(one)
        ask(one, "How is yuja tea made?")
        expect(answers(one)).to_have_count(1)
        log_in(other)
        expect(other.get_by_role("button", name="How is yuja tea made?", exact=True)).to_be_visible()
        with_cookies = open_tab(other.context, site, "/models")
        expect(with_cookies.get_by_text("Only an administrator")).to_be_visible()


def test_who_logs_out_in_one_tab_is_no_administrator_in_the_others(
    browser: Browser, site: App, provider: LoginProvider
) -> None:
    provider.person = BOSS
    with visit(browser, site, locale="en-US") as page:
        log_in(page)
        page.goto(site.url + "/models")
        load = page.get_by_role("button", name="Load", exact=True)
        expect(load).to_be_visible()
        other = open_tab(page.context, site, "/")
        other.get_by_role("button", name="Log out").click()
        expect(other.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        load.click()  # the tab still has the connection that it was opened with
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        expect(page.get_by_text("Only an administrator")).to_be_visible()
        log_in(other)
        expect(other.get_by_text("Boss@example.org (administrator)")).to_be_visible()


def give_password(page: Page, password: str) -> None:
    field = page.get_by_label("Password", exact=True)
    if not field.is_visible():
        page.get_by_role("button", name="Administrator").click()
    field.fill(password)
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Log in").click()


def test_who_knows_the_password_is_administrator_until_they_log_out_or_close_the_browser(
    browser: Browser, site: App
) -> None:
    with visit(browser, site, "/lab", locale="en-US") as page:
        give_password(page, "not the password of this test")
        expect(page.get_by_text("This is not the password.")).to_be_visible()
        give_password(page, PASSWORD)
        expect(page.get_by_text("administrator", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_text("administrator", exact=True)).to_be_visible()
        other = open_tab(page.context, site, "/models")
        expect(other.get_by_role("button", name="Load", exact=True)).to_be_visible()

        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        assert cookies["kdrinks_session"]["expires"] == -1 and cookies["kdrinks_session"]["httpOnly"]
        closed = [cookie for name, cookie in cookies.items() if name != "kdrinks_session"]
        with visit(browser, site, locale="en-US") as reopened:
            reopened.context.clear_cookies()
            reopened.context.add_cookies(closed)  # type: ignore[arg-type]
            reopened.goto(site.url + "/models")
            expect(reopened.get_by_text("Only an administrator")).to_be_visible()

        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("button", name="Administrator")).to_be_visible()
        other.get_by_role("button", name="Load", exact=True).click()
        expect(other.get_by_text("Only an administrator")).to_be_visible()


def test_a_cookie_that_somebody_made_up_opens_nothing(browser: Browser, site: App) -> None:
    with visit(browser, site, locale="en-US") as one:
        ask(one, "What is sujeonggwa?")
        expect(answers(one)).to_have_count(1)
        address, (cookie,) = (
            one.url.removeprefix(site.url),
            [cookie for cookie in one.context.cookies() if cookie["name"] == "kdrinks_visitor"],
        )
        token, _, mac = cookie["value"].partition(".")
        for made_up in (token, f"{token}.{'0' * 32}", f"{'0' * 32}.{mac}"):
            with visit(browser, site, locale="en-US") as other:
                other.context.add_cookies([{"name": "kdrinks_visitor", "value": made_up, "url": site.url}])
                with other.expect_websocket():
                    # a made-up cookie is replaced with the page; the connection that it opens is of somebody new
                    other.goto(site.url + address)
                expect(other.get_by_role("button", name="What is sujeonggwa?", exact=True)).to_have_count(
                    1 if made_up == token else 0
                )


def test_a_visitor_sees_takes_away_and_deletes_what_is_stored_of_them(browser: Browser, site: App) -> None:
    with visit(browser, site, locale="en-US") as one, visit(browser, site, locale="en-US") as other:
        ask(one, "What is sikhye?")
        expect(answers(one)).to_have_count(1)
        one.locator("[class*='st-key-rated-'] button").first.click()
        allow = one.get_by_role("checkbox", name="May be used to improve models")
        expect(allow).not_to_be_checked()
        one.get_by_text("May be used to improve models").click()
        expect(allow).to_be_checked()
        one.reload()
        expect(allow).to_be_checked()
        one.get_by_test_id("stSidebar").get_by_role("link", name="My data").click()
        expect(one.get_by_role("heading", name="What is stored of you")).to_be_visible()
        expect(one.get_by_text("A conversation is kept until you or an administrator delete it.")).to_be_visible()
        with one.expect_download() as taken:
            one.get_by_role("button", name="Take a copy (JSON)").click()
        line = json.loads(Path(taken.value.path()).read_text(encoding="utf-8"))
        assert [said["role"] for said in line["messages"]] == ["user", "assistant"]
        assert line["messages"][0]["content"] == "What is sikhye?"
        assert line["messages"][1]["rating"] == {"good": True, "consent": True}

        other.goto(site.url + "/mine")
        expect(other.get_by_text("Nothing is stored of you.")).to_be_visible()

        one.get_by_role("button", name="Delete all of it").click()
        one.get_by_role("button", name="Delete all my conversations").click()
        expect(one.get_by_text("1 conversations were deleted.")).to_be_visible()
        expect(one.get_by_text("No conversations yet.")).to_be_visible()


@pytest.mark.parametrize(
    ("wrong", "logged_in"),
    [
        ({"aud": "another site"}, False),
        ({"iss": "https://another.example.org"}, False),
        ({"nonce": "of another log-in"}, False),
        ({"exp": 1}, False),
        ({"email_verified": False}, True),
        ({"email_verified": None}, True),
    ],
    ids=lambda one: next(iter(one)) + "-" + str(next(iter(one.values()))) if isinstance(one, dict) else "",
)
def test_a_log_in_that_was_not_meant_for_this_site_or_not_verified_makes_no_administrator(
    browser: Browser, site: App, provider: LoginProvider, wrong: dict[str, object], logged_in: bool
) -> None:
    provider.person, given = {**BOSS, **wrong}, provider.given
    with visit(browser, site, "/lab", locale="en-US") as page:
        page.get_by_role("button", name="Log in", exact=True).click()
        if logged_in:
            expect(page.get_by_text("Boss@example.org", exact=True)).to_be_visible()
        else:
            page.wait_for_url(f"{site.url}/")  # where the site sends whoever comes back from the provider
            expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        assert provider.given == given + 1, "the provider said it, and the site heard it"
        page.goto(site.url + "/lab")
        expect(page.get_by_text("Only administrators evaluate here")).to_be_visible()
