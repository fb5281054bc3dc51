"""The question wordings of training/wordings/: read, and their slots filled. Needs no torch."""

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from kdrinks import kinds
from kdrinks.kinds import Intent, Kind
from kdrinks.records import Language
from kdrinks.search.reading import MASK

WORDINGS = Path(__file__).resolve().parent / "wordings"

SLOT = re.compile(r"\{(\w+)(?::([^}]*))?\}")
FILL = {
    "ko": {
        "item": "쌀 꿀 생강 대추 계피 누룩 엿기름 잣 설탕 보리 오미자 배 우유 유자 곶감 인삼 찹쌀 콩 호두 감초".split(),
        "season": "봄 여름 가을 겨울 한여름 환절기".split(),
        "occasion": "설날 추석 단오 제사 결혼식 생일 유두 중양절 대보름 잔치".split(),
        "region": "제주 안동 전주 서울 경주 진도 강원도 전라도 충청도 부산".split(),
    },
    "en": {
        "item": "rice,honey,ginger,jujube,cinnamon,nuruk,malt,pine nuts,sugar,barley,omija,pear,milk,yuja,persimmon,ginseng,nuts".split(
            ","
        ),
        "season": "spring summer autumn winter fall".split(),
        "occasion": "Seollal,Chuseok,Dano,New Year,weddings,birthdays,ancestral rites".split(","),
        "region": "Jeju,Andong,Jeonju,Seoul,Gyeongju,Jindo,Gangwon,Jeolla".split(","),
    },
}

_BESIDE: Mapping[Intent, tuple[tuple[Kind, float], ...]] = {
    "pronunciation": (("names", 0.5),),
    "has_ingredient": (("ingredients", 1.0), ("cautions", 0.3)),
    "amounts": (("making", 0.4), ("ingredients", 0.2)),
    "times": (("making", 0.5), ("storage", 0.2)),
    "tools": (("making", 0.4), ("substitution", 0.5)),
    "substitution": (("ingredients", 0.5), ("tools", 0.2)),
    "why": (("history", 0.5), ("identity", 0.2), ("heritage", 0.2)),
    "making": (("ingredients", 0.2), ("times", 0.2), ("tools", 0.2), ("amounts", 0.2)),
    "occasion": (("season", 1.0),),
    "history": (("heritage", 0.2), ("why", 0.6)),
    "heritage": (("history", 0.3),),
    "driving": (("alcohol", 1.0),),
    "allergy": (("cautions", 1.0), ("ingredients", 0.5)),
    "diet": (("cautions", 1.0), ("ingredients", 0.5)),
    "infant": (("cautions", 1.0), ("alcohol", 0.4)),
    "pregnancy": (("alcohol", 1.0), ("cautions", 0.6)),
    "health": (("cautions", 1.0),),
    "storage": (("identity", 0.3), ("serving", 0.2)),
    "etiquette": (("serving", 0.5), ("identity", 0.3)),
    "topic": (("identity", 0.6),),
    "compare": (("identity", 1.0),),
    "recommend": (("identity", 1.0),),
    "false_belief": (("identity", 0.4), ("history", 0.3)),
}
"""The kinds that say what an intent asks for besides the one of its own name, and how surely."""

_OWN: Mapping[Intent, tuple[tuple[Kind, float], ...]] = {kind: ((kind, 1.0),) for kind in kinds.OF_DRINKS}

KINDS: Mapping[Intent, tuple[tuple[Kind, float], ...]] = {
    intent: _OWN.get(intent, ()) + _BESIDE.get(intent, ()) for intent in (*_OWN, *_BESIDE)
}
"""The kinds of passages that say what an intent asks for, and how surely."""


def rows(split: str) -> list[tuple[Language, Intent, str]]:
    """(lang, intent, text) of the wordings of a split; follow-ups carry no intent of their own and are left out."""
    found: list[tuple[Language, Intent, str]] = []
    for path in sorted(WORDINGS.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if row.get("split", "train") == split and row["intent"] != "followup":
                lang = cast(Language, row.get("lang") or path.stem[:2])
                found.append((lang, canonical(row["intent"]), row["text"]))
    return found


def canonical(intent: str) -> Intent:
    return cast(Intent, {"infants": "infant", "allergens": "allergy", "pairing": "serving"}.get(intent, intent))


def filled(text: str, lang: str, rng: random.Random, *, without_name: bool = False) -> str:
    """The wording with names masked and other slots filled; without_name leaves the name out, as a follow-up does."""

    def value(match: re.Match[str]) -> str:
        slot, particles = match[1], match[2]
        particle = rng.choice(particles.split("/")) if particles else ""
        if slot in ("name", "other"):
            return "" if without_name and slot == "name" else MASK + particle
        return rng.choice(FILL[lang].get(slot, [MASK])) + particle

    return SLOT.sub(value, text)
