"""English words: lower-cased words, their base form for counting, their stem for search.

Pure; knows nothing of Korean or of drinks. Both reductions are small on purpose: a wrong base form in a chart is worse than two forms.
"""

import re
from functools import cache, lru_cache
from importlib import resources

WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_VOWEL = re.compile(r"[aeiouy]")
_CONTRACTED = re.compile(r"(?:n't|'(?:s|re|ve|ll|d|m))$")

# Nouns whose plural no rule finds, and words that only look like plurals.
_PLURALS = {
    "leaves": "leaf",
    "loaves": "loaf",
    "knives": "knife",
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "people",
    "feet": "foot",
    "teeth": "tooth",
    "tomatoes": "tomato",
    "potatoes": "potato",
    "cookies": "cookie",
    "calories": "calorie",
    "smoothies": "smoothie",
    "movies": "movie",
    "berries": "berry",
    "wines": "wine",
    "spices": "spice",
    "juices": "juice",
    "recipes": "recipe",
    "axes": "axe",
    "dishes": "dish",
    "glasses": "glass",
    "radishes": "radish",
    "peaches": "peach",
    "branches": "branch",
}
_COUNTED_AS = {
    **{
        noun + "s": noun
        for noun in (
            "ache cache niche avalanche axe blouse quiche brioche cookie pie tie lie movie zombie calorie smoothie brownie foodie veggie selfie eye dye shoe toe"
        ).split()
    },
    **{
        noun + "es": noun
        for noun in "mango potato tomato hero echo tornado volcano bus gas lens virus bonus campus focus crocus hibiscus citrus octopus".split()
    },
    **{noun[:-1] + "ves": noun for noun in "wolf half shelf calf elf self thief scarf leaf loaf sheaf".split()},
    **{noun[:-2] + "ves": noun for noun in "knife wife life".split()},
    **dict(geese="goose", mice="mouse", oxen="ox", quizzes="quiz", lees="lees", dregs="dregs"),
    **dict(analyses="analysis", crises="crisis", oases="oasis", fungi="fungus"),
}
"""Besides, of what people say: forms that the rules below do not find."""
_NO_PLURAL = frozenset(
    "always alas bias bus chaos christmas citrus gas lens molasses news perhaps plus series species thus tennis physics cannabis asparagus "
    "swiss various previous famous delicious nutritious precious curious serious schisandras hibiscus focus status virus".split()
)
# Verbs of the kitchen and the brewery whose -ing and -ed forms are the same word to a reader.
_VERBS = {
    form: base
    for base in (
        "add bake balance blend boil bottle brew chill clean cook cool cure drain dissolve distill distil dry dilute eat drink enjoy ferment filter "
        "flavor flavour garnish grate grind heat infuse mash mix name order peel poach pour preserve press recommend rinse roast serve simmer "
        "sip slice soak steam steep stir store strain sweeten taste toast warm wash"
    ).split()
    for form in (
        base + "ing",
        base + "ed",
        *((base[:-1] + "ing", base + "d") if base.endswith("e") else ()),
        *((base + base[-1] + "ing", base + base[-1] + "ed") if base in ("distil", "sip", "stir") else ()),
        *(("dried",) if base == "dry" else ()),
    )
} | {"drank": "drink", "drunk": "drink", "ate": "eat", "eaten": "eat", "ground": "grind"}


def words(text: str) -> list[str]:
    """The English words of the text in order, lower-cased, a possessive or contracted ending off, single letters left out."""
    found = (_CONTRACTED.sub("", match.group().lower().replace("’", "'")) for match in WORD.finditer(text))
    return [word for word in found if len(word) > 1]


@cache
def stop_words() -> frozenset[str]:
    return word_list("stopwords_en.txt")


@cache
def word_list(file: str) -> frozenset[str]:
    """The words of a packaged list: several a line, `#` starts a comment."""
    return frozenset(word for line in word_lines(file) for word in line.split())


def word_lines(file: str) -> list[str]:
    text = resources.files("kdrinks").joinpath("data", file).read_text("utf-8")
    return [line for line in (line.split("#")[0] for line in text.splitlines()) if line.strip()]


def is_stop_word(word: str) -> bool:
    return word in stop_words() or word + "'t" in stop_words() or word + "n't" in stop_words()


def base_form(word: str) -> str:
    """The dictionary form where a rule is safe: plurals of nouns, -ing and -ed of kitchen verbs; anything else as it is."""
    return _COUNTED_AS.get(word) or _reduced(word)


@lru_cache(maxsize=20_000)
def _reduced(word: str) -> str:
    """What the terms of stored passages are made of: another rule here makes them all anew (analyzer.TERMS_VERSION)."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word in _VERBS:
        return _VERBS[word]
    if word in _NO_PLURAL or len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """What search compares: base form, then the endings of Porter's steps 1 and a few of 4, kept to stems of 3 letters or more.

    Source of the order and the measure by vowels: https://tartarus.org/martin/PorterStemmer/def.txt, cut down.
    """
    word = _reduced(word)
    for ending, rest in (
        ("ization", "ize"),
        ("ational", "ate"),
        ("fulness", "ful"),
        ("ousness", "ous"),
        ("iveness", "ive"),
        ("ation", "ate"),
        ("ness", ""),
        ("ment", ""),
        ("ally", "al"),
        ("ily", "y"),
        ("ly", ""),
        ("ing", ""),
        ("edly", ""),
        ("ied", "y"),
        ("ed", ""),
        ("er", ""),
        ("ers", ""),
    ):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 3 and _VOWEL.search(root):
            word = root + rest
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word.endswith("y") else word


def in_full(text: str) -> str:
    """The text with `w/` and `w/o` written out: what is without something was offered with it."""
    return _SHORT.sub(lambda short: _IN_FULL[short[0].lower()], text)


_SHORT = re.compile(r"\bw/o?(?=\W|[a-z])", re.IGNORECASE)
_IN_FULL = {"w/": "with ", "w/o": "without"}
