"""Answers to known host names only, for pages, files, uploads and the WebSocket alike; any other gets status 421 and a page that says why.

A web site can let its own name lead to this machine (DNS rebinding), and what it then reads and asks here would pass as its own. But
the browser still sends that name. So a numeric address is always good, and a name when it is this machine's own or KDRINKS_HOSTS has it.
Knows ASGI and Starlette, no Streamlit; changes nothing that it lets pass but the Host of a WebSocket, see _with_host.
"""

import html
import re
import socket
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kdrinks.errors import BadInput, KdrinksError
from kdrinks.i18n import LANGUAGES

_HOST = re.compile(r"(?P<name>\[[0-9a-z:.%_-]+\]|[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?)(?::(?P<port>[0-9]{0,5}))?")
_SHOWN = 255
"""Characters of a malformed header that the page repeats; a name has no more."""
HOSTS_FILE = Path("/etc/hosts")
_PAGE = """<!doctype html>
<html lang="ko"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>kdrinks</title>
<style>
:root {{ color-scheme: light dark }}
body {{ max-width: 36rem; margin: 12vh auto; padding: 0 1.25rem; font: 1rem/1.7 sans-serif; word-break: keep-all; overflow-wrap: anywhere }}
h1 {{ font-size: 1.25rem }} code {{ font-weight: 700 }} section + section {{ margin-top: 2.5rem }}
</style>
{sections}
</html>
"""


class KnownHosts:
    """ASGI middleware; hosts: as Settings.hosts."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._named = frozenset(_normal(one) for one in hosts)
        self._known = self._named | own_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if error := self._host_error(scope, headers):
            await _refuse(error, 421, scope, receive, send)
        elif scope["type"] == "websocket" and (error := self._origin_error(headers)):
            await _refuse(error, 403, scope, receive, send)
        else:
            await self._app(_with_host(scope, headers), receive, send)

    def _host_error(self, scope: Scope, headers: Headers) -> KdrinksError | None:
        given = headers.getlist("host")
        if not given and scope["http_version"] == "1.0" and scope["path"].endswith("/_stcore/health"):
            # Load balancers ask so, and no browser does: the answer is "ok" and nothing else.
            return None
        name = name_of(given[0]) if len(given) == 1 else None
        if name is None:
            return BadInput("host_malformed", found=", ".join(given)[:_SHOWN] or "–")
        return None if self._is_known(name) else BadInput("host_unknown", name=name)

    def _is_known(self, name: str) -> bool:
        return (
            name == "localhost"
            or name.endswith(".localhost")
            or _is_address(name)
            or any(one in ("*", name) or (one.startswith("*.") and name.endswith(one[1:])) for one in self._known)
        )

    def _origin_error(self, headers: Headers) -> KdrinksError | None:
        """None for a page of this app: of the same name, of this machine, or of a name in KDRINKS_HOSTS where a proxy sends its own Host.

        An address is no reason here, for a foreign page can have one; and any page can be under a name with a star.
        Streamlit would refuse the rest too, but asks checkip.amazonaws.com for this machine's address first.
        """
        given = headers.getlist("origin")
        if not given:  # no browser: those always send it
            return None
        name = name_of(urlsplit(given[0]).netloc) if len(given) == 1 and _splits(given[0]) else None
        if name and (name in (name_of(headers["host"]), "localhost", "127.0.0.1", "[::1]") or name in self._named):
            return None
        return BadInput("origin_unknown", name=name or (", ".join(given)[:_SHOWN]))


def name_of(host: str) -> str | None:
    """The name or address in a Host header, in small letters, without port and final dot; None for a malformed one."""
    match = _HOST.fullmatch(host.strip(" \t").lower())
    if not match or int(match["port"] or 0) > 65535 or len(match["name"]) > _SHOWN:
        return None
    name = match["name"].removesuffix(".")
    return None if name.startswith("[") and not _is_address(name) else name


def own_names() -> frozenset[str]:
    """What this machine is called: by itself, in the local network (mDNS), and with its domain in the file of hosts.

    No name server is asked: that would be slow without a network, and in a strange one its answer is a stranger's.
    """
    name = _normal(socket.gethostname())
    short = name.partition(".")[0]
    try:
        lines = HOSTS_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    listed = {_normal(word) for line in lines for word in line.partition("#")[0].split()[1:]}
    return frozenset({name, short, f"{short}.local", *(one for one in listed if one.partition(".")[0] == short)})


def _normal(setting: str) -> str:
    """A name as name_of gives it, of what a person wrote: perhaps an address line, in Korean, or with a port."""
    text = re.sub(r"^[a-z]+://", "", setting.strip().lower()).partition("/")[0]
    try:
        text = text.encode("idna").decode("ascii")
    except UnicodeError:
        pass  # no name at all, so no request has it either
    return re.sub(r":[0-9]*$", "", text).removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        return bool(IPv6Address(name[1:-1]) if name.startswith("[") else ip_address(name))
    except ValueError:
        return False


def _splits(url: str) -> bool:
    try:
        return bool(urlsplit(url).netloc)
    except ValueError:
        return False


def _with_host(scope: Scope, headers: Headers) -> Scope:
    """The WebSocket's request with the Host that the page was opened by, which Streamlit wants to be the same to the letter.

    A proxy may have sent its own or left out the port; what is in Origin was checked.
    """
    if scope["type"] != "websocket" or "origin" not in headers:
        return scope
    opened = urlsplit(headers["origin"]).netloc.encode("latin-1")
    return {**scope, "headers": [(key, opened if key == b"host" else value) for key, value in scope["headers"]]}


async def _refuse(error: KdrinksError, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})  # the server makes 403 of it
        return
    name = error.values.get("name")
    setting = f"<p><code>KDRINKS_HOSTS={html.escape(str(name))}</code></p>" if name else ""
    sections = "\n".join(
        f'<section lang="{lang}"><h1>{html.escape(error.message(lang))}</h1><p>{html.escape(error.hint(lang))}</p>{setting}</section>'
        for lang in LANGUAGES
    )
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
    response = HTMLResponse(_PAGE.format(sections=sections), status, headers=policy)
    await response(scope, receive, send)
