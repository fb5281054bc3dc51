"""How the built-in model is asked: the chat template in its file, and the same layout as control tokens in training.

Pure text. tokenizer.Tokenizer.prompt makes the ids, tests hold the two together.
"""

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{%- set asked = messages | selectattr('role', 'equalto', 'user') | list -%}"
    "{%- if asked -%}"
    "{%- for passage in asked[-1].passages or [] -%}"
    "<|passage|>{{ passage.title }}<|{{ passage.kind }}|>{{ passage.text }}"
    "{%- endfor -%}"
    "<|user|>{{ asked[-1].question or asked[-1].content }}"
    "{%- endif -%}"
    "<|assistant|>"
)
"""The last question with its passages and nothing before it: system texts and earlier turns were not trained on."""
