"""Makes damaged GGUF files out of a whole one: seeded, and aimed at what a reader trusts (counts, lengths, types, offsets)."""

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9


@dataclass
class Layout:
    """Where the fields of a header lie: kind -> (offset, bytes)."""

    fields: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    entries: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each key-value."""
    tensors: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0

    def note(self, kind: str, at: int, size: int) -> None:
        self.fields.setdefault(kind, []).append((at, size))


def layout_of(data: bytes) -> Layout:
    """The layout of a whole file."""
    layout = Layout()
    at = 4

    def number(kind: str, size: int) -> int:
        nonlocal at
        layout.note(kind, at, size)
        at += size
        return int.from_bytes(data[at - size : at], "little")

    def text(kind: str) -> None:
        nonlocal at
        length = number(f"{kind} length", 8)
        layout.note(f"{kind} text", at, length)
        at += length

    def value(kind: int) -> None:
        if kind == _STRING:
            text("value")
        elif kind == _ARRAY:
            inner = number("list type", 4)
            for _ in range(number("list count", 8)):
                value(inner)
        else:
            number("value", _SIZES[kind])

    number("version", 4)
    tensors, values = number("tensor count", 8), number("value count", 8)
    for _ in range(values):
        start = at
        text("key")
        value(number("value type", 4))
        layout.entries.append((start, at))
    for _ in range(tensors):
        start = at
        text("tensor name")
        for _ in range(number("dimension count", 4)):
            number("dimension", 8)
        number("tensor type", 4)
        number("tensor offset", 8)
        layout.tensors.append((start, at))
    layout.end = at
    return layout


def _odd_number(chance: random.Random, old: int, size: int) -> int:
    top = (1 << 8 * size) - 1
    choices = (0, 1, 2, 3, 5, 7, top, top >> 1, (top >> 1) + 1, old + 1, old - 1, old * 2, old // 2, old ^ 1, 1 << 20)
    return chance.choice((*choices, chance.getrandbits(8 * size), chance.getrandbits(16))) & top


def _entry(key: bytes, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + value


def _text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


class Mutations:
    """Damaged copies of `whole`, each a function of its number alone."""

    def __init__(self, whole: bytes) -> None:
        self._whole = whole
        self._layout = layout_of(whole)
        self._data_at = -(-self._layout.end // 32) * 32
        self.kinds: Sequence[tuple[str, Callable[[random.Random], bytes]]] = (
            ("field", self._field),
            ("fields", lambda chance: self._field(chance, chance.randint(2, 6))),
            ("text", self._words),
            ("cut", self._cut),
            ("alignment", self._alignment),
            ("huge string", self._huge),
            ("flips in the header", lambda chance: self._flips(chance, self._layout.end)),
            ("flips anywhere", lambda chance: self._flips(chance, len(self._whole))),
            ("block", self._block),
            ("entries", self._entries),
            ("value", lambda chance: self._field(chance, kinds=("value", "dimension", "tensor type", "value type"))),
        )

    def __call__(self, number: int) -> tuple[str, bytes]:
        """(kind, bytes) of the number-th damaged file."""
        chance = random.Random(number)
        name, make = self.kinds[number % len(self.kinds)]
        return name, make(chance)

    def _with_header(self, header: bytes) -> bytes:
        return header + b"\0" * (-len(header) % 32) + self._whole[self._data_at :]

    def _field(self, chance: random.Random, times: int = 1, kinds: Sequence[str] = ()) -> bytes:
        data = bytearray(self._whole)
        fixed = [kind for kind in self._layout.fields if not kind.endswith("text")]
        for _ in range(times):
            at, size = chance.choice(self._layout.fields[chance.choice(kinds or fixed)])
            old = int.from_bytes(data[at : at + size], "little")
            data[at : at + size] = _odd_number(chance, old, size).to_bytes(size, "little")
        return bytes(data)

    def _words(self, chance: random.Random) -> bytes:
        """Another architecture, tokenizer, key, tensor name or template; or bytes that are no text."""
        kind = chance.choice(("key", "value", "tensor name"))
        at, size = chance.choice(self._layout.fields[f"{kind} text"])
        other = chance.choice(
            (
                b"gpt2",
                b"bert",
                b"clip",
                b"mamba",
                b"t5",
                b"gemma3",
                b"qwen2",
                b"",
                b"\xff\xfe\x00",
                b"{% for %}",
                b"a" * 70,
            )
        )
        header = self._whole[: at - 8] + _text(other) + self._whole[at + size : self._layout.end]
        return self._with_header(header)

    def _cut(self, chance: random.Random) -> bytes:
        until = chance.choice((64, self._layout.end, len(self._whole)))
        return self._whole[: chance.randrange(until)]

    def _add(self, entry: bytes, count: int = 1) -> bytes:
        values = int.from_bytes(self._whole[16:24], "little") + count
        return self._with_header(
            self._whole[:16] + struct.pack("<Q", values) + entry + self._whole[24 : self._layout.end]
        )

    def _alignment(self, chance: random.Random) -> bytes:
        alignment = chance.choice((0, 1, 2, 3, 8, 31, 33, 64, 4096, 65536, 1 << 20, 1 << 31, (1 << 32) - 1))
        kind, form = chance.choice(((4, "<I"), (4, "<I"), (5, "<I"), (6, "<I")))
        return self._add(_entry(b"general.alignment", kind, struct.pack(form, alignment)))

    def _huge(self, chance: random.Random) -> bytes:
        """A long text that is there, or a length that is not."""
        key = chance.choice((b"general.name", b"tokenizer.chat_template", b"general.description", b"k" * 300))
        if chance.random() < 0.5:
            return self._add(_entry(key, _STRING, _text(b"\xea\xb0\x80" * chance.choice((1000, 400_000)))))
        claimed = 1 << chance.choice((20, 31, 40, 60, 63))
        count = struct.pack("<Q", claimed)
        value, kind = chance.choice(((count, _STRING), (struct.pack("<I", _STRING) + count, _ARRAY)))
        return self._add(_entry(key, kind, value))

    def _flips(self, chance: random.Random, until: int) -> bytes:
        data = bytearray(self._whole)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(4, until)] ^= 1 << chance.randrange(8)
        return bytes(data)

    def _block(self, chance: random.Random) -> bytes:
        """Zeros, ones or noise over a stretch, as a bad disk leaves them."""
        data = bytearray(self._whole)
        at = chance.randrange(4, chance.choice((self._layout.end, len(data))))
        size = min(chance.choice((8, 64, 512, 4096)), len(data) - at)
        data[at : at + size] = chance.choice((b"\0" * size, b"\xff" * size, chance.randbytes(size)))
        return bytes(data)

    def _entries(self, chance: random.Random) -> bytes:
        """A key-value or a tensor that is missing or there twice."""
        entries = chance.choice((self._layout.entries, self._layout.tensors))
        begin, end = chance.choice(entries)
        place, change = (16 if entries is self._layout.entries else 8), chance.choice((-1, 1))
        data = bytearray(self._whole[: self._layout.end])
        data[begin:end] = self._whole[begin:end] * (1 + change)
        data[place : place + 8] = struct.pack("<Q", int.from_bytes(data[place : place + 8], "little") + change)
        return self._with_header(bytes(data))
