"""What the environment says about the way to the Hub: its address, proxies, certificates and token, each checked before it is used.

The Hub's client and HTTP find a slip there in the middle of their work, or when they are imported, and end in a traceback.
Imports neither: the package has this module run before them.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from kdrinks.errors import HubError
from kdrinks.files import is_regular
from kdrinks.given import shortened

_WAITS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT")
_CERTIFICATES = "SSL_CERT_FILE"
_TOKEN = re.compile(r"[!-~]+")
"""What a header may hold: ASCII without blanks."""
_unfit: dict[str, str] = {}
"""Variables taken out of the environment, without which the Hub's client can be imported."""


def prepare() -> None:
    """Takes out of the environment what would keep the Hub's client from being imported; check() tells of it."""
    if "HF_ENDPOINT" in os.environ and not _is_web_address(os.environ["HF_ENDPOINT"].strip()):
        _unfit["HF_ENDPOINT"] = os.environ.pop("HF_ENDPOINT")
    for name in _WAITS:
        if name in os.environ and not re.fullmatch(r"\s*[0-9]{1,9}\s*", os.environ[name]):
            _unfit[name] = os.environ.pop(name)


def endpoint(usual: str) -> str:
    """The Hub's address without a slash at its end, whether or not it can be used."""
    return (os.environ.get("HF_ENDPOINT") or _unfit.get("HF_ENDPOINT", "")).strip().rstrip("/") or usual


def check(endpoint: str) -> None:
    """Raises HubError naming the first variable that holds what nobody can use, and what it should hold."""
    if not _is_web_address(endpoint):
        raise _unusable("HF_ENDPOINT", endpoint, "https://huggingface.co")
    for name in _WAITS:
        if name in _unfit:
            raise _unusable(name, _unfit[name], "10")
    for scheme, address in getproxies().items():
        if scheme in ("http", "https", "all") and not _is_web_address(
            address if "://" in address else f"http://{address}"
        ):
            name = f"{scheme}_proxy"
            raise _unusable(name if name in os.environ else name.upper(), address, "http://proxy.example.org:3128")
    certificates = os.environ.get(_CERTIFICATES)
    if certificates and not is_regular(Path(certificates)):
        raise _unusable(_CERTIFICATES, Path(certificates).name, "/etc/ssl/certs/ca-certificates.crt")


def check_token(token: str) -> str:
    """The token, as it can stand in a header. Raises HubError; the token is in no message."""
    if token and not _TOKEN.fullmatch(token):
        raise HubError("hub_token_unfit")
    return token


def without_password(address: str) -> str:
    """An address as messages tell it."""
    return re.sub(r"//[^/@]*@(?=[^/])|//[^/]*@", "//", address)


def _unusable(variable: str, value: str, form: str) -> HubError:
    return HubError("hub_variable_unfit", variable=variable, value=shortened(without_password(value)), form=form)


def _is_web_address(address: str) -> bool:
    """Whether it is one of http or https that can be asked."""
    try:
        parts = urlsplit(address)
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:  # UnicodeError too: a name with an empty part, or with one of more than 63 letters
        return False
    fits = parts.scheme in ("http", "https") and re.fullmatch(rb"[A-Za-z0-9._:-]+", host)
    return bool(fits) and not re.search(r"[\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\ufeff]", address)
