"""One question to the Hub and its answer: at most so many bytes, within so much time, and one kind of error for all that goes wrong.

What answers may be anything: the page of a network that wants a log-in first, a proxy, a redirect in a circle. Knows addresses and
statuses, nothing of what a Hub means by them.
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
from huggingface_hub import get_session
from huggingface_hub.errors import OfflineModeIsEnabled

from kdrinks.errors import HubError
from kdrinks.given import shortened
from kdrinks.hub import surroundings

TIMEOUT = httpx2.Timeout(20.0, connect=10.0)
LIMIT_BYTES = 32 << 20
"""Of an answer in JSON; the Hub's on its largest repositories have about 2 MB."""
LIMIT_S = 60.0
"""For one answer: each byte in time is not enough."""


def document(
    address: str, refusal: Callable[[int], HubError], *, headers: Mapping[str, str], params: Mapping[str, Any]
) -> Any:
    """What a question of the Hub's API is answered with. refusal: the error for a status. Raises HubError."""
    with (
        told(address),
        get_session().stream("GET", address, params=dict(params), headers=dict(headers), timeout=TIMEOUT) as response,
    ):
        if response.status_code != 200:
            raise refusal(response.status_code)
        data = _read(response.iter_bytes(), LIMIT_BYTES + 1)
        if len(data) > LIMIT_BYTES:
            raise unexpected(address, f"more than {LIMIT_BYTES >> 20} MB")
        return json.loads(data)


def some_bytes(
    address: str, start: int, count: int, refusal: Callable[[int], HubError], *, headers: Mapping[str, str]
) -> bytes:
    """A range of a file, never more than was asked for. Raises HubError."""
    asked = {**headers, "range": f"bytes={start}-{start + count - 1}", "accept-encoding": "identity"}
    with told(address), get_session().stream("GET", address, headers=asked, timeout=TIMEOUT) as response:
        if response.status_code == 200:
            raise unexpected(str(response.url), response.headers.get("content-type", "HTTP 200"))
        if response.status_code != 206:
            raise refusal(response.status_code)
        check_range(response, start)
        return _read(response.iter_raw(), count)


def check_range(response: httpx2.Response, start: int) -> None:
    """Raises HubError when a part was sent that begins elsewhere than asked."""
    given = response.headers.get("content-range", "")
    if given and not given.lower().startswith(f"bytes {start}-"):
        raise unexpected(str(response.url), shortened(given))


@contextmanager
def told(address: str) -> Iterator[None]:
    """Whatever asking an address raises, as HubError."""
    try:
        yield
    except OfflineModeIsEnabled as exc:
        raise HubError("hub_offline") from exc
    except json.JSONDecodeError as exc:  # a page, as of a café's network that wants a log-in first
        raise unexpected(address, "no JSON") from exc
    except (httpx2.TooManyRedirects, httpx2.UnsupportedProtocol, httpx2.DecodingError) as exc:
        raise unexpected(address, type(exc).__name__) from exc
    except (httpx2.RequestError, httpx2.InvalidURL) as exc:
        raise HubError("hub_unreachable", host=_host(address), cause=type(exc).__name__) from exc
    except (ssl.SSLError, OSError) as exc:  # of certificates
        cause = f"{type(exc).__name__}: {exc.strerror or 'SSL'}"
        raise HubError("hub_unreachable", host=_host(address), cause=cause) from exc
    except (ValueError, TypeError, RecursionError) as exc:  # no text, or a list in a list in a list
        raise unexpected(address, type(exc).__name__) from exc


def unexpected(address: str, cause: str) -> HubError:
    """For what no Hub answers."""
    return HubError("hub_unexpected", host=_host(address), cause=cause)


def _host(address: str) -> str:
    """An address's beginning, without a password and a path."""
    scheme, mark, rest = surroundings.without_password(address).partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0]}"


def _read(pieces: Iterator[bytes], most: int) -> bytes:
    """Raises TimeoutError, an OSError, when it takes longer than LIMIT_S."""
    data, ends = bytearray(), time.monotonic() + LIMIT_S
    for piece in pieces:
        data += piece
        if len(data) >= most:
            break
        if time.monotonic() > ends:
            raise TimeoutError(None, f"no end after {LIMIT_S:.0f} s")
    return bytes(data[:most])
