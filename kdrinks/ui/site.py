"""What a site needs before it opens: settings that make sense, a secret and somebody who can become administrator.

The only reader of the secrets (.streamlit/secrets.toml) but Streamlit itself.
"""

import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Any

import streamlit as st

from kdrinks.config import Settings, from_environment
from kdrinks.errors import BadInput, KdrinksError, StoreNotWritable
from kdrinks.i18n import LANGUAGES

MODES = ("local", "hosted")
SECRET_CHARACTERS = 16
"""At least: 64 bits even where somebody took 16 hexadecimal digits."""
PASSWORD_CHARACTERS = 12
"""At least: store.logins lets strangers try 2,880 times a day, which no list of common passwords of that length survives for long
unless it is chosen at random; the documents say so."""
_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")


def cookie_secret() -> str:
    """What visitors' cookies are signed with: cookie_secret of [kdrinks], else of [auth]; empty where neither has one."""
    return _of_section("kdrinks", "cookie_secret") or _of_section("auth", "cookie_secret")


def admin_password() -> str:
    """admin_password of [kdrinks]; empty where nobody logs in by one."""
    return _of_section("kdrinks", "admin_password")


def providers() -> list[str]:
    """The providers one can log in with; none where there are no secrets or no [auth] section in them."""
    return providers_in(st.secrets.get("auth", {})) if st.secrets.load_if_toml_exists() else []


def providers_in(auth: Mapping[str, Any]) -> list[str]:
    """The providers of an [auth] section, "" for the one without a name."""
    named = [name for name, value in auth.items() if isinstance(value, Mapping) and "client_id" in value]
    return ["", *named] if "client_id" in auth else named


def problem(settings: Settings) -> KdrinksError | None:
    """Why the app should not start with these settings; None where it may."""
    if settings.mode and settings.mode not in MODES:
        return BadInput("mode_unknown", found=settings.mode, known=", ".join(MODES))
    if unfit := [one for one in settings.proxy if not _is_network(one)]:
        return BadInput("proxy_unfit", found=", ".join(unfit))
    if unfit := sorted(one for one in settings.admins if not _ADDRESS.fullmatch(one)):
        return BadInput("admins_unfit", found=", ".join(unfit))
    if settings.hosted and not _fit(cookie_secret()):
        return BadInput("hosted_without_secret", least=SECRET_CHARACTERS)
    # whoever knows it signs a log-in of any address: Streamlit's own log-in takes it as it is
    if settings.hosted and providers() and not _fit(_of_section("auth", "cookie_secret")):
        return BadInput("auth_secret_unfit", least=SECRET_CHARACTERS)
    if settings.hosted and 0 < len(admin_password()) < PASSWORD_CHARACTERS:
        return BadInput("admin_password_short", least=PASSWORD_CHARACTERS)
    probe = settings.home / f".writable-{secrets.token_hex(4)}"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
    except OSError as exc:
        return StoreNotWritable("home_not_writable", path=settings.home, cause=exc.strerror or exc)
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return None


def told(error: KdrinksError) -> str:
    """What happened and what to do, a line for each language: whoever starts the app has chosen none yet."""
    return "\n".join(f"kdrinks: {error.message(lang)} {error.hint(lang)}" for lang in LANGUAGES)


def stands_open() -> bool:
    """Whether everybody who reaches this machine is an administrator: at home, and not on this machine alone."""
    if from_environment().hosted:
        return False
    address = str(st.get_option("server.address") or "")
    try:
        return not ip_address(address.strip("[]")).is_loopback
    except ValueError:  # a name; none at all is every address of this machine
        return address != "localhost"


def _is_network(text: str) -> bool:
    """An address or a network; uvicorn takes whatever else for a name that no connection has, and believes nobody."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _fit(secret: str) -> bool:
    """Long enough, and no sentence of some document's example."""
    return len(secret) >= SECRET_CHARACTERS and not any(one.isspace() for one in secret)


def _of_section(section: str, name: str) -> str:
    found: Any = st.secrets.get(section, {}) if st.secrets.load_if_toml_exists() else {}
    value = found.get(name, "") if isinstance(found, Mapping) else ""
    return value if isinstance(value, str) else ""
