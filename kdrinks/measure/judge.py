"""What is measured of one answer: a row of booleans and numbers, and whether it is good.

A measure is in a row only where its question expects something of it; docs/evaluation.md says what each counts. Strings, ids and figures
are compared letter by letter: no model judges another one. Knows no store and no way to ask; a person's verdict stands above all of it.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, Protocol, get_args

from kdrinks.drinks.names import drink_names, latin_words
from kdrinks.errors import KdrinksError
from kdrinks.findings import Findings
from kdrinks.generation import claims, guard, templates
from kdrinks.records import Citation, Language, Loaded, Passage
from kdrinks.text.korean import HANGUL

Verdict = Literal["right", "partly", "wrong", "unsafe", "ugly", "declined"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""What a person says of an answer that they read."""

DECLINED_KINDS = frozenset({"ood", "injection"})
"""Kinds whose right answer is to decline."""

NOT_SEARCHED = DECLINED_KINDS | {"smalltalk"}
"""Kinds left out of recall: no passage is their answer."""

KS = (1, 3, 5)

MEASURES = (
    *(
        "good",
        "recall_at_1",
        "recall_at_3",
        "recall_at_5",
        "mentions",
        "violates",
        "declines",
        "cautioned",
        "false_alarm",
    ),
    *("exact", "figure", "operation", "aspect", "belongs", "short", "stable", "polite", "pure", "purity"),
    *("citation_precision", "citation_recall", "length_characters", "wait_s"),
)
"""Every measure in the order of tables; of those in good.LESS_IS_BETTER less is better."""

_PURE_FROM = 0.9
"""Share of an answer's letters that belong to its language: one foreign word in a Korean answer of 60 syllables is below."""
_SAYS_FROM = 0.75
"""Share of a sentence's words that a passage must hold for the sentence to count as saying it, where it is not said word for word."""

_MARK = re.compile(r"\[(\d+)\]")
_CITED = re.compile(r"\s*\[\d+\]")
_WORD = re.compile(r"[^\W\d_]")
_POLITE = re.compile(r"(?:요|니다|니까|시오|죠|^예|^네)$")
_PLAIN = re.compile(r"(?<!사이)다$")
"""How a sentence without a full stop is known for one."""
_ENDED = re.compile(r"[.!?。…][\s*_\"'”’」』)\]]*$")
_BEHIND = re.compile(r"(?:\([^()]*\)|[\s.!?。…~*_\"'”’」』)\]])+$")
"""What may stand behind a sentence's last word: its full stop, quotation marks, a remark in brackets."""
_FIELD = re.compile(r"(?:\*\*[^*]+\*\* — )?[가-힣 ]{1,15}: ")
_WORDS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LATIN = re.compile(r"[A-Za-zÀ-ÿ]")
_HANGUL_PART = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_OF_ONE_SCRIPT = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]+|[A-Za-zÀ-ÿ]+|[^\W\d_A-Za-zÀ-ÿ가-힣ㄱ-ㅎㅏ-ㅣ]+")
_UNITS = frozenset("ml l dl cl g kg mg cm mm m kcal abv ph vol".split())


class Answered(Protocol):
    """What an answer must show to be judged; answer.Answer does."""

    @property
    def text(self) -> str: ...

    @property
    def citations(self) -> Sequence[Citation]: ...

    @property
    def findings(self) -> Findings: ...

    @property
    def guard(self) -> str: ...

    @property
    def loaded(self) -> Loaded | None: ...

    @property
    def identity(self) -> str: ...

    @property
    def wait_s(self) -> float | None: ...

    @property
    def error(self) -> KdrinksError | None: ...


class Words(Protocol):
    """What is asked of a language's words; text.analyzer.TextAnalyzer answers it."""

    def proper_nouns(self, text: str) -> list[str]: ...

    def search_terms(self, text: str, lang: Language | str = "ko") -> list[str]: ...


def found(question: Mapping[str, Any], findings: Findings, base: Findings | None = None) -> dict[str, Any]:
    """The row of a question as the search understands it: what it is, what was found, and all that is measured without an answer.

    base: what was found for the question that this one's `without` names.
    """
    ids = list(dict.fromkeys(hit.passage.subject_id for hit in findings.hits))
    groups = [set(group) for group in question.get("gold_groups") or ()]
    understood = findings.understood
    row: dict[str, Any] = {
        "id": question["id"],
        "lang": question["lang"],
        "kind": question["kind"],
        "cluster": next(iter([*question.get("gold_ids", ()), *ids[:1]]), question["id"]),
        "question": question["question"],
        "intent": findings.intent,
        "found": ids,
        "prompt": [hit.passage.id for hit in findings.prompt_hits],
        "groups": len(groups),
        "understood": {
            "operation": understood.operation,
            "aspects": list(understood.aspects),
            "subjects": list(understood.subjects),
        },
    }
    if groups and question["kind"] not in NOT_SEARCHED:
        for k in KS:
            if k > 1 or len(groups) == 1:
                row[f"recall_at_{k}"] = all(group & set(ids[:k]) for group in groups)
    if base is not None:
        row["stable"] = _understanding(findings) == _understanding(base)
    return row | _looked_up(question, findings)


def judged(question: Mapping[str, Any], answered: Answered, words: Words | None) -> dict[str, Any]:
    """What is measured of an answer, to be laid over the row of found().

    words: without it citations are not judged.
    """
    said, findings = answered.text.lower(), answered.findings
    groups = question.get("must_mention") or ()
    mentions = all(any(text.lower() in said for text in group) for group in groups)
    row: dict[str, Any] = {"answer": answered.text, "guard": answered.guard, "identity": answered.identity or None}
    if groups:
        row["mentions"] = mentions
    if banned := question.get("must_not_mention"):
        row["violates"] = any(text.lower() in said for text in banned)
    if question["kind"] in DECLINED_KINDS:
        row["declines"] = mentions and not answered.citations
    if question.get("cautioned"):
        row["cautioned"] = _caution_first(answered)
    elif "cautioned" in question:
        reviewed = any(line in answered.text for line in templates.NOT_REVIEWED.values())
        row["false_alarm"] = reviewed or _caution_first(answered)
    if strangers := set(question.get("passages_not", ())):
        row["belongs"] = strangers.isdisjoint(cited.passage.subject_id for cited in answered.citations)
    plain = _CITED.sub("", answered.text)
    row["length_characters"] = len(plain)
    if most := question.get("most_characters"):
        row["short"] = len(plain) <= most
    row |= _language(plain, question["lang"], [cited.passage for cited in answered.citations])
    if words and answered.citations:
        titles = [one.passage.title for one in answered.citations if one.passage.kind == "identity"]
        lead = templates.lead(findings.intent, question["lang"], list(dict.fromkeys(titles)))
        row |= citations(answered.text, answered.citations, words, lead=lead)
    if answered.wait_s is not None:
        row["wait_s"] = round(answered.wait_s, 3)
    if not findings.sensitive:  # those are always quoted, by design
        ran = answered.loaded is not None  # what no model was asked for replaces nothing that one wanted to write
        row |= {"replaced": ran and answered.guard in ("quoted", "fixed"), "repaired": answered.guard == "repaired"}
    return row | _looked_up(question, findings)


def good_by_hand(verdict: str, kind: str) -> bool:
    """A person's verdict as `good`: right, or rightly declined."""
    return verdict == "right" or (verdict == "declined" and kind in DECLINED_KINDS)


def citations(text: str, cited: Sequence[Citation], words: Words, *, lead: str = "") -> dict[str, float]:
    """citation_precision and citation_recall of an answer; each is absent where nothing can be counted.

    precision: of the marks [n] that stand in or right behind a sentence, the share whose passage n says what the sentence says; where
    only several marks of one sentence together do, each of them counts. recall: of the sentences that say what a cited passage says, the
    share that carry a right mark: their own, or where they have none those of the next sentence that has some, since a passage's number
    stands where it is left. A passage says a sentence that stands in it letter by letter, or of whose words it holds _SAYS_FROM, and all
    figures and names. lead: a sentence that only announces the others. A list of the facts is its own passage and is not counted.
    """
    passages = {one.number: one.passage for one in cited if one.passage.kind != "listing"}
    of_lists = {one.number for one in cited} - passages.keys()
    spans = claims.sentences(text)
    marks = [
        [number for mark in _MARK.findall(text[start:end]) if (number := int(mark)) not in of_lists]
        for start, end in spans
    ]
    marks_right: list[bool] = []
    said_right: list[bool] = []
    for place, (start, end) in enumerate(spans):
        sentence = _CITED.sub("", text[start:end]).strip()
        if sentence == lead or not _WORD.search(sentence):
            continue
        own = marks[place]
        right = _right(sentence, own, passages, words)
        marks_right += [number in right for number in own]
        if right or any(_says([one], sentence, words) for one in passages.values()):
            carried = own or next((later for later in marks[place + 1 :] if later), [])
            said_right.append(bool(_right(sentence, carried, passages, words)))
    shares = {"citation_precision": marks_right, "citation_recall": said_right}
    return {name: round(sum(values) / len(values), 4) for name, values in shares.items() if values}


def _right(sentence: str, numbers: Sequence[int], passages: Mapping[int, Passage], words: Words) -> set[int]:
    """Which of these numbers' passages say the sentence; all of them where only together they do."""
    there = {number: passages[number] for number in numbers if number in passages}
    alone = {number for number, passage in there.items() if _says([passage], sentence, words)}
    if alone or len(there) < 2:
        return alone
    return set(there) if _says(list(there.values()), sentence, words) else set()


def _says(passages: Sequence[Passage], sentence: str, words: Words) -> bool:
    letters = _letters(sentence)
    evidence = [" ".join([one.title, one.text, *(said.sentence for said in one.said)]) for one in passages]
    if any(letters in _letters(one) for one in evidence):
        return True
    lang = passages[0].lang
    told = set(words.search_terms(sentence, lang))
    held = {term for one in evidence for term in words.search_terms(one, lang)}
    if not told or len(told & held) < _SAYS_FROM * len(told):
        return False
    return not claims.unsupported_claims(sentence, passages, words.proper_nouns)


def _looked_up(question: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """What the understanding and the rows of the facts are measured by."""
    row: dict[str, Any] = {}
    understood, rows = findings.understood, findings.rows
    if "operation" in question:
        row["operation"] = understood.operation == question["operation"]
    if "aspects" in question:
        row["aspect"] = list(understood.aspects[:1]) == question["aspects"][:1]
    if "exact" in question:
        row["exact"] = {one.id for one in rows} == set(question["exact"])
    if "figure" in question:
        values = [one.value for one in rows if isinstance(one.value, int | float)]
        if understood.operation == "count":
            values.append(len(rows))
        row["figure"] = any(math.isclose(value, question["figure"], rel_tol=1e-6) for value in values)
    return row


def _understanding(findings: Findings) -> tuple[str, tuple[str, ...], str]:
    first = findings.prompt_hits[0].passage.id if findings.prompt_hits else ""
    return findings.understood.operation, findings.understood.subjects, first


def _caution_first(answered: Answered) -> bool:
    """Whether a caution of the notes, or that they say nothing on what was named, is what a person reads first."""
    findings, text = answered.findings, answered.text
    if findings.cautions:
        return text.startswith(guard.quote([(1, findings.cautions[0])]))
    if findings.unsaid:
        return text.startswith(f"> {findings.unsaid[0]}")
    first = next(iter(answered.citations), None)
    if first and first.passage.kind == "cautions":
        return text.startswith(guard.quote([(1, first.passage)]))
    return any(
        text == f"{templates.DECLINE[lang]['not_found']}\n\n{line}" for lang, line in templates.NOT_REVIEWED.items()
    )


def _language(text: str, lang: Language, cited: Sequence[Passage]) -> dict[str, Any]:
    """polite (Korean alone), purity and pure of an answer without its citation marks."""
    row: dict[str, Any] = {}
    if lang == "ko":
        endings = list(_korean_endings(text))
        if endings:
            row["polite"] = all(_POLITE.search(ending) for ending in endings)
    share = _purity(text, lang, cited)
    if share is not None:
        row |= {"purity": round(share, 4), "pure": share >= _PURE_FROM}
    return row


def _korean_endings(text: str) -> Iterable[str]:
    """What the Korean sentences end in, without what stands behind it; a name, an entry of a list and a field (`지역: 안동.`) are none."""
    for start, end in claims.sentences(text):
        sentence = text[start:end]
        last = _BEHIND.sub("", sentence)
        if HANGUL.search(last[-1:]) and (_ENDED.search(sentence) or _PLAIN.search(last)):
            if _POLITE.search(last) or not _FIELD.match(sentence):
                yield last


def _purity(text: str, lang: Language, cited: Sequence[Passage]) -> float | None:
    """Share of the letters that belong to the language; names, units, what stands in brackets and what a cited passage says so are left out."""
    text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\w+://\S+", " ", text)
    told = " ".join(f"{one.title} {one.text if one.lang == lang else ''}" for one in cited)
    known = _names() | {_letters(word) for word in (*_WORDS.findall(told), *_OF_ONE_SCRIPT.findall(told))}
    own = foreign = 0
    for word in _WORDS.findall(text):
        for part in _OF_ONE_SCRIPT.findall(word):
            if _HANGUL_PART.match(part) if lang == "ko" else _LATIN.match(part):
                own += len(part)
            elif _letters(part) not in known and not (lang == "ko" and (part[:1].isupper() or part in _UNITS)):
                foreign += len(part)
    return own / (own + foreign) if own + foreign else None


@cache
def _names() -> frozenset[str]:
    """Parts of the drinks' names: Hangul, and romanised ones without the English words of descriptions."""
    names = [*latin_words(), *(entry.name for entry in drink_names() if HANGUL.search(entry.name))]
    return frozenset(_letters(part) for name in names for part in _OF_ONE_SCRIPT.findall(name))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
