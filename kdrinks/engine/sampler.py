"""Chooses tokens from the scores that native.py's context holds: llama.cpp's chain of samplers.

With native.py, library.py, adapters.py and vocabulary.py the only importer of llama_cpp.
"""

from typing import Any

import llama_cpp.llama_cpp as llama

REPEAT_TOKENS = 64
"""How far back a repeat penalty looks; llama.cpp's own default."""


class Sampler:
    """One answer's choices; the parameters are those of records.Sampling."""

    def __init__(
        self,
        context: Any,
        vocabulary: int,
        *,
        temperature: float,
        top_k: int,
        top_p: float,
        min_p: float,
        repeat_penalty: float,
        seed: int,
    ) -> None:
        self._context = context
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        if repeat_penalty != 1.0:
            self._add(llama.llama_sampler_init_penalties(vocabulary, REPEAT_TOKENS, repeat_penalty, 0.0, 0.0))
        if temperature <= 0:
            self._add(llama.llama_sampler_init_greedy())
            return
        if top_k > 0:
            self._add(llama.llama_sampler_init_top_k(top_k))
        if top_p < 1:
            self._add(llama.llama_sampler_init_top_p(top_p, 1))
        if min_p > 0:
            self._add(llama.llama_sampler_init_min_p(min_p, 1))
        self._add(llama.llama_sampler_init_temp(temperature))
        self._add(llama.llama_sampler_init_dist(seed & 0xFFFFFFFF))

    def _add(self, one: Any) -> None:
        llama.llama_sampler_chain_add(self._chain, one)

    def sample(self) -> int:
        return int(llama.llama_sampler_sample(self._chain, self._context, -1))

    def accept(self, token: int) -> None:
        """Tells of a token that was not sampled: a repeat penalty counts it too."""
        llama.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        llama.llama_sampler_free(self._chain)
