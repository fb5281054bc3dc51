"""Who visits a hosted site: a random cookie that the first page sets and signs, or the log-in; only a hash of either leaves this module.

Knows ASGI and Starlette, no Streamlit. At home nobody gets a cookie: everybody is the administrator.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kdrinks.records import Visitor

COOKIE = "kdrinks_visitor"
SESSION_COOKIE = "kdrinks_session"
"""Goes when the browser is closed: who logged in by a password is known by it."""
_TOKEN = re.compile(r"[0-9a-f]{32}")
_SIGNED = re.compile(r"(?P<token>[0-9a-f]{32})\.(?P<mac>[0-9a-f]{32})")
YEAR_S = 365 * 86400


class VisitorCookie:
    """ASGI middleware: gives a browser without a cookie that is signed here one with its page, so that the WebSocket that the page
    opens has it.

    secret: signs them; another one makes everybody a new visitor.   path: under which the app is served (Streamlit's server.baseUrlPath).
    sessions: whether to give a cookie for the time that the browser is open, too.
    is_known: whether a visitor was here before. Until cookies were signed theirs were a token alone: such a browser gets its own token
    signed and keeps its conversations; a token that nobody knows is as none.
    """

    def __init__(
        self,
        app: ASGIApp,
        secret: str,
        path: str = "",
        *,
        sessions: bool = False,
        is_known: Callable[[Visitor], bool] = lambda visitor: False,
    ) -> None:
        self._app = app
        self._secret = secret
        self._path = "/" + path.strip("/")
        self._ages: dict[str, int | None] = {COOKIE: YEAR_S, **({SESSION_COOKIE: None} if sessions else {})}
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = HTTPConnection(scope).cookies if scope["type"] == "http" else {}
        lacking = [name for name in self._ages if not token_in(sent.get(name), name, self._secret)]
        if scope["type"] != "http" or not lacking:
            await self._app(scope, receive, send)
            return
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                # 304: the browser kept the page and lost the cookie
                if headers.get("content-type", "").startswith("text/html") or (message["status"] == 304 and wants_page):
                    for name in lacking:
                        old = sent.get(name, "")
                        kept = name == COOKIE and await self._was_here(old)
                        token = old if kept else secrets.token_hex(16)
                        headers.append("set-cookie", self._cookie(name, token, secure=scope["scheme"] == "https"))
                    # a proxy that kept this answer would make one visitor of many
                    headers["cache-control"] = "no-store, private"
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    async def _was_here(self, old: str) -> bool:
        return bool(_TOKEN.fullmatch(old)) and await run_in_threadpool(self._is_known, of_token(old))

    def _cookie(self, name: str, token: str, *, secure: bool) -> str:
        age_s = self._ages[name]
        parts = [
            f"{name}={signed(token, name, self._secret)}",
            "HttpOnly",
            "SameSite=Lax",
            f"Path={self._path}",
            *([f"Max-Age={age_s}"] if age_s else []),
            *(["Secure"] if secure else []),
        ]
        return "; ".join(parts)


def signed(token: str, name: str, secret: str) -> str:
    """What the cookie of this name holds."""
    return f"{token}.{_mac(token, name, secret)}"


def token_in(value: object, name: str, secret: str) -> str:
    """The token of a cookie that was signed here for this name; empty for anything else, and where there is no secret."""
    found = _SIGNED.fullmatch(value) if secret and isinstance(value, str) else None
    return found["token"] if found and hmac.compare_digest(found["mac"], _mac(found["token"], name, secret)) else ""


def _mac(token: str, name: str, secret: str) -> str:
    """128 bits of HMAC-SHA-256; the name is in it, so that no cookie passes for another."""
    return hmac.new(secret.encode(), f"{name}\n{token}".encode(), "sha256").hexdigest()[:32]


def of_token(token: str) -> Visitor:
    """The visitor with this cookie."""
    return Visitor(_hash("cookie", token))


def of_login(user: Mapping[str, Any], admins: Collection[str]) -> Visitor | None:
    """Who is logged in, the same in every browser; None when nobody is. user: the claims of st.user.

    An administrator is whose address the provider calls verified, by the very word true: a missing one or a text is no promise.
    """
    if user.get("is_logged_in") is not True:
        return None
    issuer, subject, email = (str(user.get(name) or "") for name in ("iss", "sub", "email"))
    if not subject:
        return None
    # in small letters only where all are ASCII: the Kelvin sign, another letter to a provider, would become a k
    address = email.lower() if email.isascii() else email
    administrator = user.get("email_verified") is True and address in admins
    return Visitor(_hash("login", issuer, subject), administrator)


def login_of(user: Mapping[str, Any]) -> str:
    """One log-in of one person, for as long as it lasts; empty where the claims do not tell it from their other ones."""
    return _hash("log-in", *(str(user.get(name)) for name in ("iss", "sub", "iat"))) if user.get("iat") else ""


def session_of(token: str, password: str) -> str:
    """The name under which the store keeps that somebody logged in by this password; another password ends it."""
    return _hash("session", token, password)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
