"""What the Hugging Face Hub says about a repository: its GGUF files with sizes and hashes, its licence, their headers.

The only place where the Hub's own client is asked and its errors become ours. Nothing is downloaded here but headers.
HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN, the Hub's own login and the usual proxy variables are honoured.
"""

import io
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field

import httpx2
from huggingface_hub import HfApi, constants, get_session, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from kdrinks.errors import BadInput, HubError
from kdrinks.hub import surroundings
from kdrinks.hub.gguf import FILE_TYPES, PART, Broken, Header, read_header
from kdrinks.hub.part import Source
from kdrinks.hub.ranges import TIMEOUT
from kdrinks.hub.surroundings import check_token
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.text.typed import clean

HEADER_BLOCK_BYTES = 1 << 20
HEADER_LIMIT_BYTES = 64 << 20
"""Headers with vocabularies of 256,000 words have about 15 MB."""
_NAMES = sorted((name for name in FILE_TYPES if name != "-"), key=len, reverse=True)
_QUANTIZATION = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(_NAMES)}|FP16|FP32)(?![A-Za-z0-9])", re.IGNORECASE)


class Token:
    """A person's token for this process only: in memory, never in a repr, so in no log or traceback."""

    def __init__(self, text: str = "") -> None:
        self._text = check_token(text.strip())

    def __repr__(self) -> str:
        return "Token(***)"

    def set(self, who: Visitor, text: str) -> None:
        """Raises NotAllowed, HubError."""
        administrators_only(who)
        self._text = check_token(text.strip())

    def headers(self) -> dict[str, str]:
        """For requests to the Hub itself; the client drops it when a redirect leads to another host. Raises HubError."""
        try:
            token = self._text or check_token(get_token() or "")
        except (OSError, UnicodeDecodeError) as exc:
            raise HubError("hub_token_unreadable", file=constants.HF_TOKEN_PATH, cause=type(exc).__name__) from exc
        return {"authorization": f"Bearer {token}"} if token else {}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A GGUF of a repository; the parts of a split one count as one."""

    repo_id: str
    file: str
    """Path of the file, or of the first part, in the repository."""
    quantization: str
    """As its name says; empty when it says none."""
    size_bytes: int
    parts: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class RemoteModel:
    repo_id: str
    license: str
    gated: bool
    files: tuple[RemoteFile, ...]
    """Smallest first."""


@dataclass(slots=True)
class Hub:
    token: Token = field(default_factory=Token)
    endpoint: str = field(default_factory=lambda: surroundings.endpoint(constants.ENDPOINT))

    @property
    def shown(self) -> str:
        """The endpoint as messages tell it."""
        return surroundings.without_password(self.endpoint)

    def model(self, repo_id: str) -> RemoteModel:
        """The repository `owner/name`. Raises BadInput for another form, HubError."""
        surroundings.check(self.endpoint)
        repo_id = clean(repo_id).strip()
        bearer = self.token.headers().get("authorization", "").removeprefix("Bearer ")
        try:
            # False, not None: without a token of ours the client would look for one itself, which headers() did.
            info = HfApi(endpoint=self.endpoint, token=bearer or False).model_info(
                repo_id, files_metadata=True, timeout=20
            )
        except HFValidationError as exc:
            raise BadInput("hub_repo_unfit", repo=repo_id) from exc
        except OfflineModeIsEnabled as exc:
            raise HubError("hub_offline") from exc
        except HfHubHTTPError as exc:
            raise self.refusal(repo_id, exc.response.status_code) from exc
        except (httpx2.RequestError, httpx2.InvalidURL) as exc:
            raise HubError("hub_unreachable", host=self.shown, cause=type(exc).__name__) from exc
        except OSError as exc:  # of certificates
            raise HubError("hub_unreachable", host=self.shown, cause=f"{type(exc).__name__}: {exc.strerror}") from exc
        except json.JSONDecodeError as exc:  # a page, as of a café's network that wants a log-in first
            raise HubError("hub_unexpected", host=self.shown, cause="no JSON") from exc
        except (ValueError, KeyError, TypeError, AttributeError) as exc:  # it answered, but not as the Hub does
            raise HubError("hub_unexpected", host=self.shown, cause=f"{type(exc).__name__}: {exc}"[:200]) from exc
        groups: dict[str, list[Source]] = defaultdict(list)
        for sibling in sorted(info.siblings or (), key=lambda one: one.rfilename):
            split = PART.match(sibling.rfilename)
            if sibling.rfilename.endswith(".gguf") and sibling.size and sibling.lfs:
                url = hf_hub_url(repo_id, sibling.rfilename, revision=info.sha, endpoint=self.endpoint)
                origin = f"{repo_id}:{sibling.rfilename}"
                name = f"{split['stem']}-of-{split['parts']}" if split else sibling.rfilename
                groups[name].append(Source(url, sibling.size, sibling.lfs.sha256, origin, self.token.headers))
        files = tuple(_file(repo_id, parts) for parts in groups.values() if _whole(parts))
        card = info.card_data
        license_name = str(card.get("license") or "") if card else ""
        if license_name == "other" and card:
            license_name = str(card.get("license_name") or license_name)
        return RemoteModel(
            info.id or repo_id,
            license_name,
            bool(info.gated),
            tuple(sorted(files, key=lambda one: (one.size_bytes, one.file))),
        )

    def file(self, repo_id: str, file: str) -> RemoteFile:
        """One GGUF of a repository, by its path or its bare name. Raises BadInput, HubError."""
        model = self.model(repo_id)
        for spelled in (str, lambda name: clean(name).strip()):
            for found in model.files:
                path = spelled(found.file)
                if spelled(file) in (path, path.rpartition("/")[2]):
                    return found
        known = ", ".join(one.file for one in model.files) or "-"
        raise HubError("hub_no_file", repo=repo_id, file=file, known=known)

    def header(self, file: RemoteFile) -> Header:
        """The header of a GGUF, without its weights; tensors of the first part only. Raises HubError."""
        surroundings.check(self.endpoint)
        source = file.parts[0]
        data, broken = b"", Broken("it is empty")
        while len(data) < min(source.size_bytes, HEADER_LIMIT_BYTES):
            data += self._bytes(source, len(data), max(HEADER_BLOCK_BYTES, len(data)), file.repo_id)
            try:
                return read_header(io.BytesIO(data), source.size_bytes)
            except Broken as exc:
                broken = exc
        raise HubError("hub_no_header", file=source.origin, reason=broken)

    def _bytes(self, source: Source, start: int, count: int, repo_id: str) -> bytes:
        end = min(start + count, source.size_bytes) - 1
        headers = {**source.headers(), "range": f"bytes={start}-{end}", "accept-encoding": "identity"}
        try:
            with get_session().stream("GET", source.url, headers=headers, timeout=TIMEOUT) as response:
                if response.status_code == 200:
                    kind = response.headers.get("content-type", "HTTP 200")
                    raise HubError("hub_unexpected", host=response.url.host, cause=kind)
                if response.status_code != 206:
                    raise self.refusal(repo_id, response.status_code)
                return response.read()
        except OfflineModeIsEnabled as exc:
            raise HubError("hub_offline") from exc
        except httpx2.RequestError as exc:
            raise HubError("hub_unreachable", host=self.shown, cause=type(exc).__name__) from exc

    def refusal(self, repo_id: str, status: int) -> HubError:
        """What an HTTP status means for a person."""
        page = f"{self.shown}/{repo_id}"
        if status == 401:
            return HubError("hub_unauthorized", repo=repo_id, page=f"{self.shown}/settings/tokens")
        if status == 403:
            return HubError("hub_gated", repo=repo_id, page=page)
        if status == 404:
            return HubError("hub_not_found", repo=repo_id, page=page)
        if status == 429:
            return HubError("hub_busy", host=self.shown)
        return HubError("hub_failed", host=self.shown, status=status)


def quantization_of(name: str) -> str:
    """The quantization that a file name tells; empty when it tells none."""
    found = _QUANTIZATION.findall(name)
    return found[-1].upper().replace("FP", "F") if found else ""


def _file(repo_id: str, parts: list[Source]) -> RemoteFile:
    path = parts[0].origin.removeprefix(f"{repo_id}:")
    return RemoteFile(repo_id, path, quantization_of(path), sum(one.size_bytes for one in parts), tuple(parts))


def _whole(parts: list[Source]) -> bool:
    split = PART.match(parts[0].origin)
    return not split or len(parts) == int(split["parts"])
