"""A hosted site in real browsers: everybody has conversations of their own, and administrators log in."""

from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.login_provider import LoginProvider, login_provider
from tests.support.running_app import App, answers, ask, free_port, needs_chromium, open_tab, running_app, visit

pytestmark = [pytest.mark.browser, needs_chromium]

BOSS = {"sub": "1", "email": "Boss@example.org", "email_verified": True}


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
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text(provider.secrets(f"http://127.0.0.1:{port}"))
    named = {"KDRINKS_ADMINS": "boss@example.org", "HOME": str(home)}
    with running_app(home / "home", home, port, **named) as running:
        yield running


def log_in(page: Page) -> None:
    page.get_by_role("button", name="Log in").click()
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

        other.goto(site.url + "/drinks?edit=sikhye")
        expect(other.get_by_text("Only an administrator")).to_be_visible()
        expect(other.get_by_test_id("stForm")).to_have_count(0)

        cookies = {cookie["name"]: cookie for cookie in one.context.cookies()}
        cookie = cookies["kdrinks_visitor"]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
        over_https = urlopen(Request(site.url, headers={"X-Forwarded-Proto": "https"}), timeout=30)
        assert not cookie["secure"] and over_https.headers["Set-Cookie"].endswith("; Secure")
        token = cookie["value"].encode()
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
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
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
        expect(other.get_by_role("button", name="Log in")).to_be_visible()
        load.click()  # the tab still has the connection that it was opened with
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        expect(page.get_by_text("Only an administrator")).to_be_visible()
        log_in(other)
        expect(other.get_by_text("Boss@example.org (administrator)")).to_be_visible()
