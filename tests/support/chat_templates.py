"""Small chat templates, one for each way in which a real one differs from the plain kind: what each must become.

Written for these tests; none is a copy. S stands for the system text, Q for the question, A and B for an earlier turn.
"""

from dataclasses import dataclass, field

_EACH = "{%- for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
_GO = "{% if add_generation_prompt %}<assistant>{% endif %}"


@dataclass(frozen=True)
class Case:
    name: str
    source: str
    prompt: str
    """Of system text S and question Q."""
    turns: str = ""
    """And of S, A, B, Q; "" where it is the same kind of thing."""
    extra: dict[str, object] = field(default_factory=dict)


CASES = (
    Case("plain", _EACH + _GO, "<system>S<user>Q<assistant>", "<system>S<user>A<assistant>B<user>Q<assistant>"),
    Case(
        "marks what is trained on",
        "{%- for m in messages %}<{{ m.role }}>{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}" + _GO,
        "<system>S<user>Q<assistant>",
    ),
    Case(
        "marks it with blanks cut",
        "{%- for m in messages %}\n{%- generation -%}\n  [{{ m.content }}]\n{%- endgeneration -%}\n{% endfor %}" + _GO,
        "[S][Q]<assistant>",
    ),
    Case(
        "sets something in what is trained on",
        "{% set x = 1 %}{% generation %}{% set x = 2 %}{% endgeneration %}{{ x }}" + _EACH + _GO,
        "1<system>S<user>Q<assistant>",
    ),
    Case(
        "asks whether there are tools",
        "{% if tools is not none %}{{ tools | length }} tools{% endif %}{% if documents is not none %}{{ documents[0].text }}{% endif %}"
        + _EACH + _GO,
        "<system>S<user>Q<assistant>",
    ),
    Case(
        "goes through the tools",
        "{% for tool in tools %}{{ tool }}{% endfor %}" + _EACH + _GO,
        "<system>S<user>Q<assistant>",
    ),
    Case(
        "refuses a system text",
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<{{ m.role }}>{{ m.content }}"
        "{% endfor %}" + _GO,
        "<user>S\n\nQ<assistant>",
        "<user>S\n\nA<assistant>B<user>Q<assistant>",
    ),
    Case(
        "leaves out a system text",
        "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endfor %}" + _GO,
        "<user>S\n\nQ<assistant>",
        "<user>S\n\nA<assistant>B<user>Q<assistant>",
    ),
    Case(
        "leaves it out behind the first turn",
        "{% for m in messages %}{% if m.role != 'system' or messages | length < 3 %}<{{ m.role }}>{{ m.content }}{% endif %}{% endfor %}"
        + _GO,
        "<user>S\n\nQ<assistant>",
        "<user>S\n\nA<assistant>B<user>Q<assistant>",
    ),
    Case(
        "goes through parts",
        "{% for m in messages %}<{{ m.role }}>{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}"
        "{% endfor %}" + _GO,
        "<system>S<user>Q<assistant>",
        "<system>S<user>A<assistant>B<user>Q<assistant>",
    ),
    Case(
        "takes a text or parts",
        "{% for m in messages %}{% if m.content is string %}({{ m.content }}){% else %}{{ m.content[0].text }}{% endif %}{% endfor %}",
        "(S)(Q)",
    ),
    Case(
        "goes through parts and knows no system text",
        "{% for m in messages if m.role == 'user' %}{% for part in m.content %}[{{ part.text }}]{% endfor %}{% endfor %}",
        "[S\n\nQ]",
        "[S\n\nA][Q]",
    ),
    Case("wants the first part", "{% for m in messages %}{{ m.content[0].text | upper }}.{% endfor %}", "S.Q."),
    Case(
        "writes JSON",
        "{% for m in messages %}{{ {'b': m.content, 'a': 'é'} | tojson(ensure_ascii=True, sort_keys=True, separators=(',', ':')) }}"
        "{{ [1] | tojson(indent=1) }}{% endfor %}",
        '{"a":"\\u00e9","b":"S"}[\n 1\n]{"a":"\\u00e9","b":"Q"}[\n 1\n]',
    ),
    Case(
        "leaves a loop",
        "{% for m in messages %}{% if m.role == 'tool' %}{% continue %}{% endif %}{{ m.content }}{% if loop.last %}{% break %}{% endif %}{% endfor %}",
        "SQ",
        "SABQ",
    ),
    Case(
        "wants turns to alternate",
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}"
        "<{{ m.role }}>{{ m.content }}{% endfor %}",
        "<user>S\n\nQ",
        "<user>S\n\nA<assistant>B<user>Q",
    ),
    Case("wants text in an answer", "{% for m in messages %}{{ m.content.strip() }};{% endfor %}", "S;Q;"),
    Case("cuts a thought", "{% for m in messages %}{{ m.content.split('</think>')[-1] }};{% endfor %}", "S;Q;"),
    Case("begins with a line", "\n{{ bos_token }}" + _EACH + _GO, "\n<s><system>S<user>Q<assistant>"),
    Case("ignores whether it shall open an answer", _EACH + "<assistant>", "<system>S<user>Q<assistant>"),
)  # fmt: skip
LOST = (
    "{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}",
    "You are a helpful assistant.",
    "{% for m in messages %}{% for part in m.content if part.type == 'image' %}{{ part }}{% endfor %}{% endfor %}",
)
"""None of these lets a question through."""
BOMBS = {
    "doubles a text by ~": "{% set n = namespace(x='a' * 32) %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "doubles a text by +": "{% set n = namespace(x='a' * 32) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "repeats a text": "{{ 'a' * 10**10 }}",
    "repeats a list": "{{ ([1] * 10**10) | length }}",
    "loops in loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "calls itself twice": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "counts far": "{{ range(10**12) | list }}",
    "centres": "{{ 'a' | center(10**9) }}",
    "justifies": "{{ 'a'.ljust(10**10) }}",
    "formats with %": "{{ '%1000000000d' % 1 }}",
    "formats with a filter": "{{ '%1000000000d' | format(1) }}",
    "formats with braces": "{{ '{:1000000000}'.format(1) }}",
    "joins": "{{ range(99999) | join('a' * 1000000) }}",
    "replaces": "{{ ('a' * 1000000) | replace('a', 'b' * 100000) }}",
    "takes a power": "{{ 10**(10**8) }}",
    "squares a number": "{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "lists in lists": "{% set n = namespace(x=['ha']) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "lists in lists as JSON": "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}",
    "writes without end": "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "nests too deeply": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
}  # fmt: skip
