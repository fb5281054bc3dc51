"""Which settings the app starts with, and what it says of those that it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import streamlit as st

from kdrinks.config import ROOT, Settings, from_environment
from kdrinks.ui import site, start
from tests.support.app_pages import open_app, shown
from tests.support.running_app import SECRET, free_port


@pytest.mark.parametrize(
    ("mode", "admins", "hosted"),
    [
        ("", "", False),
        ("", "boss@example.org", True),
        ("local", "boss@example.org", False),
        ("hosted", "", True),
        (" Hosted ", "", True),
    ],
)
def test_a_site_is_hosted_where_its_settings_say_so(
    monkeypatch: pytest.MonkeyPatch, mode: str, admins: str, hosted: bool
) -> None:
    monkeypatch.setenv("KDRINKS_MODE", mode)
    monkeypatch.setenv("KDRINKS_ADMINS", admins)
    assert from_environment().hosted is hosted


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """What the secrets say, to be filled."""
    said: dict[str, dict[str, str]] = {}
    monkeypatch.setattr(site, "_of_section", lambda section, name: said.get(section, {}).get(name, ""))
    return said


def key_of(settings: Settings) -> str:
    wrong = site.problem(settings)
    return wrong.key if wrong else ""


def test_each_wrong_setting_is_named(tmp_path: Path, secrets: dict[str, dict[str, str]]) -> None:
    good = Settings(tmp_path, tmp_path, frozenset({"boss@example.org"}), mode="hosted")
    assert key_of(Settings(tmp_path, tmp_path, mode="public")) == "mode_unknown"
    for unfit in ("boss", "@example.org", "boss@", "boss@exa mple.org", ",", "a@b@c"):
        assert key_of(Settings(tmp_path, tmp_path, frozenset({unfit}))) == "admins_unfit", unfit
    assert key_of(good) == "hosted_without_secret"
    secrets["kdrinks"] = {"cookie_secret": "short"}
    assert key_of(good) == "hosted_without_secret"
    secrets["auth"] = {"cookie_secret": SECRET}
    assert key_of(good) == "hosted_without_secret", "the nearer one counts"
    secrets["kdrinks"] = {"cookie_secret": "16 random characters or more"}
    assert key_of(good) == "hosted_without_secret", "a sentence of the documents is known to everybody"
    secrets["kdrinks"] = {"admin_password": "short"}
    assert key_of(good) == "admin_password_short"
    secrets["kdrinks"] = {"admin_password": "long enough to be one"}
    assert not key_of(good) and not list(tmp_path.iterdir()), "and nothing is left behind"
    assert not key_of(Settings(tmp_path, tmp_path)), "at home nobody needs a secret"
    (tmp_path / "file").touch()
    assert key_of(Settings(tmp_path / "file" / "home", tmp_path)) == "home_not_writable"


def test_the_secret_of_log_ins_is_looked_at_where_there_are_log_ins(
    tmp_path: Path, secrets: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    site_of_ours = Settings(tmp_path, tmp_path, frozenset({"boss@example.org"}))
    secrets.update(
        kdrinks={"cookie_secret": SECRET}, auth={"cookie_secret": "long and random: it signs who is logged in"}
    )
    assert not key_of(site_of_ours), "nobody logs in by it"
    monkeypatch.setattr(site, "providers", lambda: [""])
    assert key_of(site_of_ours) == "auth_secret_unfit"
    secrets["auth"] = {"cookie_secret": "0123456789abcdef"}
    assert not key_of(site_of_ours)


@pytest.mark.parametrize(
    ("proxy", "key"),
    [("172.18.0.2", ""), ("172.18.0.0/16", ""), ("172.18.0.1/16", "proxy_unfit"), ("nginx", "proxy_unfit")],
)
def test_a_proxy_is_an_address_or_a_network(tmp_path: Path, proxy: str, key: str) -> None:
    assert key_of(Settings(tmp_path, tmp_path, proxy=(proxy,))) == key


@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        ({"KDRINKS_MODE": "public"}, ["‘public’", "KDRINKS_MODE has no value “public”. It can be local, hosted."]),
        (
            {"KDRINKS_ADMINS": "boss"},
            ["전자우편 주소가 아닌 것", "KDRINKS_ADMINS names what is no e-mail address: boss"],
        ),
        ({"KDRINKS_MODE": "hosted"}, ["비밀값이 없습니다", "A site for others needs a secret"]),
    ],
)
def test_an_app_with_wrong_settings_does_not_start_and_says_why_in_both_languages(
    tmp_path: Path, settings: dict[str, str], sentences: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={free_port()}", "--server.headless=true"],
        cwd=ROOT,
        env={
            **os.environ,
            "KDRINKS_HOME": str(tmp_path / "home"),
            "HOME": str(tmp_path),
            "PYTHONUTF8": "1",
            **settings,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("kdrinks: ")]
    assert len(said) == 2 and all(sentence in line for sentence, line in zip(sentences, said, strict=True))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.0.7", "", "example.org"])
def test_at_home_on_another_address_it_is_said_that_whoever_opens_the_app_is_administrator(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    assert any("is an administrator" in warning.value for warning in open_app("en-US").warning)
    start.warn_of_administrators(from_environment())
    said = [record.message for record in caplog.records if record.name == start.log.name]
    assert ["누구나 관리자" in message for message in said] == [True]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_this_machine_alone_nothing_is_said(home: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    assert not site.stands_open() and "administrator" not in shown(open_app("en-US"))


def test_a_hosted_site_says_nothing_of_its_address_and_warns_where_nobody_can_administer_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    secrets: dict[str, dict[str, str]],
) -> None:
    monkeypatch.setattr(st, "get_option", {"server.address": "0.0.0.0"}.get)
    monkeypatch.setenv("KDRINKS_MODE", "hosted")
    monkeypatch.setattr(site, "providers", list)
    start.warn_of_administrators(Settings(tmp_path, tmp_path, mode="hosted"))
    start.warn_of_administrators(Settings(tmp_path, tmp_path, frozenset({"boss@example.org"})))
    assert ["nobody can become administrator" in record.message for record in caplog.records] == [True, True]
    secrets["kdrinks"] = {"admin_password": "long enough to be one"}
    start.warn_of_administrators(Settings(tmp_path, tmp_path, mode="hosted"))
    secrets.clear()
    monkeypatch.setattr(site, "providers", lambda: [""])
    start.warn_of_administrators(Settings(tmp_path, tmp_path, frozenset({"boss@example.org"})))
    assert len(caplog.records) == 2
