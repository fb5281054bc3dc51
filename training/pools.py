"""What the examples are drawn from: the drinks of one split, the question wordings, and pools of words, syllables and Hanja."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from kdrinks import kinds
from kdrinks.drinks.facts import facts_of
from kdrinks.drinks.passages import passage_of_belief, passage_of_topic, passages_of
from kdrinks.drinks.read import drink_from, load_beliefs, load_topics
from kdrinks.kinds import Kind
from kdrinks.records import Passage

HELD_OUT_PERCENT = 15
"""Share of the drinks that are only measured on, by hash of the id."""

_ASKED: dict[str, tuple[Kind, ...]] = {
    "identity": ("identity",),
    "names": ("names",),
    "pronunciation": ("pronunciation", "names"),
    "ingredients": ("ingredients",),
    "substitution": ("ingredients", "making"),
    "making": ("making", "ingredients"),
    "season": ("season",),
    "occasion": ("season",),
    "serving": ("serving",),
    "pairing": ("serving",),
    "region": ("region",),
    "history": ("history", "heritage"),
    "heritage": ("heritage", "history"),
    "alcohol": ("alcohol",),
    "caffeine": ("caffeine",),
    "cautions": ("cautions",),
    "allergens": ("cautions", "ingredients"),
    "diet": ("cautions", "ingredients"),
    "infants": ("cautions", "alcohol"),
    "pregnancy": ("alcohol", "cautions", "caffeine"),
    "health": ("cautions", "alcohol", "caffeine"),
    "driving": ("alcohol",),
    "similar": ("similar",),
    "false_belief": ("belief", "alcohol", "caffeine", "identity"),
}

KINDS = _ASKED | {kind: (kind,) for kind in kinds.OF_DRINKS if kind not in _ASKED}
"""The kinds of passages that belong to a question by its intent; the first is there most often."""

PROSE = tuple(kind for kind in kinds.TABLE if kind not in kinds.OF_DRINKS)

ALIASES = {
    "what": "identity",
    "other_names": "names",
    "allergy": "allergens",
    "allergies": "allergens",
    "infant": "infants",
    "kids": "infants",
    "children": "infants",
    "caution": "cautions",
    "safety": "cautions",
    "belief": "false_belief",
    "ood": "out_of_scope",
    "out_of_domain": "out_of_scope",
    "small_talk": "smalltalk",
    "unknown": "not_found",
    "nothing_found": "not_found",
    "not_in_data": "not_found",
    "comparison": "compare",
    "recommendation": "recommend",
    "origin": "history",
    "where": "region",
    "when": "season",
    "how_to_make": "making",
    "abv": "alcohol",
    "document": "topic",
    "has_ingredient": "ingredients",
    "followup": "topic",
    "medicine": "health",
    "vegan": "diet",
}
"""Intents of the wordings that mean one of ours."""


def held_out(drink_id: str) -> bool:
    """Whether a drink is kept out of training."""
    return int(hashlib.sha1(drink_id.encode()).hexdigest(), 16) % 100 < HELD_OUT_PERCENT


def intent_of(name: str) -> str:
    """Our intent for the one a wording carries: `recommend_season` is a recommendation."""
    name = name.replace("-", "_")
    name = ALIASES.get(name, name)
    for known in ("recommend", "compare", "false_belief", "smalltalk", "injection", "out_of_scope", "not_found"):
        if name.startswith(known):
            return known
    if name in KINDS or name in PROSE:
        return name
    head = name.split("_")[0]
    head = ALIASES.get(head, head)
    return head if head in KINDS else "topic"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def wordings(folder: Path, split: str) -> dict[str, dict[str, list[str]]]:
    """Question wordings by language and intent. split: "train" or "test". A follow-up counts as what it is about."""
    found: dict[str, dict[str, list[str]]] = {"ko": {}, "en": {}}
    for path in sorted(folder.glob("*.jsonl")):
        for row in rows(path):
            lang = row.get("lang") or path.stem[:2]
            if row.get("split", "train") == split:
                found[lang].setdefault(intent_of(row.get("about") or row["intent"]), []).append(row["text"])
    return found


def syllables() -> list[str]:
    """The 2,350 Hangul syllables of KS X 1001 in code order: two bytes 0xB0-0xC8, 0xA1-0xFE in EUC-KR."""
    return [bytes((first, second)).decode("euc_kr") for first in range(0xB0, 0xC9) for second in range(0xA1, 0xFF)]


class World:
    """The data of one split and the pools that inventing draws from."""

    def __init__(self, data: Path, folder: Path, split: str = "train") -> None:
        every = rows(data / "drinks.jsonl")
        self.drinks = [d for d in every if held_out(d["id"]) == (split == "test")]
        others = [d for d in every if held_out(d["id"])] if split == "train" else []
        hidden = "|".join(re.escape(d[f"title_{lang}"]) for d in others for lang in ("ko", "en")) or r"(?!)"
        self.hidden = re.compile(rf"(?<![\w-])(?:{hidden})(?!-)", re.IGNORECASE)
        topics, beliefs = load_topics(data / "topics.jsonl"), list(load_beliefs(data / "beliefs.jsonl"))
        facts = [facts_of(drink_from(d)) for d in self.drinks]
        self.wordings = wordings(folder, split)
        self.syllables = syllables()
        self.english: list[str] = []
        self.hanja: list[str] = []
        """What the tokenizer has as one token, for inventing; a token that is never right is unlearnt. Empty: the words of the data."""
        self.passages: dict[str, list[list[Passage]]] = {}
        self.prose: dict[str, list[Passage]] = {}
        self.words: dict[str, list[str]] = {}
        self.items: dict[str, list[str]] = {}
        for lang in ("ko", "en"):
            titles = {d["id"]: d[f"title_{lang}"] for d in self.drinks}
            self.passages[lang] = [
                [p for p in passages_of(told, lang, titles) if not self.hides(p.text)] for told in facts
            ]
            self.prose[lang] = [
                p
                for p in [
                    *(passage_of_topic(t, lang) for t in topics),
                    *(passage_of_belief(b, lang) for b in beliefs),
                ]
                if not self.hides(p.text)
            ]
            flat = [p for own in self.passages[lang] for p in own] + self.prose[lang]
            self.words[lang] = [w for p in flat for w in p.text.split() if not re.search(r"[:.]$", w)]
            self.items[lang] = [i for d in self.drinks for i in d["ingredients"][lang]]
        self.names = {
            lang: [n for d in self.drinks for n in d["aliases"] if (n[0] > "\u1000") == (lang == "ko")]
            for lang in ("ko", "en")
        }

    def hides(self, text: str) -> bool:
        """Whether the text speaks of a drink that is kept out; 수박화채 does not speak of 화채."""
        return self.hidden.search(text) is not None
