"""Small GGUF files with the control tokens and chat templates of real families: what a text must never be able to say.

Tokens and templates are shortened from the families' published tokenizer_config.json; nothing learned.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

CONTROL, USER_DEFINED = 3, 4
_NORMAL, _UNKNOWN, _BYTE = 1, 2, 6


@dataclass(frozen=True)
class Family:
    name: str
    kind: str
    """`llama` is SentencePiece, `gpt2` is BPE over bytes."""
    control: Sequence[str]
    template: str
    added: Sequence[str] = ()
    """Tokens of type USER_DEFINED."""
    words: Sequence[str] = ()
    """Ordinary tokens, by which merges could lead to a control text."""


def _chat(before: str, after: str, go: str, *, start: str = "", content: str = "m.content") -> str:
    """A template with {role} in `before` and `after`."""
    quoted = (f"'{one}'".replace("{role}", "' ~ m.role ~ '") for one in (before, after))
    opening, closing = quoted
    return (
        f"{start}{{% for m in messages %}}{{{{ {opening} ~ {content} ~ {closing} }}}}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{go}{{% endif %}}"
    )


DEEPSEEK = "{% set content = m.content %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
FAMILIES = (
    Family(
        "chatml",
        "gpt2",
        ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|fim_prefix|>"),
        _chat("<|im_start|>{role}\\n", "<|im_end|>\\n", "<|im_start|>assistant\\n"),
        added=("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>"),
    ),
    Family(
        "deepseek-r1",
        "gpt2",
        ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<｜fim▁hole｜>"),
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% elif m.role == 'user' %}"
        "{{ '<｜User｜>' + m.content }}{% else %}{% set c = m.content %}{% if '</think>' in c %}"
        "{% set c = c.split('</think>')[-1] %}{% endif %}{{ '<｜Assistant｜>' + c + '<｜end▁of▁sentence｜>' }}{% endif %}"
        "{% endfor %}{{ '<｜Assistant｜><think>\\n' }}",
        added=("<｜User｜>", "<｜Assistant｜>", "<think>", "</think>", "<｜tool▁calls▁begin｜>", "<|EOT|>"),
    ),
    Family(
        "exaone",
        "gpt2",
        ("[BOS]", "[|endofturn|]", "[|user|]", "[|assistant|]", "[|system|]", "[PAD]", "[UNK]", "[unused0]"),
        _chat("[|{role}|]", "[|endofturn|]\\n", "[|assistant|]"),
        added=("PI:URL", "막걸리"),
    ),
    Family(
        "gemma",
        "llama",
        ("<pad>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "[multimodal]"),
        _chat("<start_of_turn>{role}\\n", "<end_of_turn>\\n", "<start_of_turn>model\\n", content="(m.content | trim)"),
        added=("<unused12>", "<unused99>", "<table>", "</table>", "\n\n", "▁▁▁"),
        words=("<", "/", "s", ">", "</", "s>", "</s", "start", "_of", "_turn"),
    ),
    Family(
        "llama-2",
        "llama",
        ("<PAD>",),
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ '<<SYS>>\\n' + m.content + '\\n<</SYS>>\\n\\n' }}"
        "{% elif m.role == 'user' %}{{ '[INST] ' + m.content | trim + ' [/INST]' }}{% else %}"
        "{{ ' ' + m.content | trim + ' ' + eos_token }}{% endif %}{% endfor %}",
        words=("<", "/", "s", ">", "</", "s>", "</s", "<s"),
    ),
    Family(
        "mistral",
        "llama",
        ("[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[control_8]", "[IMG]"),
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}{{ ' ' + m.content + eos_token }}{% else %}"
        "{{ '[INST] ' + m.content + '[/INST]' }}{% endif %}{% endfor %}",
    ),
    Family(
        "llama-3",
        "gpt2",
        (
            "<|begin_of_text|>",
            "<|eot_id|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|reserved_special_token_0|>",
        ),
        _chat(
            "<|start_header_id|>{role}<|end_header_id|>\\n\\n",
            "<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\\n\\n",
            content="(m.content | trim)",
        ),
    ),
    Family(
        "phi",
        "llama",
        ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>", "<|placeholder1|>"),
        _chat("<|{role}|>\\n", "<|end|>\\n", "<|assistant|>\\n"),
    ),
    Family(
        "glm",
        "gpt2",
        ("[gMASK]", "<sop>", "<eop>", "<|user|>", "<|assistant|>", "<|system|>", "<|observation|>", "[sMASK]"),
        _chat("<|{role}|>\\n", "", "<|assistant|>", start="[gMASK]<sop>"),
    ),
    Family(
        "falcon",
        "gpt2",
        (">>TITLE<<", ">>ABSTRACT<<", ">>DOMAIN<<", "<|endoftext|>"),
        _chat("{role}: ", "\\n\\n", "assistant:"),
    ),
    Family(
        "built-in",
        "llama",
        ("<|passage|>", "<|user|>", "<|assistant|>", "<|history|>"),
        "{{ bos_token }}{% set asked = messages | selectattr('role', 'equalto', 'user') | list %}"
        "{% for p in asked[-1].passages or [] %}<|passage|>{{ p.title }}<|{{ p.kind }}|>{{ p.text }}{% endfor %}"
        "<|user|>{{ asked[-1].question or asked[-1].content }}<|assistant|>",
    ),
    Family(
        "that cuts and joins",
        "gpt2",
        ("<|im_start|>", "<|im_end|>", "<|0|>", "␂"),
        "{% for m in messages %}<|im_start|>{{ m.content.replace(' ', '') | lower }}<{{ m.content }}>{{ m.content[1:-1] }}"
        "{{ m.content | tojson }}{{ m.content | upper | trim }}{{ m.content.split('~') | join }}<|im_end|>{% endfor %}",
    ),
)


def write(path: Path, family: Family) -> Path:
    """A Llama of one layer of zeros with the family's tokenizer and template."""
    vocabulary = list(_vocabulary(family))
    width = 32
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(len(vocabulary))
    writer.add_file_type(0)
    writer.add_tokenizer_model(family.kind)
    writer.add_token_list([text for text, _, _ in vocabulary])
    writer.add_token_types([kind for _, kind, _ in vocabulary])
    if family.kind == "llama":
        writer.add_token_scores([score for _, _, score in vocabulary])
        writer.add_add_space_prefix(True)
    else:
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_merges(["h e", "l l"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(family.template)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    for name in ("token_embd", "output"):
        writer.add_tensor(f"{name}.weight", zeros(len(vocabulary), width))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros(width, width))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _vocabulary(family: Family) -> Iterator[tuple[str, int, float]]:
    """(text, type, score) of each token; <unk>, <s> and </s> first."""
    yield "<unk>", _UNKNOWN, 0.0
    yield "<s>", CONTROL, 0.0
    yield "</s>", CONTROL, 0.0
    if family.kind == "llama":
        for byte in range(256):
            yield f"<0x{byte:02X}>", _BYTE, 0.0
        for word in family.words:
            yield word, _NORMAL, -1.0
    else:
        for letter in _byte_letters():
            yield letter, _NORMAL, 0.0
        yield "he", _NORMAL, 0.0
        yield "ll", _NORMAL, 0.0
    for text in family.control:
        yield text, CONTROL, 0.0
    for text in family.added:
        yield text, USER_DEFINED, 0.0


def _byte_letters() -> list[str]:
    """How GPT-2 writes the 256 bytes as letters."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]
