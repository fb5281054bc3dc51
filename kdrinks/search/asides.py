"""Sentences before and behind a question that ask nothing and bear on nothing: `오늘 날씨 진짜 춥다. 식혜 도수가 뭐야?` Pure."""

import re
from collections.abc import Callable

from kdrinks.drinks.ingredients import named as ingredients_named
from kdrinks.records import Language
from kdrinks.search import concerns, learned_concerns, reading
from kdrinks.search.entities import Names, read
from kdrinks.text.analyzer import TextAnalyzer

SURE = 0.03
"""Probability from which a sentence is left aside: 73 of 100 everyday sentences of a writer that was not learned from reach it, and 7 of 225
sentences of questions in several. What names a drink, an ingredient, a wish or somebody's state never is, nor what hints
at one."""

_SENTENCE = re.compile(r"[^.?!~…\n]+(?:[.?!~…\n]+|$)")


def without(question: str, names: Names, words: TextAnalyzer, wished: Callable[[str, Language], bool]) -> str:
    """The question without them; as it is where nothing would be left.

    wished: whether a sentence says what drinks must be like.
    """
    sentences = [match[0] for match in _SENTENCE.finditer(question)]
    if len(sentences) < 2:
        return question
    lang = words.language(question)
    kept = [one for one in sentences if not _is_aside(one, names, words) or wished(one, lang)]
    return "".join(kept).strip() if kept else question


def _is_aside(sentence: str, names: Names, words: TextAnalyzer) -> bool:
    if re.search(r"\d|\?", sentence) or reading.read(sentence.strip()).aside < SURE:
        return False
    _, mentions = read(sentence, names, words)
    says = mentions or ingredients_named(sentence.lower(), words.language(sentence)) or concerns.named(sentence)
    return not (says or learned_concerns.hinted(sentence, ()))
