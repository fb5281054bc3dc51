"""Reads a Dockerfile: stages, and in each its instructions in order. As much of the format as ours use."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    """In capitals, as RUN."""
    text: str
    """The rest of the line, continued lines joined."""


@dataclass(slots=True)
class Stage:
    image: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, name: str) -> list[str]:
        return [one.text for one in self.instructions if one.name == name]

    @property
    def environment(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for text in self.of("ENV") for pair in shlex.split(text))


def read(path: Path) -> list[Stage]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        name, _, text = line.partition(" ")
        if name == "FROM":
            image, _, alias = text.partition(" AS ")
            stages.append(Stage(image, alias))
        else:
            stages[-1].instructions.append(Instruction(name, text.strip()))
    return stages
