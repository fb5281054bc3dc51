"""The knowledge base as one object: fills the store's passages, finds those that a question is about.

What becomes of a question is ranking.Search's. Knows no SQL (store.passages) and no model. Memory beside Kiwi's: 8 MB for the encoder's
table, 4 MB for names, cues and the vocabulary; passages and their vectors stay in the store.
"""

import hashlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import resources
from itertools import islice
from typing import cast

from kdrinks import kinds
from kdrinks.documents import ingest
from kdrinks.drinks import catalog
from kdrinks.drinks.facts import facts_of
from kdrinks.drinks.model import Aspect
from kdrinks.drinks.names import names_of, packaged_names, spelled
from kdrinks.drinks.passages import all_passages
from kdrinks.drinks.read import load_beliefs, load_tags, load_topics, record_of
from kdrinks.findings import Findings
from kdrinks.records import Language, Passage
from kdrinks.search import answering
from kdrinks.search.documents import excerpt
from kdrinks.search.entities import Names, drink_name_rows
from kdrinks.search.facets import Facets
from kdrinks.search.index import Index
from kdrinks.search.ranking import HELD_BY, HELD_BY_OF_POISON
from kdrinks.search.recalled import keys_of
from kdrinks.search.topics import TopicMatcher
from kdrinks.store import drink_queries, facts
from kdrinks.store import passages as store
from kdrinks.store.db import Database
from kdrinks.text import encoder, vectors
from kdrinks.text.analyzer import TERMS_VERSION, TextAnalyzer
from kdrinks.text.english import words as english_words

BATCH = 500
"""Passages that are counted, encoded and written together: 20 MB at most, and what a kill in the middle costs."""

SORTED_FROM = 10_000
"""Passages written at once from which their words are laid out anew; below, a search does not feel it."""

LANGUAGES: tuple[Language, ...] = ("ko", "en")

Progress = Callable[[int, int], None]
"""(passages done, passages to do), after each batch."""


class Knowledge:
    """Safe to share between threads; `find` waits for `fill`."""

    def __init__(self, db: Database, words: TextAnalyzer) -> None:
        self._db, self._words = db, words
        self._filling = threading.Lock()
        self._content_version = ""
        self.index: Index
        """There once `ready` is set; replaced as a whole by `renew`."""
        self.ready = threading.Event()
        """Set once the store holds the passages and Kiwi is loaded."""

    def fill(self, progress: Progress | None = None) -> None:
        """Load Kiwi and bring the store's passages up to date; rows are written only where their content changed.

        In batches, each kept as soon as it is written: a fill that was killed goes on where it was.
        """
        with self._filling:
            if not self.ready.is_set():
                warming = threading.Thread(target=encoder.warm, name="encoder", daemon=True)
                warming.start()  # beside Kiwi, which is slower
                self.index = self._read(progress)
                warming.join()
                self.ready.set()

    def renew(self) -> None:
        """Answer from the drinks as they stand now, after an edit; a search under way ends with those it began with."""
        with self._filling:
            if self.ready.is_set():  # else the first fill reads them anyway
                self.index = self._read()

    def _read(self, progress: Progress | None = None) -> Index:
        drinks, topics, beliefs = catalog.current(self._db).drinks, load_topics(), load_beliefs()
        self._words.learn(spelled(record_of(drink) for drink in drinks))
        self._words.load()
        by_id = {drink.id: drink for drink in drinks}
        passages = all_passages(drinks, topics, beliefs)
        of_subject: dict[tuple[str, Language], list[Passage]] = {}
        for passage in passages:
            of_subject.setdefault((passage.subject_id, passage.lang), []).append(passage)
        terms = self._words.search_terms
        english = {word for passage in passages if passage.lang == "en" for word in english_words(passage.text)}
        rows = drink_name_rows(
            [{"id": drink.id, "title_ko": drink.title_ko, "title_en": drink.title_en} for drink in drinks],
            [(drink.id, name) for drink in drinks for name in names_of(record_of(drink))],
        )
        ingredients: dict[str, dict[str, frozenset[str]]] = {
            lang: {
                drink.id: frozenset(
                    term
                    for item in (*getattr(drink.ingredients, lang), getattr(drink, f"name_{lang}"))
                    for term in terms(item, lang)
                )
                for drink in drinks
            }
            for lang in LANGUAGES
        }
        touched = TopicMatcher(topics, beliefs, by_id, terms)
        known = {drink.id: 0.0 for drink in drinks}
        for listed in (*(topic.related for topic in topics), *(belief.related for belief in beliefs)):
            for related in listed:
                known[related] = known.get(related, 0.0) + 1
        for drink in drinks:
            for other in drink.similar:
                known[other] += 0.5
        facts.hold(self._db, [fact for drink in drinks for fact in facts_of(drink)])
        self.hold(passages, progress)
        for lang in LANGUAGES:
            held = store.subjects_holding(self._db, touched.telling_words(lang), lang=lang)
            touched.keep_rare(
                lang,
                {word for word, subjects in held.items() if subjects <= HELD_BY},
                of_poison={word for word, subjects in held.items() if subjects <= HELD_BY_OF_POISON},
            )
        ingest.index_again(self._db, self._words)
        return Index(
            db=self._db,
            content_version=self._content_version,
            words=self._words,
            drinks=by_id,
            ingredients={
                lang: frozenset(
                    term for drink in drinks for item in getattr(drink.ingredients, lang) for term in terms(item, lang)
                )
                for lang in LANGUAGES
            },
            aspects={one.id: cast(Aspect, one.aspect) for one in passages if one.kind in kinds.DETAILED},
            topics={
                lang: tuple(one for topic in topics for one in of_subject.get((topic.id, lang), ()))
                for lang in LANGUAGES
            },
            keys={
                lang: keys_of([one for one in passages if one.lang == lang and one.kind != "belief"])
                for lang in LANGUAGES
            },
            beliefs={
                lang: {
                    drink: tuple(
                        one
                        for belief in beliefs
                        if drink in belief.related
                        for one in of_subject.get((belief.id, lang), ())
                    )
                    for drink in by_id
                }
                for lang in LANGUAGES
            },
            names=Names(rows, english, packaged_names().ambiguous.keys()),
            facets=Facets(load_tags(), terms, ingredients),
            touched=touched,
            known=known,
            vocabulary=frozenset(store.vocabulary(self._db)),
            foods=tuple(drink_queries.foods(self._db)),
            sizes={lang: store.corpus_stats(self._db, lang) for lang in LANGUAGES},
        )

    def find(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        k: int = 5,
        lang: Language | None = None,
        lifted: Collection[str] = (),
    ) -> Findings:
        """The passages that a question is about, in a language: hits of k distinct subjects and what an answer should rest on.

        history: the user's earlier questions, oldest first.   lang: None takes the question's.
        lifted: exclusions (Findings.exclusions) of earlier questions that the person took back.
        """
        self.fill()
        question, *history = (self._words.as_meant(said) for said in (question, *history))
        return answering.find(self.index, question, history=history, k=k, lang=lang, lifted=lifted)[0]

    def excerpts(self, question: str, passages: Sequence[Passage]) -> list[Passage]:
        """The passages, those of documents cut to the sentences that answer the question."""
        return [excerpt(self._words, question, one) if one.kind == "document" else one for one in passages]

    def hold(self, passages: Sequence[Passage], progress: Progress | None = None, *, ready: bool = True) -> int:
        """Make the store hold these passages and no others; returns how many had to be analysed.

        passages: read twice; a sequence that makes them as they are read keeps memory at an id and a hash for each, and a batch.
        ready: take what data/passages.parquet holds from there.
        """
        hashes = {passage.id: _hash(passage) for passage in passages}
        stored = store.stored_hashes(self._db)
        content_version = hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:16]
        self._content_version = content_version
        store.replace(self._db, [], stored.keys() - hashes.keys(), content_version=content_version)
        missing = {hashes[p.id]: p for p in passages if p.id not in stored} if ready else {}
        taken = self._take_ready(missing, content_version)
        changed = {name for name, found in hashes.items() if stored.get(name) != found and found not in taken}
        waiting = (passage for passage in passages if passage.id in changed)
        done = 0
        while batch := list(islice(waiting, BATCH)):
            encoded = vectors.of_passages(batch)
            items = [
                store.IndexedPassage(passage, hashes[passage.id], self._counts(passage), vector)
                for passage, vector in zip(batch, encoded, strict=True)
            ]
            store.replace(self._db, items, (), content_version=content_version)
            done += len(batch)
            if progress:
                progress(done, len(changed))
        if done >= SORTED_FROM:
            store.sort_words(self._db)
        return done

    def _take_ready(self, passages: Mapping[str, Passage], content_version: str) -> set[str]:
        """Of a fresh store's passages those that data/passages.parquet holds; by content hash."""
        if not passages:
            return set()
        with resources.as_file(resources.files("kdrinks").joinpath("data", "passages.parquet")) as path:
            return store.add_ready(self._db, passages, path, content_version=content_version)

    def _counts(self, passage: Passage) -> dict[str, int]:
        """Words of title, text and the question that it answers; the title counts twice."""
        counts: dict[str, int] = {}
        for text, weight in ((passage.title, 2), (passage.text, 1), (passage.asked, 1)):
            for term in self._words.search_terms(text, passage.lang):
                counts[term] = counts.get(term, 0) + weight
        return counts


def _hash(passage: Passage) -> str:
    said = [part for one in passage.said for part in (one.sentence, str(one.until))]
    parts = [
        TERMS_VERSION,
        vectors.VERSION,
        passage.id,
        passage.kind,
        passage.title,
        passage.text,
        *passage.sources,
        *said,
    ]
    parts += [passage.asked] if passage.asked else []
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
