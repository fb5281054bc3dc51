"""Logging in with an OpenID Connect provider that was not written here: its own form, PKCE, its own tokens."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.running_app import (
    SECRET,
    App,
    free_port,
    needs_chromium,
    open_tab,
    running_app,
    visit,
    write_secrets,
)
from tests.support.wait import eventually

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    pytest.mark.skipif(find_spec("oidc_provider_mock") is None, reason="no oidc-provider-mock (requirements-dev.txt)"),
]
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Provider:
    url: str

    def tell(self, sub: str, **claims: object) -> None:
        """What it will say of this person from now on."""
        body = json.dumps(claims).encode()
        headers = {"Content-Type": "application/json"}
        urlopen(Request(f"{self.url}/users/{quote(sub)}", body, headers, method="PUT"), timeout=PATIENCE_S).close()

    def answers(self) -> bool:
        try:
            urlopen(f"{self.url}/.well-known/openid-configuration", timeout=PATIENCE_S).close()
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    port = free_port()
    running = Provider(f"http://localhost:{port}")
    process = subprocess.Popen([sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--host", "localhost"])
    try:
        assert eventually(running.answers, PATIENCE_S)
        yield running
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[App]:
    home, port = tmp_path_factory.mktemp("site"), free_port()
    write_secrets(
        home,
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{SECRET}"\nclient_id = "kdrinks"\n'
        f'client_secret = "none"\nserver_metadata_url = "{provider.url}/.well-known/openid-configuration"\n',
    )
    settings = {"KDRINKS_ADMINS": "boss@example.org", "HOME": str(home)}
    with running_app(home / "home", Path(home), port, **settings) as running:
        yield running


def log_in(page: Page, sub: str) -> None:
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_placeholder("sub").fill(sub)
    page.get_by_role("button", name="Authorize", exact=True).click()


def test_an_administrator_logs_in_is_one_in_another_tab_and_in_none_after_logging_out(
    browser: Browser, site: App, provider: Provider
) -> None:
    provider.tell("1", email="Boss@example.org", email_verified=True)
    with visit(browser, site, locale="en-US") as page:
        log_in(page, "1")
        expect(page.get_by_text("Boss@example.org (administrator)")).to_be_visible()
        other = open_tab(page.context, site, "/models")
        load = other.get_by_role("button", name="Load", exact=True)
        expect(load).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(re.compile("/oauth2/end_session"))
        page.goto(site.url)  # the provider asks whether to log out there, too
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        load.click()
        expect(other.get_by_text("Only an administrator")).to_be_visible()


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "boss@example.org", "email_verified": False},
        {"email": "boss@example.org"},
        {"email": "boss@example.org", "email_verified": "true"},
        {"email": "guest@example.org", "email_verified": True},
    ],
    ids=str,
)
def test_whose_address_is_another_or_not_verified_is_a_visitor(
    browser: Browser, site: App, provider: Provider, claims: dict[str, object]
) -> None:
    provider.tell("2", **claims)
    with visit(browser, site, "/lab", locale="en-US") as page:
        log_in(page, "2")
        expect(page.get_by_text(str(claims["email"]), exact=True)).to_be_visible()
        page.goto(site.url + "/lab")
        expect(page.get_by_text("Only administrators evaluate here")).to_be_visible()


def test_whoever_is_refused_at_the_provider_stays_a_visitor(browser: Browser, site: App) -> None:
    with visit(browser, site, locale="en-US") as page:
        page.get_by_role("button", name="Log in", exact=True).click()
        page.get_by_role("button", name="Deny").click()
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
