"""What the Hugging Face Hub says about a repository: its GGUF files with sizes and hashes, its licence, their headers.

The only place where the Hub's own client is asked and its errors become ours. Nothing is downloaded here but headers.
HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN, the Hub's own login and the usual proxy variables are honoured.
"""

import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import constants, get_token, hf_hub_url
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from kdrinks.errors import BadInput, HubError
from kdrinks.hub import answers, surroundings
from kdrinks.hub.gguf import FILE_TYPES, PART, Broken, Header, read_header, read_values
from kdrinks.hub.part import Source
from kdrinks.hub.surroundings import check_token
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.text.typed import clean

HEAD_BYTES = 64 << 10
"""Of a file: enough for all that its header says before the words of the vocabulary."""
HEADER_BLOCK_BYTES = 1 << 20
HEADER_LIMIT_BYTES = 64 << 20
"""Headers with vocabularies of 256,000 words have about 15 MB."""
_NAMES = sorted((name for name in FILE_TYPES if name != "-"), key=len, reverse=True)
_GGUF = re.compile(r"(?!/)(?!(.*/)?\.\.?/)[^\\\x00-\x1f\ud800-\udfff]{1,200}\.gguf", re.IGNORECASE)
"""Paths that a repository can have and a disk can name."""
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
FOUND = 20
"""Repositories that a search shows."""
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


@dataclass(frozen=True, slots=True)
class FoundRepository:
    """What a search says of a repository."""

    repo_id: str
    license: str
    gated: bool
    downloads: int
    """In the last 30 days."""
    likes: int


@dataclass(slots=True)
class Hub:
    token: Token = field(default_factory=Token)
    endpoint: str = field(default_factory=lambda: surroundings.endpoint(constants.ENDPOINT))

    @property
    def shown(self) -> str:
        """The endpoint as messages tell it."""
        return surroundings.without_password(self.endpoint)

    def search(self, words: str) -> tuple[FoundRepository, ...]:
        """Repositories with GGUF files whose names hold these words, those fetched most first, at most FOUND. Raises HubError."""
        words = clean(words).strip()
        params = {"search": words, "filter": "gguf", "sort": "downloads", "limit": FOUND}
        told = self._asked("", words, params)
        if not isinstance(told, list):
            raise answers.unexpected(self.endpoint, f"no list but {type(told).__name__}")
        return tuple(_found(told))[:FOUND]

    def model(self, repo_id: str) -> RemoteModel:
        """The repository `owner/name`. Raises BadInput for another form, HubError."""
        repo_id = clean(repo_id).strip()
        try:
            validate_repo_id(repo_id)
        except HFValidationError as exc:
            raise BadInput("hub_repo_unfit", repo=repo_id) from exc
        told = self._asked(f"/{repo_id}", repo_id, {"blobs": "true"})
        siblings = told.get("siblings") if isinstance(told, dict) else None
        if not isinstance(siblings, list):
            raise answers.unexpected(self.endpoint, "no list of files")
        revision = told.get("sha")
        groups: dict[str, list[Source]] = defaultdict(list)
        for name, size_bytes, sha256 in sorted(_files(siblings)):
            split = PART.match(name)
            url = hf_hub_url(
                repo_id, name, revision=revision if isinstance(revision, str) else None, endpoint=self.endpoint
            )
            group = f"{split['stem']}-of-{split['parts']}" if split else name
            groups[group].append(Source(url, size_bytes, sha256, f"{repo_id}:{name}", self.token.headers))
        files = [_file(repo_id, parts) for parts in groups.values() if _whole(parts)]
        return RemoteModel(
            repo_id,
            _license(told.get("cardData")),
            bool(told.get("gated")),
            tuple(sorted(files, key=lambda one: (one.size_bytes, one.file))),
        )

    def _asked(self, path: str, repo_id: str, params: Mapping[str, Any]) -> Any:
        surroundings.check(self.endpoint)
        headers = self.token.headers()
        address = f"{self.endpoint}/api/models{path}"
        return answers.document(address, lambda status: self.refusal(repo_id, status), headers=headers, params=params)

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

    def head(self, file: RemoteFile) -> Mapping[str, Any]:
        """What the first HEAD_BYTES of a GGUF say; less than its header where that is longer. Raises HubError: it is none."""
        source = file.parts[0]
        try:
            return read_values(self._bytes(source, 0, HEAD_BYTES, file.repo_id), source.size_bytes)
        except Broken as exc:
            raise HubError("hub_no_header", file=source.origin, reason=exc) from exc

    def header(self, file: RemoteFile) -> Header:
        """The header of a GGUF, without its weights; tensors of the first part only. Raises HubError."""
        source = file.parts[0]
        data, broken = b"", Broken("it is empty")
        while len(data) < min(source.size_bytes, HEADER_LIMIT_BYTES):
            more = self._bytes(source, len(data), max(HEADER_BLOCK_BYTES, len(data)), file.repo_id)
            if not more:
                break
            data += more
            try:
                return read_header(io.BytesIO(data), source.size_bytes)
            except Broken as exc:
                broken = exc
        raise HubError("hub_no_header", file=source.origin, reason=broken)

    def _bytes(self, source: Source, start: int, count: int, repo_id: str) -> bytes:
        surroundings.check(self.endpoint)
        return answers.some_bytes(
            source.url,
            start,
            min(count, source.size_bytes - start),
            lambda status: self.refusal(repo_id, status),
            headers=source.headers(),
        )

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


def _files(siblings: list[Any]) -> Iterator[tuple[str, int, str]]:
    """Name, bytes and SHA-256 of each GGUF file of a repository; what is written otherwise than the Hub does is left out."""
    for one in siblings:
        lfs = one.get("lfs") if isinstance(one, dict) else None
        if not isinstance(lfs, dict):
            continue
        name, size_bytes, sha256 = one.get("rfilename"), one.get("size"), lfs.get("sha256")
        if (
            isinstance(name, str)
            and _GGUF.fullmatch(name)
            and type(size_bytes) is int
            and 0 < size_bytes < 1 << 50
            and isinstance(sha256, str)
            and _SHA256.fullmatch(sha256)
        ):
            yield name, size_bytes, sha256.lower()


def _found(told: list[Any]) -> Iterator[FoundRepository]:
    for one in told:
        repo_id = one.get("id") if isinstance(one, dict) else None
        if not isinstance(repo_id, str) or not _REPOSITORY.fullmatch(repo_id):
            continue
        tags = one.get("tags")
        named = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
        licenses = [tag.removeprefix("license:") for tag in named if tag.startswith("license:")]
        counts = [number if isinstance(number, int) else 0 for number in (one.get("downloads"), one.get("likes"))]
        yield FoundRepository(repo_id, licenses[0] if licenses else "", bool(one.get("gated")), *counts)


def _license(card: Any) -> str:
    """As the repository's card names it; empty when it names none."""
    names = [card.get("license"), card.get("license_name")] if isinstance(card, dict) else [None, None]
    first, own = (
        [one for one in (name if isinstance(name, list) else [name]) if isinstance(one, str)] for name in names
    )
    license_name = first[0] if first else ""
    return own[0] if license_name == "other" and own else license_name
