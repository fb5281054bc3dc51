"""Invents drinks, documents and their words, so that the model learns to copy what stands before it and not what it remembers.

Everything is a function of the seed and of the world; knows nothing of questions, tokens or tensors.
"""

import random
import re
from collections.abc import Sequence

from kdrinks.drinks.model import Drink
from kdrinks.drinks.passages import passages_of
from kdrinks.drinks.read import later_fields
from kdrinks.kinds import Kind
from kdrinks.records import Language, Passage
from kdrinks.store.facts import Fact
from kdrinks.text.korean import josa
from training.pools import World

PAIRS = ("은/는", "이/가", "을/를", "과/와")
"""Particles whose form follows the word before them: after a consonant, after a vowel."""


class Inventor:
    """Draws drinks and documents; the same seed draws the same ones. real: only those of the data, nothing invented."""

    def __init__(self, world: World, seed: int, real: bool = False) -> None:
        self.world, self.real = world, real
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
        if self.world.english and rng.random() < 0.6:
            # two and three in a row, because what is spelt inside a word is another token than the same letters behind a space
            return "".join(rng.choice(self.world.english) for _ in range(rng.choice((1, 1, 2, 2, 3))))
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
        if self.world.hanja and self.rng.random() < 0.9:
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
            elif kind < 0.21:
                words[place] = self.hanja()
            elif kind < 0.24:
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
                f"{new}{josa(new, '은/는')} {made}"
                if lang == "ko" and rng.random() < 0.4
                else made[:1].upper() + made[1:]
            )
        if lang == "ko":
            text = re.sub(
                re.escape(old) + r"(은|는|이|가|을|를|과|와)?(?![가-힣])",
                lambda m: new + (josa(new, next(p for p in PAIRS if m[1] in p.split("/"))) if m[1] else ""),
                text,
            )
        text = text.replace(old, new)
        return self.changed(text, lang, rng.choice((0.0, 0.0, 0.1, 0.3)))

    # --- drinks

    def drink(self, lang: Language) -> list[Passage]:
        """All passages of one drink, real or invented."""
        rng = self.rng
        if self.real:
            return rng.choice(self.world.passages[lang])
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
        made = f"invented-{rng.getrandbits(40)}"
        invented = [
            Fact(made, "title", ko=title if ko else other, en=other if ko else title),
            *([Fact(made, "hanja", ko=hanja, en=hanja)] if (hanja := self.hanja() if there else "") else []),
            *(Fact(made, "alias", number, ko=alias, en=alias) for number, alias in enumerate(aliases, 1)),
        ]

        def add(aspect: str, *texts: str) -> None:
            for number, text in enumerate(texts, 1):
                invented.append(Fact(made, aspect, number, ko=text if ko else "", en="" if ko else text))

        add("summary", told(base["summary"][lang]))
        add("ingredients", *some(base["ingredients"][lang], 8))
        add("steps", *(s for s in steps if len(s) > 2))
        add("season", short(base["season"][lang]))
        add("occasion", short(base["occasion"][lang]))
        add("serve", base["serve"][lang] if rng.random() < 0.6 else short(base["serve"][lang]))
        add("pairing", *some(base["pairing"][lang], 4))
        add("region", short(base["region"][lang]))
        add("history", *(told(f[lang]) for f in facts))
        add("heritage", *(told(f[lang]) for f in base["heritage"]))
        add("abv", told(base["alcohol"][lang]))
        add("caffeine", told(base["caffeine"][lang]))
        add("safety_text", told(base["safety"][lang]))
        for number in range(rng.randint(1, 4)):
            invented.append(Fact(made, "similar", number + 1, code=str(number)))
        for name in sorted(later_fields(Drink)):
            if isinstance(text := (base.get(name) or {}).get(lang), str) and text:
                add(name, told(text))
        titles = {
            str(n): self.title(lang) if rng.random() < 0.8 else rng.choice(self.world.drinks)[f"title_{lang}"]
            for n in range(4)
        }
        found = passages_of(invented, lang, titles)
        return [p for p in found if not self.world.hides(p.text)]

    def document(self, lang: Language) -> Passage:
        """A topic, false belief or added document."""
        rng = self.rng
        source = rng.choice(self.world.prose[lang])
        if self.real or rng.random() < 0.3:
            return source
        kind: Kind = rng.choice(("topic", "belief", "document", "document"))
        if rng.random() < 0.75:
            text = self.changed(source.text, lang, rng.choice((0.1, 0.2, 0.4)))
        else:
            text = " ".join(self.wild(lang)[:1].upper() + self.wild(lang)[1:] for _ in range(rng.choice((1, 2, 3))))
        title = " ".join(self.word(lang, 0.1) for _ in range(rng.choice((1, 2, 3))))
        return Passage("x", "x", kind, lang, title[:1].upper() + title[1:], text)
