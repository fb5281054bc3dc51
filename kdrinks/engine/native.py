"""llama.cpp itself: one loaded model with its context, through the low-level calls.

With library.py, adapters.py, sampler.py and vocabulary.py the only importer of llama_cpp; only worker.py imports this module: a memory kill or a driver's abort then ends a child process, never the site.
It knows token ids, bytes and the loader's own log; nothing of messages, queues or pages. One thread at a time.
"""

import ctypes
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import llama_cpp.llama_cpp as llama
import numpy as np
import numpy.typing as npt

from kdrinks.engine.adapters import Adapters, Key, key_of
from kdrinks.engine.library import QUANTIZATIONS, Log
from kdrinks.engine.processors import physical_cores
from kdrinks.engine.sampler import Sampler
from kdrinks.engine.threads import most_threads
from kdrinks.engine.vocabulary import Vocabulary

BATCH_TOKENS = 512
ROOM_TOKENS = 256
"""A context is a multiple of these."""
BLOCK_TOKENS = 64
"""llama.cpp's attention on a CPU works on 64 tokens of a batch at once, on fewer in another way, with other last digits. Batches
of whole blocks, and the rest of a prompt by itself, give the same scores to the last bit however they are cut."""
STATE_TOKENS = 256
"""A state this long or longer is kept when another prompt takes its place: reading it again takes 2 s on a 1.5B model
with 2 cores (146 tokens/s), copying it some milliseconds."""
KV_TYPES = {"f16": llama.GGML_TYPE_F16, "q8_0": llama.GGML_TYPE_Q8_0, "q4_0": llama.GGML_TYPE_Q4_0}
_NO_BEAT = llama.ggml_abort_callback()
PROOF_TEXT = "식혜 sikhye"
"""An adapter must change what is said after this."""
Logits = npt.NDArray[np.float32]
Laid = tuple[Key, float] | None
"""The adapter over the model and its strength; None for the model alone."""


class LoadProblem(Exception):
    """llama.cpp refused the file or the memory for it; the text is the loader's own last complaint."""


class ReadProblem(Exception):
    """llama_decode returned an error."""


class Model:
    """A model in memory with one context and one sequence.

    `tokens` are those whose state is in the context: a prompt that begins like them is read from there on only, and only by
    what made that state: the model with the same adapter at the same strength. Only `_asked` of them, those that were read as a prompt, and
    from a multiple of BLOCK_TOKENS on: so a prompt gives the same scores to the last bit whatever was read before it.
    """

    def __init__(
        self,
        path: str,
        *,
        log: Log,
        gpu_layers: int,
        context_tokens: int,
        threads: int,
        kv_type: str = "f16",
        state_bytes: int = 0,
        progress: Callable[[float], bool] = lambda fraction: True,
        beat: Callable[[], None] = lambda: None,
        decoded: Callable[[int, float], None] = lambda tokens, seconds: None,
    ) -> None:
        """gpu_layers: 0 keeps everything on the CPU, -1 puts all it can on GPUs.
        context_tokens: 0 takes the model's own, at most 4,096.
        threads: 0 takes the physical cores, or one for a small model, until use_threads().
        state_bytes: memory for the states of conversations that wait.
        progress: told the fraction read; returning False gives up.
        beat: called in the midst of reading, by the thread that computes.
        decoded: told (tokens, seconds) after each llama_decode; may use_threads() for the next.
        Raises LoadProblem.
        """
        self._free: list[Callable[[], None]] = []
        self.tokens: list[int] = []
        self._asked = 0
        self._states: OrderedDict[tuple[str, Laid], tuple[list[int], Any]] = OrderedDict()
        self._laid: Laid = None
        self._state_bytes = state_bytes
        self._owner = ""
        log.clear()
        parameters = llama.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        callback = llama.llama_progress_callback(lambda fraction, _data: progress(fraction))
        parameters.progress_callback = callback
        self._model = llama.llama_model_load_from_file(path.encode(), parameters)
        if not self._model:
            raise LoadProblem(log.complaint())
        self._free.append(lambda: llama.llama_model_free(self._model))
        self._adapters = Adapters(self._model, log)
        self._free.insert(0, self._adapters.close)
        self.vocabulary = Vocabulary(llama.llama_model_get_vocab(self._model))
        self.decodes = llama.llama_model_has_decoder(self._model) and not llama.llama_model_has_encoder(self._model)
        self.layers = llama.llama_model_n_layer(self._model)
        self.parameters = llama.llama_model_n_params(self._model)
        self.quantization = QUANTIZATIONS.get(llama.llama_model_ftype(self._model) & ~1024, "unknown")
        self.context_trained = llama.llama_model_n_ctx_train(self._model)
        self.threads = threads or most_threads(self.parameters, physical_cores())
        # A slice is what Stop waits for: about half a second of reading on 2 cores (64 tokens of a 1.5B model).
        # Fixed by the model, not by the clock, so that greedy answers repeat exactly.
        # The rest behind the whole blocks of a prompt: of a small model so long that it needs no batch of its own, which
        # costs 5 % of 128 tokens (5 M parameters); of others short, for what is not reused takes them longer to read.
        self._rest_tokens = BLOCK_TOKENS if self.parameters < 100_000_000 else 1
        whole = gpu_layers != 0 and bool(llama.llama_supports_gpu_offload())
        fitting = 2 ** int(np.log2(1e11 / max(self.parameters, 1)))
        self.slice_tokens = BATCH_TOKENS if whole else max(32, min(BATCH_TOKENS, fitting))
        settings = llama.llama_context_default_params()
        # llama.cpp makes whole ROOM_TOKENS of it; a batch of the asked size would then be too small for what fits, which aborts
        wanted = context_tokens or min(self.context_trained, 4096)
        settings.n_ctx = wanted + -wanted % ROOM_TOKENS
        settings.n_batch = settings.n_ubatch = min(BATCH_TOKENS, settings.n_ctx)
        settings.n_seq_max = 1
        settings.n_threads = settings.n_threads_batch = self.threads
        settings.type_k = settings.type_v = KV_TYPES[kv_type]
        settings.offload_kqv = settings.op_offload = gpu_layers != 0
        settings.no_perf = True
        self._decoded, self._beats = decoded, False
        self._beat = llama.ggml_abort_callback(lambda _data: beat())  # None is false: go on
        self._context = llama.llama_init_from_model(self._model, settings)
        if not self._context:
            self.close()
            raise LoadProblem(log.complaint())
        self._free.insert(0, lambda: llama.llama_free(self._context))
        self._memory = llama.llama_get_memory(self._context)
        self.context_tokens = llama.llama_n_ctx(self._context)
        self.used, self.gpu_layers = log.placement(self.layers)
        self._one = (llama.llama_token * 1)()
        self._one_batch = llama.llama_batch_get_one(self._one, 1)

    def use_threads(self, writing: int, reading: int) -> None:
        """For the next decodes of one token and of several."""
        self.threads = writing
        llama.llama_set_n_threads(self._context, writing, reading)

    def close(self) -> None:
        for free in self._free:
            free()
        self._free.clear()
        self._states.clear()

    def template(self) -> str | None:
        source = llama.llama_model_chat_template(self._model, None)
        return source.decode("utf-8", errors="replace") if source else None

    def use_adapter(self, path: str, scale: float) -> None:
        """Lays an adapter over the model for all that is read from now on; no path, or a strength of 0, is the model alone.

        What another adapter, or another strength, left in the context is no beginning of anything: its state is kept apart.
        Raises OSError when there is no file, AdapterProblem, ReadProblem.
        """
        key = key_of(path) if path else None
        laid = (key, scale) if key and scale else None
        if laid == self._laid and (key is None or key in self._adapters):
            return
        if self._asked >= STATE_TOKENS:
            self._save_state()
        self.forget()
        self._owner, self._laid = "", None
        self._adapters.lay(self._context, None)
        if key:
            self._adapters.read(self._context, key, self._proof)
        if laid:
            self._adapters.lay(self._context, *laid)
            self._laid = laid

    def _proof(self) -> Logits:
        self.forget()
        try:
            for _ in self.read(self.vocabulary.tokenize(PROOF_TEXT, add_special=True)[: self.slice_tokens]):
                pass
            return self.logits().copy()
        finally:
            self.forget()

    def reuse_prefix(self, prompt: Sequence[int], conversation: str) -> int:
        """Makes the context hold the longest beginning of the prompt that was read before; returns its length.

        A state that would be lost is kept under its conversation, the least recently used leave first.
        """
        best = common(self.tokens[: self._asked], prompt)
        if conversation != self._owner and self._asked - best >= STATE_TOKENS:
            self._save_state()
        chosen: tuple[str, Laid] | None = None
        for name, (tokens, _) in self._states.items():
            length = common(tokens, prompt)
            if name[1] == self._laid and length > best + 32:
                best, chosen = length, name
        if chosen:
            tokens, state = self._states[chosen]
            self.forget()
            if llama.llama_state_seq_set_data(self._context, state, len(state), 0):
                self.tokens = list(tokens)
                self._asked = len(tokens)
                self._states.move_to_end(chosen)
        self._states.pop((conversation, self._laid), None)
        self._owner = conversation
        # The last token is read again in any case: its logits choose the first token of the answer.
        reused = self._whole(min(common(self.tokens[: self._asked], prompt), len(prompt) - self._rest_tokens))
        if reused < len(self.tokens):
            if reused and llama.llama_memory_seq_rm(self._memory, 0, reused, -1):
                del self.tokens[reused:]
            else:
                self.forget()
        self._asked = len(self.tokens)
        return len(self.tokens)

    def _whole(self, tokens: int) -> int:
        """The largest number of whole blocks that is not larger, in tokens."""
        return max(0, tokens - tokens % min(BLOCK_TOKENS, self.slice_tokens))

    def read_prompt(self, prompt: Sequence[int]) -> Iterator[int]:
        """Reads the rest of a prompt behind what was reused; yields how many of its tokens are done after each slice. Raises ReadProblem."""
        last = self._whole(len(prompt) - self._rest_tokens)
        if self._rest_tokens > 1 and len(prompt) - self._asked <= self.slice_tokens:
            last = self._asked  # a rest as long as a block may stand in one batch with the blocks before it
        for part in (prompt[self._asked : last], prompt[last:]):
            for _ in self.read(part):
                self._asked = len(self.tokens)
                yield self._asked

    def preread(self, beginning: Sequence[int]) -> int:
        """Reads the next block of what prompts begin with, when nothing else is in the context; how many tokens of it are left then.

        Raises ReadProblem.
        """
        whole, done = self._whole(len(beginning)), len(self.tokens)
        if done >= whole or self.tokens != list(beginning[:done]):
            return 0
        for _ in self.read(beginning[done : done + self._whole(BLOCK_TOKENS)]):
            self._asked = len(self.tokens)
        return whole - self._asked

    def _save_state(self) -> None:
        # what was written behind the prompt is read again anyway
        if not self._owner or not llama.llama_memory_seq_rm(self._memory, 0, self._asked, -1):
            return
        del self.tokens[self._asked :]
        size = llama.llama_state_seq_get_size(self._context, 0)
        if size > self._state_bytes:
            return
        kept = sum(len(state) for _, state in self._states.values())
        while self._states and kept + size > self._state_bytes:
            _, (_, oldest) = self._states.popitem(last=False)
            kept -= len(oldest)
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data(self._context, state, size, 0):
            self._states[self._owner, self._laid] = (list(self.tokens), state)

    def forget_conversations(self, conversations: Sequence[str]) -> None:
        """Drops what is kept of these, from the context too; of everything when none is named."""
        for name in list(self._states):
            if not conversations or name[0] in conversations:
                del self._states[name]
        if not conversations or self._owner in conversations:
            llama.llama_memory_clear(self._memory, True)  # with the data, not only its bookkeeping
            self.tokens.clear()
            self._owner, self._asked = "", 0

    def forget(self) -> None:
        """Empties the context."""
        llama.llama_memory_clear(self._memory, True)
        self.tokens.clear()
        self._asked = 0

    def reset(self, prompt: Sequence[int]) -> None:
        """Empties the context for a measurement; the state of the conversation in it is kept like any other's."""
        self.reuse_prefix(prompt[:1], "")
        self.forget()

    def nll(self, tokens: Sequence[int], begin: int) -> Iterator[float]:
        """-ln p of each token from place `begin` on, given all before it; the context must be empty. Raises ReadProblem."""
        for start in range(0, len(tokens) - 1, self.slice_tokens):
            part = tokens[start : min(start + self.slice_tokens, len(tokens) - 1)]
            batch = llama.llama_batch_init(len(part), 0, 1)
            try:
                batch.n_tokens = len(part)
                for index, token in enumerate(part):
                    batch.token[index], batch.pos[index], batch.n_seq_id[index] = token, start + index, 1
                    batch.seq_id[index][0] = 0
                    batch.logits[index] = start + index + 1 >= begin
                self._decode(batch)
            finally:
                llama.llama_batch_free(batch)
            self.tokens.extend(part)
            for index in range(max(0, begin - start - 1), len(part)):
                scores = np.ctypeslib.as_array(
                    llama.llama_get_logits_ith(self._context, index), shape=(self.vocabulary.size,)
                ).astype(np.float64)
                top = scores.max()
                yield float(top + np.log(np.exp(scores - top).sum()) - scores[tokens[start + index + 1]])

    def read(self, tokens: Sequence[int]) -> Iterator[int]:
        """Reads tokens at the context's end in slices; yields how many are done after each. Raises ReadProblem."""
        for start in range(0, len(tokens), self.slice_tokens):
            part = tokens[start : start + self.slice_tokens]
            array = (llama.llama_token * len(part))(*part)
            self._decode(llama.llama_batch_get_one(array, len(part)))
            self.tokens.extend(part)
            yield start + len(part)

    def append(self, token: int) -> None:
        """Reads one token at the context's end. Raises ReadProblem."""
        self._one[0] = token
        self._decode(self._one_batch)
        self.tokens.append(token)

    def _decode(self, batch: Any) -> None:
        if (
            batch.n_tokens > 1
        ) != self._beats:  # after each of a graph's 500 steps: nothing for a slice, 3 % of a small model's token
            self._beats = not self._beats
            llama.llama_set_abort_callback(self._context, self._beat if self._beats else _NO_BEAT, None)
        started = time.monotonic()
        code = llama.llama_decode(self._context, batch)
        self._decoded(batch.n_tokens, time.monotonic() - started)
        if code:
            self.forget()
            raise ReadProblem(f"llama_decode returned {code}")

    def logits(self) -> Logits:
        """(vocabulary,) scores for the next token: a view that may be changed before sample()."""
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(self._context, -1), shape=(self.vocabulary.size,))

    def sampler(self, choosing: Mapping[str, Any]) -> Sampler:
        """choosing: what Sampler takes."""
        return Sampler(self._context, self.vocabulary.size, **choosing)

    def bare_loop(self, prompt: Sequence[int], count: int) -> Iterator[int]:
        """llama_decode and a greedy llama_sampler_sample, nothing else: what `bench` measures the whole path against."""
        self.forget()
        for _ in self.read(prompt):
            pass
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_greedy())
        decode, sample, context, one, batch = (
            llama.llama_decode,
            llama.llama_sampler_sample,
            self._context,
            self._one,
            self._one_batch,
        )
        for index in range(count):
            token = sample(chain, context, -1)
            yield token
            if index + 1 < count:
                one[0] = token
                decode(context, batch)
        llama.llama_sampler_free(chain)
        self.forget()


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens both begin with."""
    length = min(len(left), len(right))
    if left[:length] == right[:length]:
        return length
    return next(index for index in range(length) if left[index] != right[index])
