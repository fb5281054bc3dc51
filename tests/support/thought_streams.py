"""What thinking models write, as their families mark it: streams with the thought and the answer that are in them.

Each family's way of speaking with each of the contents that thoughts really have; and cases that no family means, but models do.
"""

from dataclasses import dataclass

from kdrinks.engine.thinking import Convention, Thinking

HARMONY = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>")
COMMAND = ("<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>")


@dataclass(frozen=True)
class Stream:
    name: str
    said: str
    thought: str
    answer: str
    template: str = ""
    """The model's chat template, as far as it matters."""
    control: tuple[str, ...] = ()
    prompt: str = ""
    """How its prompt ends."""

    @property
    def thinking(self) -> Thinking:
        return Thinking(self.template, self.control)

    @property
    def opened(self) -> Convention | None:
        return self.thinking.opened_by(self.prompt)


_FAMILIES = (
    # name, template, control texts, what opens a thought, closes it, and stands around the answer
    ("qwen3", "", (), "<think>\n", "\n</think>\n\n", "", ""),
    ("r1", "{{ '<think>' }}", ("<think>", "</think>"), "<think>\n", "\n</think>\n\n", "", ""),
    ("exaone-deep", "", (), "<thought>\n", "\n</thought>\n\n", "", ""),
    ("hunyuan", "", (), "<think>\n", "\n</think>\n", "<answer>\n", "\n</answer>"),
    ("granite-3.3", "", (), "<think>", "</think>\n", "<response>", "</response>"),
    ("apriel-1.5", "", (), "<thinking>", "</thinking>\n", "[BEGIN FINAL RESPONSE]\n", "\n[END FINAL RESPONSE]"),
    ("seed-oss", "<seed:think>", ("<seed:think>", "</seed:think>"), "<seed:think>", "</seed:think>", "", ""),
    ("minimax-m3", "<mm:think>", ("<mm:think>", "</mm:think>"), "<mm:think>", "</mm:think>\n\n", "", ""),
    ("magistral", "[THINK]", ("[THINK]", "[/THINK]"), "[THINK]", "[/THINK]", "", ""),
    ("kimi-vl", "◁think▷", (), "◁think▷", "◁/think▷", "", ""),
    ("command-a", "", COMMAND, COMMAND[0], COMMAND[1], COMMAND[2], COMMAND[3]),
    ("openthinker", "", (), "<|begin_of_thought|>\n\n", "\n\n<|end_of_thought|>\n\n", "<|begin_of_solution|>\n\n", "\n\n<|end_of_solution|>"),
    ("apertus", "", ("<|inner_prefix|>", "<|inner_suffix|>"), "<|inner_prefix|>", "<|inner_suffix|>", "", ""),
    ("gemma-4", "", ("<|channel>", "<channel|>"), "<|channel>thought\n", "<channel|>", "", ""),
    ("gpt-oss", "", HARMONY, "<|channel|>analysis<|message|>", "<|end|>", "<|start|>assistant<|channel|>final<|message|>", ""),
    ("solar-open", "", ("<|begin|>", "<|think|>", "<|end|>", "<|content|>"), "<|think|>", "<|end|>", "<|begin|>assistant<|content|>", ""),
    ("hyperclova-x", "assistant/think", ("<|im_start|>", "<|im_end|>"), "/think\n", "<|im_end|>", "\n<|im_start|>assistant\n", ""),
    ("granite-3.2", "Here is my thought process:", (), "Here is my thought process:\n", "Here is my response:\n", "", ""),
    ("apriel-1.6", "Here are my reasoning steps:", (), "Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]\n", "", "\n[END FINAL RESPONSE]"),
)  # fmt: skip
_CONTENTS = {
    "Korean": ("식혜는 밥을 엿기름물로 삭힌다. 🍚 따라서", "식혜는 밥과 엿기름으로 만듭니다. [1]"),
    "lines": ("First.\n\n- a\n- b\n\nSo:", "One.\n\nTwo."),
    "code": ("```python\nif a < b: print('<b>')\n```\n`x[0]`", "Use `a < b`:\n\n```\n<p>[1]</p>\n```"),
    "signs": ("a < b, c > d, <| |>, [x], </, <t", "1 < 2, [1] | < [ </"),
    "empty": ("", "막걸리입니다."),
}


def _of_families() -> list[Stream]:
    streams = []
    for name, template, control, opens, closes, before, behind in _FAMILIES:

        def stream(kind: str, said: str, thought: str, answer: str, prompt: str = "") -> None:
            streams.append(Stream(f"{name}: {kind}", said, thought, answer, template, control, prompt))  # noqa: B023

        for kind, (thought, answer) in _CONTENTS.items():
            stream(kind, f"{opens}{thought}{closes}{before}{answer}{behind}", thought, answer)
        stream("unclosed", f"{opens}끝이 없는 생각", "끝이 없는 생각", "")
        stream("opened by the prompt", f"생각{closes}{before}답{behind}", "생각", "답", f"assistant\n{opens}")
        stream("opened twice", f"{opens}생각{closes}{before}답{behind}", "생각", "답", f"assistant\n{opens}")
        stream("only an answer", "답입니다.", "", "답입니다.")
    return streams


_ODD = [
    Stream("a closing mark that nothing opened", "생각\n</think>\n\n답", "생각", "답"),
    Stream("a thought within a thought", "<think>a<think>b</think>c</think>답", "a<think>bc", "답"),
    Stream("a thought that speaks of its marks", "<think>I close with </think>.\n</think>답", "I close with .", "답"),
    Stream("two thoughts before the answer", "<think>a</think>\n<think>b</think>\n답", "ab", "답"),
    Stream("a thought in the middle", "먼저 답. <think>hm</think> 나머지.", "hm", "먼저 답. 나머지."),
    Stream("a mark in the answer's code", "`</think>`는 표시이고\n```\n<think>\n```\n입니다.", "", "`</think>`는 표시이고\n```\n<think>\n```\n입니다."),
    Stream("half a mark at the end", "답 </thi", "", "답 </thi"),
    Stream("half a mark in a thought that never ends", "<think>생각 </thi", "생각 </thi", ""),
    Stream("nothing", "", "", ""),
    Stream("blanks", "  \n", "", ""),
    Stream("a border that nothing is behind", "<answer>답</answer>", "", "<answer>답</answer>"),
    Stream("gpt-oss thinks twice", "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>b<|end|><|start|>assistant<|channel|>final<|message|>답<|return|>", "ab", "답", "", HARMONY),
    Stream("gpt-oss does not think", "<|channel|>final<|message|>답", "", "답", "", HARMONY),
    Stream("gpt-oss leaves its thought by the next channel", "<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>답", "a", "답", "", HARMONY),
    Stream("a control token out of place", "답<|message|>입니다<|channel|>.", "", "답입니다.", "", HARMONY),
    Stream("a control token out of place in a thought", "<|channel|>analysis<|message|>a<|message|>b<|end|>답", "ab", "답", "", HARMONY),
    Stream("a tag of another family", "<b>답</b> <thinker> </think2>", "", "<b>답</b> <thinker> </think2>"),
]  # fmt: skip
STREAMS = [*_of_families(), *_ODD]
