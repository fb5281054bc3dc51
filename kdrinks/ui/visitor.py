"""Who visits a hosted site: a random cookie that the first page sets, or the log-in; only a hash of either leaves this module.

Knows ASGI and Starlette, no Streamlit. At home nobody gets a cookie: everybody is the administrator.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kdrinks.records import Visitor

COOKIE = "kdrinks_visitor"
_TOKEN = re.compile(r"[0-9a-f]{32}")
YEAR_S = 365 * 86400


class VisitorCookie:
    """ASGI middleware: gives a browser without a visitor's cookie one with its page, so that the WebSocket that the page opens has it.

    path: under which the app is served (Streamlit's server.baseUrlPath).
    """

    def __init__(self, app: ASGIApp, path: str = "") -> None:
        self._app = app
        self._path = "/" + path.strip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_token(HTTPConnection(scope).cookies.get(COOKIE)):
            await self._app(scope, receive, send)
            return
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                # 304: the browser kept the page and lost the cookie
                if headers.get("content-type", "").startswith("text/html") or (message["status"] == 304 and wants_page):
                    headers.append("set-cookie", self._cookie(secure=scope["scheme"] == "https"))
                    # a proxy that kept this answer would make one visitor of many
                    headers["cache-control"] = "no-store, private"
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _cookie(self, *, secure: bool) -> str:
        parts = [
            f"{COOKIE}={secrets.token_hex(16)}",
            "HttpOnly",
            "SameSite=Lax",
            f"Path={self._path}",
            f"Max-Age={YEAR_S}",
        ]
        return "; ".join([*parts, "Secure"] if secure else parts)


def is_token(value: object) -> bool:
    """Whether this is a cookie of ours, as far as one can see."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


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


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
