"""A content security policy with every answer of the server: the browser asks nobody but this server, whatever stands on a page.

The second wall: texts are made harmless before they are shown (markdown_text.py), and this holds where one is forgotten.
Inline are one script of Streamlit's page, ours (st.html) and every style, which Streamlit makes at run time; pictures and a font come as
data:, a chart that is saved as blob:. Nothing is evaluated: Streamlit has Vega interpret its charts. Links stay links: a policy has no word
against a click. No page but our own shows the app in a frame, where a click on it could be a click on something else, but for those of
KDRINKS_FRAMES: some hosts do.
"""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "font-src 'self' data:",
        # the page's own WebSocket is 'self' too
        "connect-src 'self'",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
    )
)


class ContentPolicy:
    """ASGI middleware; leaves an answer that has a stricter policy of its own. frames: as Settings.frames."""

    def __init__(self, app: ASGIApp, frames: Iterable[str] = ()) -> None:
        self._app = app
        self._policy = "; ".join((POLICY, " ".join(("frame-ancestors 'self'", *frames))))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message.setdefault("headers", [])).setdefault(
                    "content-security-policy", self._policy
                )
            await send(message)

        await self._app(scope, receive, send_with_policy if scope["type"] == "http" else send)
