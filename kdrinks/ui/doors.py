"""What strangers may not reach on the way to the pages: uploads of visitors, Streamlit's own figures, and headers that browsers obey.

ASGI middleware; knows no Streamlit. Who may read figures is decided here for the routes of watch_routes.py too.
"""

import hmac
from collections.abc import Callable
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

YEAR_S = 365 * 86400
UPLOAD, FIGURES = "/_stcore/upload_file/", "/_stcore/metrics"
FORWARDED = ("x-forwarded-for", "forwarded", "via", "x-real-ip")


class SafeHeaders:
    """With every answer: a type is what it says, addresses of conversations are told to no other site, and what came over TLS stays there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "same-origin"
                if scope["scheme"] == "https":
                    headers["strict-transport-security"] = f"max-age={YEAR_S}"
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class ClosedDoors:
    """may_upload: whether a session's visitor has a field for files; Streamlit's address takes them from any session, into memory.

    token: of Settings.metrics_token, with which alone Streamlit's own figures are read.
    """

    def __init__(self, app: ASGIApp, may_upload: Callable[[str], bool], token: str = "") -> None:
        self._app = app
        self._may_upload = may_upload
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path.endswith(FIGURES) and not has_token(HTTPConnection(scope), self._token):
                await PlainTextResponse("Not Found", 404)(scope, receive, send)
                return
            session = path.partition(UPLOAD)[2].partition("/")[0]
            if session and scope["method"] == "PUT" and not self._may_upload(session):
                await PlainTextResponse("Only administrators upload files here.", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def may_read_figures(request: HTTPConnection, token: str) -> bool:
    """With the token where one is set; else from this machine alone, and not what a proxy on it hands on."""
    if token:
        return has_token(request, token)
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def has_token(request: HTTPConnection, token: str) -> bool:
    """Whether it sends the token, `Authorization: Bearer …`; False where none is set. As slow for one that is nearly right."""
    given = Headers(scope=request.scope).get("authorization", "")
    return bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
