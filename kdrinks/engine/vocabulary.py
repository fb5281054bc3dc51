"""The vocabulary of a loaded model: texts, token ids and bytes, by llama.cpp's own tokenizer.

With native.py, library.py, adapters.py and sampler.py the only importer of llama_cpp.
"""

import ctypes
from collections.abc import Iterable
from typing import Any

import llama_cpp.llama_cpp as llama

_LOOKS_CONTROL = frozenset("<>[]|｜＜＞")


class Vocabulary:
    """pointer: llama.cpp's, which lives as long as its model; None where the file has no vocabulary."""

    def __init__(self, pointer: Any) -> None:
        self._pointer = pointer
        self.size = int(llama.llama_vocab_n_tokens(pointer)) if pointer else 0
        """In tokens."""
        self._pieces: dict[int, bytes] = {}

    def special_text(self, kind: str) -> str:
        """Text of the "bos" or "eos" token; empty when the vocabulary has none."""
        token = {"bos": llama.llama_vocab_bos, "eos": llama.llama_vocab_eos}[kind](self._pointer)
        return llama.llama_vocab_get_text(self._pointer, token).decode("utf-8", errors="replace") if token >= 0 else ""

    def control_texts(self) -> set[str]:
        """Texts that tokenize() takes for control tokens: those marked so, and added ones that look it (`<tool_call>`).

        An added word or a run of blanks does not: a model whose Korean was enlarged has thousands of them.
        """
        control = llama.LLAMA_TOKEN_ATTR_CONTROL | llama.LLAMA_TOKEN_ATTR_UNKNOWN
        found: set[str] = set()
        for token in range(self.size):
            kind = llama.llama_vocab_get_attr(self._pointer, token)
            if kind & (control | llama.LLAMA_TOKEN_ATTR_USER_DEFINED):
                text = llama.llama_vocab_get_text(self._pointer, token).decode("utf-8", errors="replace")
                if kind & control or not _LOOKS_CONTROL.isdisjoint(text):
                    found.add(text)
        return found | {self.special_text("bos"), self.special_text("eos")}

    def hidden_pieces(self, texts: Iterable[str]) -> dict[int, bytes]:
        """Bytes of control tokens that piece() shows nothing of, by their id."""
        found = {text: self.tokenize(text, add_special=False) for text in texts}
        return {ids[0]: text.encode("utf-8") for text, ids in found.items() if len(ids) == 1 and not self.piece(ids[0])}

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        """Token ids; control texts in text become control tokens when parse_special."""
        raw = text.encode("utf-8", errors="replace")
        size = len(raw) + 8
        tokens = (llama.llama_token * size)()
        count = llama.llama_tokenize(self._pointer, raw, len(raw), tokens, size, add_special, parse_special)
        if count < 0:
            tokens = (llama.llama_token * -count)()
            count = llama.llama_tokenize(self._pointer, raw, len(raw), tokens, -count, add_special, parse_special)
        ids = list(tokens[:count])
        if add_special and ids and llama.llama_vocab_get_add_eos(self._pointer) and self.ends(ids[-1]):
            ids.pop()
        return ids

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; empty for control tokens."""
        known = self._pieces.get(token)
        if known is None:
            buffer = ctypes.create_string_buffer(64)
            size = llama.llama_token_to_piece(self._pointer, token, buffer, 64, 0, False)
            if size < 0:
                buffer = ctypes.create_string_buffer(-size)
                size = llama.llama_token_to_piece(self._pointer, token, buffer, -size, 0, False)
            known = self._pieces[token] = buffer.raw[: max(size, 0)]
        return known

    def ends(self, token: int) -> bool:
        """Whether the token ends an answer."""
        return bool(llama.llama_vocab_is_eog(self._pointer, token))

    def end_token(self) -> int:
        """The token that this model ends an answer with."""
        turn = llama.llama_vocab_eot(self._pointer)
        return int(turn if turn >= 0 else llama.llama_vocab_eos(self._pointer))
