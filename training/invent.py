"""Endless examples for the built-in model: real and invented drinks, questions in many wordings, one right answer each.

An example is (intent, language, passages, question, answer). The passages are those of kdrinks.knowledge.passages, the
answer is phrasing.say() of the passages that belong to the question. Most drinks are invented, so that the model learns
to copy what stands before it and not what it remembers. Everything is a function of the seed and the data files; knows
nothing of tokens or tensors.
"""

import hashlib
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdrinks.knowledge.passages import passage_of_belief, passage_of_topic, passages_of_drink
from kdrinks.phrasing import particle, say
from kdrinks.records import Language, Passage

HELD_OUT_PERCENT = 15
"""Share of the drinks that are only measured on, by hash of the id."""

_KINDS: dict[str, tuple[str, ...]] = {
    "identity": ("identity",),
    "names": ("names",),
    "pronunciation": ("names",),
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
"""The kinds of passages that belong to a question by its intent; the first is there most often."""

_MORE = {"history": 0.5, "heritage": 0.3, "allergens": 0.5, "infants": 0.5, "pregnancy": 0.7}
"""How often one more passage of a drink stands in the prompt: knowledge.choose gives several for these intents alone."""

_ALIASES = {
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

_DECLINED = ("not_found", "out_of_scope", "injection", "smalltalk")
_PROSE = ("topic", "belief", "document")


@dataclass(frozen=True, slots=True)
class Example:
    intent: str
    lang: Language
    passages: tuple[Passage, ...]
    question: str
    answer: str


def held_out(drink_id: str) -> bool:
    """Whether a drink is kept out of training."""
    return int(hashlib.sha1(drink_id.encode()).hexdigest(), 16) % 100 < HELD_OUT_PERCENT


def intent_of(name: str) -> str:
    """Our intent for the one a wording carries: `recommend_season` is a recommendation."""
    name = name.replace("-", "_")
    name = _ALIASES.get(name, name)
    for known in ("recommend", "compare", "false_belief", "smalltalk", "injection", "out_of_scope", "not_found"):
        if name.startswith(known):
            return known
    if name in _KINDS or name in _PROSE:
        return name
    head = name.split("_")[0]
    head = _ALIASES.get(head, head)
    return head if head in _KINDS else "topic"


def belonging(intent: str, passages: Sequence[Passage], subjects: Sequence[str] = ()) -> list[Passage]:
    """The passages that the answer says: of the named subjects and of the kinds that the intent asks for.

    Prose of topics and documents always belongs; when nothing would, everything does. subjects: ids; empty means any.
    """
    kinds = _KINDS.get(intent)
    own = [
        passage
        for passage in passages
        if passage.kind in _PROSE
        or ((not subjects or passage.subject_id in subjects) and (kinds is None or passage.kind in kinds))
    ]
    return own or list(passages)


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
        self.topics, self.beliefs = rows(data / "topics.jsonl"), rows(data / "beliefs.jsonl")
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
                [p for p in passages_of_drink(d, lang, titles) if not self.hides(p.text)] for d in self.drinks
            ]
            self.prose[lang] = [
                p
                for p in [
                    *(passage_of_topic(t, lang) for t in self.topics),
                    *(passage_of_belief(b, lang) for b in self.beliefs),
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


class Inventor:
    """Draws examples. One instance per seed; the same seed draws the same examples."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.rng = random.Random(seed)

    # --- words

    def syllable(self) -> str:
        return self.rng.choice(self.world.syllables)

    def usual(self) -> str:
        """A syllable as frequent as in the data: the first one of some word."""
        word = self.rng.choice(self.world.words["ko"])
        found = re.findall(r"[가-힣]", word)
        return self.rng.choice(found) if found else self.syllable()

    def word(self, lang: str, wild: float) -> str:
        """One invented word; wild: share of syllables from the whole character set."""
        rng = self.rng
        if lang == "ko":
            n = rng.choice((1, 2, 2, 2, 3, 3, 4))
            return "".join(self.syllable() if rng.random() < wild else self.usual() for _ in range(n))
        if self.world.english and rng.random() < 0.4:
            return rng.choice(self.world.english)
        if rng.random() < 0.35:
            letters = re.sub(r"[^a-z]", "", rng.choice(self.world.words["en"]).lower()) or "rice"
            cut = list(letters)
            for _ in range(rng.choice((0, 1, 2))):
                cut[rng.randrange(len(cut))] = rng.choice("abcdefghijklmnopqrstuvwxyz")
            return "".join(cut)
        return self.roman(rng.choice((1, 2, 2, 3)))

    def roman(self, n: int) -> str:
        rng = self.rng
        first = ("g", "n", "d", "r", "m", "b", "s", "", "j", "ch", "k", "t", "p", "h", "ss", "kk", "tt", "jj")
        middle = ("a", "eo", "o", "u", "eu", "i", "ae", "e", "ya", "yeo", "yo", "yu", "wa", "wo", "ui", "oe", "wi")
        last = ("", "", "", "k", "n", "l", "m", "p", "ng", "t")
        return "".join(rng.choice(first) + rng.choice(middle) + rng.choice(last) for _ in range(n))

    def title(self, lang: str) -> str:
        rng = self.rng
        if lang == "ko":
            ends = (
                "주",
                "차",
                "탕",
                "채",
                "수",
                "장",
                "술",
                "식혜",
                "화채",
                "막걸리",
                "소주",
                "밀수",
                "",
                "청",
                "음료",
            )
            wild = rng.choice((0.0, 0.1, 1.0))
            stem = "".join(
                self.syllable() if rng.random() < wild else self.usual() for _ in range(rng.choice((1, 2, 2, 3, 3, 4)))
            )
            made = stem + rng.choice(ends)
            if rng.random() < 0.12:
                made = self.word("ko", 0.1) + " " + made
            if rng.random() < 0.03:
                made += rng.choice(("(", " (")) + self.word("ko", 0.1) + ")"
            return made if len(made) > 1 else made + self.usual()
        made = self.roman(rng.choice((1, 2, 2, 3, 3))).capitalize() + rng.choice(
            ("", "", "ju", "-cha", "tang", "-sikhye", "-hwachae", "-su")
        )
        if rng.random() < 0.15:
            made = self.roman(2).capitalize() + " " + (made if rng.random() < 0.5 else made.lower())
        if rng.random() < 0.12:
            made += " " + rng.choice(("tea", "wine", "soju", "makgeolli", "punch", "liquor", "drink"))
        return made

    def hanja(self) -> str:
        if self.world.hanja and self.rng.random() < 0.5:
            return "".join(self.rng.choice(self.world.hanja) for _ in range(self.rng.choice((2, 2, 3, 3, 4))))
        real = "".join(d["hanja"] or "" for d in self.world.drinks)
        return "".join(self.rng.choice(real) for _ in range(self.rng.choice((2, 2, 3, 3, 4))))

    def number(self) -> str:
        rng = self.rng
        return str(rng.choice((rng.randrange(10), rng.randrange(100), rng.randrange(2000), 1300 + rng.randrange(730))))

    def item(self, lang: str) -> str:
        """An ingredient or food: a real one, a changed one or an invented one."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.5:
            return rng.choice(self.world.items[lang])
        if kind < 0.65:
            return self.changed(rng.choice(self.world.items[lang]), lang, 0.5)
        made = " ".join(self.word(lang, 0.05) for _ in range(rng.choice((1, 1, 1, 2))))
        if kind > 0.94:
            made += rng.choice(
                ("(선택)", f" {self.number()}g", "·" + self.word(lang, 0.05))
                if lang == "ko"
                else (" (optional)", f" {self.number()} g")
            )
        return made

    # --- prose

    def changed(self, text: str, lang: str, share: float) -> str:
        """The text with some of its words exchanged; Korean words keep their last syllable, where the particle is."""
        rng = self.rng
        out = []
        for word in text.split(" "):
            if rng.random() >= share or word.endswith("니다."):
                out.append(word)
            elif re.search(r"\d", word):
                out.append(re.sub(r"\d", lambda _: str(rng.randrange(10)), word))
            elif lang == "ko" and re.fullmatch(r"[가-힣]{2,}[,.]?", word):
                tail = re.search(r".[,.]?$", word)
                out.append(self.word("ko", 0.05) + (tail[0] if tail else ""))
            elif lang == "en" and re.fullmatch(r"[A-Za-z]+[,.]?", word):
                made = self.word("en", 0)
                made = made.capitalize() if word[0].isupper() else made
                out.append(made + (word[-1] if word[-1] in ",." else ""))
            else:
                out.append(word)
        return " ".join(out)

    def wild(self, lang: str) -> str:
        """A sentence of words that mean nothing together, so that copying is learnt for anything."""
        rng = self.rng
        wild = rng.choice((0.05, 0.3, 1.0))
        n = rng.choice((2, 3, 5, 8, 12, 18))
        if rng.random() < 0.5:
            words = [rng.choice(self.world.words[lang]) for _ in range(n)]
        else:
            words = [self.word(lang, wild) for _ in range(n)]
        for place in range(n):
            kind = rng.random()
            if kind < 0.04:
                words[place] = f"({words[place]})"
            elif kind < 0.07:
                words[place] = rng.choice(("‘{}’", "『{}』", '"{}"', "'{}'")).format(words[place])
            elif kind < 0.12:
                words[place] = self.number() + rng.choice(
                    ("", "%", "년", "℃", "~" + self.number() + "%", "." + self.number()[0])
                )
            elif kind < 0.15:
                words[place] += ","
            elif kind < 0.17:
                words[place] = self.hanja()
            elif kind < 0.20:
                words[place] = self.roman(2).capitalize()
        text = " ".join(words).rstrip(",. ")
        return text + (rng.choice(("합니다.", "입니다.", "습니다.", " 있습니다.", ".")) if lang == "ko" else ".")

    def prose(self, text: str, lang: str, old: str, new: str) -> str:
        """A sentence about the drink new, made from a real one about old."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.06:
            made = self.wild(lang)
            return (
                f"{new}{particle(new, '은/는')} {made}"
                if lang == "ko" and rng.random() < 0.4
                else made[:1].upper() + made[1:]
            )
        if lang == "ko":
            text = re.sub(
                re.escape(old) + r"(은|는|이|가|을|를|과|와)?(?![가-힣])",
                lambda m: new + (particle(new, next(p for p in _PAIRS if m[1] in p.split("/"))) if m[1] else ""),
                text,
            )
        text = text.replace(old, new)
        return self.changed(text, lang, rng.choice((0.0, 0.0, 0.1, 0.3)))

    # --- drinks

    def drink(self, lang: Language) -> list[Passage]:
        """All passages of one drink, real or invented."""
        rng = self.rng
        real = rng.randrange(len(self.world.drinks))
        if rng.random() < 0.22:
            return self.world.passages[lang][real]
        base = self.world.drinks[real]
        title, old = self.title(lang), base[f"title_{lang}"]
        there = base["hanja"] and rng.random() < 0.8
        ko = lang == "ko"

        def some(items: Sequence[str], high: int) -> list[str]:
            n = rng.randint(1, high)
            return [self.item(lang) for _ in range(n)] if rng.random() < 0.8 else list(items)

        def short(value: str) -> str:
            if not value or rng.random() < 0.3:
                return value
            return (
                self.changed(value, lang, 0.6)
                if rng.random() < 0.6
                else ", ".join(self.item(lang) for _ in range(rng.choice((1, 1, 2))))
            )

        def told(text: str) -> str:
            return self.prose(text, lang, old, title)

        steps = [
            told(rng.choice(rng.choice(self.world.drinks)["steps"][lang] or ["."])) for _ in range(rng.randint(1, 6))
        ]
        facts = [f for f in base["facts"] + base["heritage"] if not self.world.hides(f[lang])]
        aliases = [
            self.title(lang) if rng.random() < 0.7 else rng.choice(self.world.names[lang])
            for _ in range(rng.choice((0, 1, 1, 2, 3)))
        ]
        other = self.title("en" if ko else "ko")
        record: dict[str, Any] = {
            "id": f"invented-{rng.getrandbits(40)}",
            "title_ko": title if ko else other,
            "title_en": other if ko else title,
            "hanja": self.hanja() if there else None,
            "aliases": aliases,
            "summary": {lang: told(base["summary"][lang])},
            "ingredients": {lang: some(base["ingredients"][lang], 8)},
            "steps": {lang: [s for s in steps if len(s) > 2]},
            "season": {lang: short(base["season"][lang])},
            "occasion": {lang: short(base["occasion"][lang])},
            "serve": {lang: base["serve"][lang] if rng.random() < 0.6 else short(base["serve"][lang])},
            "pairing": {lang: some(base["pairing"][lang], 4)},
            "region": {lang: short(base["region"][lang])},
            "facts": [{lang: told(f[lang])} for f in facts],
            "heritage": [{lang: told(f[lang])} for f in base["heritage"]],
            "alcohol": {lang: told(base["alcohol"][lang])},
            "caffeine": {lang: told(base["caffeine"][lang])},
            "safety": {lang: told(base["safety"][lang])},
            "similar": [str(n) for n in range(rng.randint(1, 4))],
        }
        titles = {
            str(n): self.title(lang) if rng.random() < 0.8 else rng.choice(self.world.drinks)[f"title_{lang}"]
            for n in range(4)
        }
        found = passages_of_drink(record, lang, titles)
        return [p for p in found if not self.world.hides(p.text)]

    def document(self, lang: Language) -> Passage:
        """A topic, false belief or added document."""
        rng = self.rng
        source = rng.choice(self.world.prose[lang])
        if rng.random() < 0.3:
            return source
        kind = rng.choice(("topic", "belief", "document", "document"))
        if rng.random() < 0.75:
            text = self.changed(source.text, lang, rng.choice((0.1, 0.2, 0.4)))
        else:
            text = " ".join(self.wild(lang)[:1].upper() + self.wild(lang)[1:] for _ in range(rng.choice((1, 2, 3))))
        title = " ".join(self.word(lang, 0.1) for _ in range(rng.choice((1, 2, 3))))
        return Passage("x", "x", kind, lang, title[:1].upper() + title[1:], text)

    # --- questions

    def ask(self, intent: str, lang: Language, names: Sequence[str], named: bool = False) -> str:
        """A wording of the intent, its slots filled, sometimes mistyped. named: the first name has to be in it."""
        rng = self.rng
        pools = self.world.wordings[lang]
        known = pools.get(intent) or pools.get("topic") or ["{name}?"]
        text = rng.choice(known)
        if named and "{name" not in text:
            text = rng.choice([t for t in known if "{name" in t] or ["{name}?"])
        values = {
            "name": names[0] if names else self.title(lang),
            "other": names[1] if len(names) > 1 else self.title(lang),
        }
        values["item"] = re.sub(r"\s*\(.*?\)", "", rng.choice(self.world.items[lang]))
        base = rng.choice(self.world.drinks)
        for slot in ("season", "occasion", "region"):
            value = re.split(r"[,(~·]", base[slot][lang])[0].strip()
            values[slot] = value or ("여름" if lang == "ko" else "summer")
        values["mood"] = rng.choice(
            ("우울할 때", "피곤할 때", "기쁠 때", "긴장될 때") if lang == "ko" else ("tired", "sad", "happy", "tense")
        )
        values["weather"] = rng.choice(
            ("비 오는 날", "눈 오는 날", "더운 날", "추운 날") if lang == "ko" else ("rainy", "hot", "cold", "snowy")
        )
        text = fill(text, lang, values)
        return text if named and rng.random() < 0.8 else self.noised(text, lang)

    def noised(self, text: str, lang: str) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.04 and lang == "ko":
            return text.replace(" ", "")
        if kind < 0.10:
            return text.lower() if lang == "en" else text.rstrip("?.!")
        if kind < 0.13 and len(text) > 4:
            place = rng.randrange(len(text) - 1)
            return text[:place] + text[place + 1 :]
        return text + rng.choice(("?", "!", "~", " ㅎㅎ", "..")) if kind < 0.15 else text

    # --- examples

    def example(self, longest: int = 10_000, simple: bool = False) -> Example:
        """One example. longest: characters of all passages together; simple: one passage that belongs."""
        while True:
            made = self._example(simple)
            if sum(len(p.text) + len(p.title) for p in made.passages) <= longest:
                return made

    def _example(self, simple: bool) -> Example:
        rng = self.rng
        lang: Language = "ko" if rng.random() < 0.55 else "en"
        draw = rng.random()
        if draw < (0.04 if simple else 0.11):
            return self._declined(lang)
        if draw < 0.17:
            passages = [self.document(lang)]
            if not simple and rng.random() < 0.15:
                passages.append(self.document(lang))
            intent = "false_belief" if passages[0].kind == "belief" else "topic"
            return self._answered(
                intent, lang, passages, [passages[0].title], named=intent == "topic" and rng.random() < 0.5
            )
        if not simple and draw < 0.30:
            return self._several(lang)
        own = self.drink(lang)
        intents = [i for i in _KINDS if any(p.kind in _KINDS[i] for p in own)]
        intent = rng.choice(intents)
        if rng.random() < 0.3:
            intent = rng.choice(("identity", "ingredients", "making", "history"))
        fit = [p for p in own if p.kind in _KINDS[intent]]
        if not fit:
            intent, fit = "identity", [p for p in own if p.kind == "identity"] or own[:1]
        first = [p for p in fit if p.kind == _KINDS[intent][0]]
        passages = [rng.choice(first or fit)]
        if simple:
            return self._answered(intent, lang, passages, [own[0].title])
        while len(passages) < 3 and rng.random() < _MORE.get(intent, 0.04):
            more = [p for p in fit if p not in passages]
            if not more:
                break
            passages.append(rng.choice(more))
        name, named = [passages[0].title], False
        if rng.random() < 0.08 and len(passages) < 3:
            if rng.random() < 0.5:
                strange = [p for p in own if p.kind not in _KINDS[intent]]
            else:
                named = True
                strange = [p for p in self.drink(lang) if p.kind in _KINDS[intent] or rng.random() < 0.1]
            if strange:
                # The search puts what was asked for first: seldom does the answer begin elsewhere.
                place = 0 if rng.random() < 0.15 else rng.randint(1, len(passages))
                passages.insert(place, rng.choice(strange))
        elif rng.random() < 0.05:  # asked for something else than what was found: what was found is said
            intent = rng.choice(list(_KINDS))
        return self._answered(intent, lang, passages, name, own[0].subject_id, named)

    def _several(self, lang: Language) -> Example:
        """A comparison or a recommendation."""
        rng = self.rng
        if rng.random() < 0.5:
            both = [self.drink(lang), self.drink(lang)]
            passages = [p for own in both for p in own if p.kind == "identity"]
            if rng.random() < 0.1:
                extra = [p for own in both for p in own if p.kind in ("alcohol", "ingredients", "caffeine")]
                passages = [*passages, rng.choice(extra)] if extra else passages
            elif rng.random() < 0.05:
                passages.append(self.document(lang))
            names = [own[0].title for own in both]
            return self._answered("compare", lang, passages, names[::-1] if rng.random() < 0.3 else names)
        passages = []
        for _ in range(rng.choice((1, 2, 2, 3, 3, 3))):
            passages += [p for p in self.drink(lang) if p.kind == "identity"]
        if rng.random() < 0.1 and len(passages) < 3:
            passages.append(self.document(lang))
        return self._answered("recommend", lang, passages, [])

    def _declined(self, lang: Language) -> Example:
        rng = self.rng
        intent = rng.choice(("not_found", "out_of_scope", "out_of_scope", "injection", "smalltalk"))
        if intent == "not_found" and rng.random() < 0.6:
            return Example(intent, lang, (), self.ask(rng.choice(list(_KINDS)), lang, []), say(intent, lang, ()))
        return Example(intent, lang, (), self.ask(intent, lang, []), say(intent, lang, ()))

    def _answered(
        self,
        intent: str,
        lang: Language,
        passages: list[Passage],
        names: list[str],
        subject: str = "",
        named: bool = False,
    ) -> Example:
        if not passages:
            return Example("not_found", lang, (), self.ask("identity", lang, names), say("not_found", lang, ()))
        own = belonging(intent, passages, [subject] if subject else ()) if intent in _KINDS else passages
        return Example(intent, lang, tuple(passages), self.ask(intent, lang, names, named), say(intent, lang, own))


def fill(text: str, lang: str, values: Mapping[str, str]) -> str:
    """The wording with its slots filled: `{name}`, `{name:은/는}`, and Korean particles right after a slot made to fit."""

    def filled(match: re.Match[str]) -> str:
        value = values.get(match["slot"], values["item"])
        if match["forms"]:
            return value + particle(value, match["forms"])
        if match["loose"]:
            return value + particle(value, next(pair for pair in _PAIRS if match["loose"] in pair.split("/")))
        return value

    loose = r"(?P<loose>은|는|이|가|을|를|과|와)?(?![가-힣])" if lang == "ko" else "(?P<loose>)"
    text = re.sub(r"\{(?P<slot>\w+)(?::(?P<forms>[^}]+))?\}" + loose, filled, text)
    return re.sub(r"\{(?P<slot>\w+)(?::(?P<forms>[^}]+))?\}(?P<loose>)", filled, text)


_PAIRS = ("은/는", "이/가", "을/를", "과/와")
