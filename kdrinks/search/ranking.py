"""One question on its way through the legs: words and vectors fused by rank, wishes, topics and beliefs, and what an answer rests on.

Named drinks first, then the topics and false beliefs that the question touches, then what wishes (facets) and the two legs find.
Knows no SQL (store.passages) and no model.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from kdrinks.findings import Findings, Hit
from kdrinks.kinds import Intent
from kdrinks.records import Passage
from kdrinks.search import aspects, concerns, decide, filters, operation_words, recalled, selection, suggested
from kdrinks.search import evidence as search_evidence
from kdrinks.search.candidates import candidates, likely
from kdrinks.search.cautions import INTENTS, applying, asked_of, is_quoted
from kdrinks.search.fusion import by_rank
from kdrinks.search.index import Index
from kdrinks.search.query import DECLINED, OFFERS, SENSITIVE_INTENTS, Query
from kdrinks.store import passages as store
from kdrinks.text import vectors

OF_ALL = frozenset("korean korea traditional 한국 전통".split())
"""Words that say nothing of which drink is meant: they fit all, though the titles of few hold them."""

NAMED, TOUCHED = 100.0, 50.0
"""Scores that put named drinks before topics, and topics before what words found."""

SECONDARY = frozenset(
    (
        *("gen-health", "gen-alcohol-medicine", "gen-alcohol-pregnancy", "gen-honey-infant", "gen-legal-age"),
        *("gen-etiquette", "gen-storage", "gen-caffeine", "gen-gluten"),
    )
)
"""Topics that qualify a recommendation and come behind its drinks."""

RECOMMENDS: frozenset[Intent] = frozenset(
    {"recommend", "season", "occasion", "region", "serving", "alcohol", "diet", "health"}
)
"""Intents whose answer, where no drink is named, is drinks."""

LAW = "gen-legal-age"

CALLED_FOR = 2.0
"""Strength of a topic that the whole question is about."""

TELLS = 4.0
"""Strength of a belief that a rare word of the question tells."""

HELD_BY, HELD_BY_OF_POISON = 3, 8
"""A word in at most so many subjects is rare; one of a false belief about a poison tells it in more: 철쭉 stands in what five drinks warn of."""

FUSED = 0.3
"""Share of the fused ranks in a subject's score where no drink is named; the rest is BM25, whose margins say how sure it is."""

WEIGHED = 3
"""Drinks whose passages are weighed where a question names none."""


class _Ranked(NamedTuple):
    subject_id: str
    score: float


class Search:
    """One question on its way through the legs."""

    def __init__(self, index: Index, query: Query, lifted: Collection[str] = ()) -> None:
        """lifted: exclusions of earlier questions that the person took back."""
        self._lifted, self.asked = lifted, query
        self.nothing = False
        """None of the passages that were weighed says what is asked."""
        self.named = query.subjects
        """Also those of them that are then left out for who is to drink them."""
        self._rejected = tuple(one for one in query.rejected if f"drink {one}" not in lifted)
        query = replace(query, rejected=self._rejected)
        self.index, self.drinks, self._ingredients = index, index.drinks, index.ingredients[query.lang]
        surfaces = [mention.surface for mention in query.mentions]
        self._own = index.facets.wishes(query.text, query.lang, surfaces)
        self.asked_for = self._own
        """What this question wishes for, and the earlier ones that it goes on from."""
        for said in reversed(query.before):  # the latest stands over the one before it
            self.asked_for = filters.merged(self._wished(said), self.asked_for)
        self.wishes = self.asked_for
        """With what was said at any time to be left out."""
        offers = query.suggests or not query.subjects or query.intent == "similar"
        self.held = self.wishes if offers else filters.NOTHING
        """With what was said at any time to be left out; where a drink is asked about by its name, what was said before."""
        for said in reversed(query.stated):
            self.held = filters.merged(self._wished(said).left_out, self.held)
        self.left_out = filters.merged(self.held, self._own.left_out) if query.states and not offers else self.held
        """What must not be suggested from here on."""
        self.wishes = self.held if offers else self.wishes
        if query.subjects and query.intent == "has_ingredient":
            asked = asked_of(query.text, self._own.allergens)
            query = replace(query, intent=asked, sensitive=True) if asked else query
        may_hold = any(self.drinks[one].tags.alcohol == "maybe" for one in query.subjects)
        if may_hold and self._own.liquor is not None and not query.suggests:  # whatever is asked of liquor in it
            query = replace(query, intent="alcohol", probabilities={"alcohol": 1.0}, sensitive=True)
        if query.suggests or query.reading.share("similar") >= 0.5:
            query = self._without_the_unfit(query)
        self.query = query
        left_out = self.wishes.leaves_out or (query.suggests and bool(query.rejected))
        self.narrowed = left_out and (query.suggests or not query.subjects)
        text = f"{query.earlier} {query.text}" if query.earlier and not query.subjects else query.text
        terms = dict.fromkeys(index.words.search_terms(text + aspects.implied(query), query.lang))
        self.terms = [term for term in terms if query.subjects or term not in OF_ALL]
        self.rows = store.hybrid_search(
            index.db,
            self.terms,
            vectors.of_question(text),
            lang=query.lang,
            k=400,
            among=index.sizes[query.lang],
        )
        self.lexical = {row.passage_id: row.lexical for row in self.rows if row.lexical is not None}
        self.cosines = {row.passage_id: row.cosine for row in self.rows if row.cosine is not None}
        self.recalled = self._recalled()
        """The drink or topic that is asked about, though the question names none; else empty."""
        if self.recalled:
            self.query = query = recalled.about(query, self.recalled, is_drink=self.recalled in self.drinks)
            self.narrowed = False
        general = not (query.subjects or query.suggests or query.intent in RECOMMENDS)
        self.topics = applying(index.touched.topics(query), query.groups, general=general)
        if self.recalled and self.recalled not in self.drinks:
            self.topics = [(self.recalled, CALLED_FOR)]
        if "alcohol" in query.concerns:  # somebody under age, or who drives: the law stands with whatever else is said
            self.topics = [(LAW, 1.0), *(touched for touched in self.topics if touched[0] != LAW)]
        excused = concerns.excused("poison", query.text)
        self.told = [told for told in index.touched.told(query, self.terms) if not (told.toxic and excused)]
        known = dict(index.touched.beliefs(query, self.terms))
        # what qualifies the drinks stays; other texts name drinks that nobody held against the wishes
        if query.suggests and self.narrowed:
            self.topics = [touched for touched in self.topics if touched[0] in SECONDARY | {"gen-diet"}]
            self.told, known = [told for told in self.told if told.toxic], {}
        for told in self.told:
            known[told.belief_id] = max(known.get(told.belief_id, 0.0), TELLS)
        self.beliefs = sorted(known.items(), key=lambda item: -item[1])

    def _recalled(self) -> str:
        """What is asked about without a name, where the question stands by itself and is of nobody's state."""
        query = self.query
        declined = sum(query.probabilities.get(one, 0.0) for one in DECLINED)
        by_itself = not (
            query.subjects or query.rejected or query.followed or query.sensitive or query.care or query.may
        )
        by_itself = by_itself and declined < recalled.DECLINED_FROM
        return recalled.subject(query, self.index.keys[query.lang], self.lexical) if by_itself else ""

    def _wished(self, said: str) -> filters.Wishes:
        return filters.without(self.index.facets.wishes(said, self.index.words.language(said)), self._lifted)

    def _without_the_unfit(self, query: Query) -> Query:
        """The query without named drinks that its own wishes leave out, and that it names to say what is wished for.

        One that only an earlier wish leaves out is asked about by its name: it is told, and not suggested.
        """
        if query.intent == "similar" and query.subjects:  # a drink's own list of those like it was held against no wish
            if not self.wishes.leaves_out:
                return query
            return replace(
                query,
                subjects=(),
                examples=query.subjects,
                rejected=(*query.rejected, *query.subjects),
                intent="recommend",
                suggests=True,
            )
        unfit = [one for one in query.subjects if not filters.may_be_suggested(self.drinks[one], self.wishes)]
        if not unfit:
            return query
        out = {
            one for one in unfit if one in query.examples or not filters.may_be_suggested(self.drinks[one], self._own)
        }
        if not out:
            return replace(query, intent="identity", suggests=False)
        subjects = tuple(one for one in query.subjects if one not in out)
        return replace(query, subjects=subjects, rejected=(*query.rejected, *out), intent="recommend")

    def findings(self, k: int) -> Findings:
        query = self.query
        intent = self._intent()
        every = self._ranked(intent)
        ranked = every[: max(k, search_evidence.MOST)]
        found = store.of_subjects(self.index.db, [item.subject_id for item in ranked], lang=query.lang)
        by_subject: dict[str, list[Passage]] = {item.subject_id: [] for item in ranked}
        for passage in found:
            by_subject[passage.subject_id].append(passage)
        chosen = [] if intent in DECLINED | {"clarify"} else self._chosen(intent, ranked, by_subject)
        score = {item.subject_id: item.score for item in ranked}
        hits = []
        for item in ranked[:k]:
            own = by_subject[item.subject_id]
            best = next((passage for passage in chosen if passage.subject_id == item.subject_id), None)
            if best is None and own:
                best = self._selected(own).passages[0][0]
            if best is not None:
                hits.append(self._hit(best, item.score))
        careful = self.wishes.careful if self.narrowed and intent not in DECLINED else ()
        named = tuple(
            dict.fromkeys([*query.concerns, *(intent for group, intent in INTENTS.items() if group in careful)])
        )
        return Findings(
            hits=tuple(hits),
            prompt_hits=tuple(self._hit(passage, score.get(passage.subject_id, 0.0)) for passage in chosen),
            intent="nearest" if self.nothing and chosen else intent,
            sensitive=(intent not in DECLINED and query.sensitive)
            or intent in SENSITIVE_INTENTS
            or bool(named)
            or any(told.toxic for told in self.told)
            or any(is_quoted(passage) for passage in chosen),
            subjects=query.subjects,
            concerns=named,
            narrowed=self.narrowed and any(passage.subject_id in self.drinks for passage in chosen),
            data_version=self.index.content_version,
            exclusions=(*self.left_out.exclusions, *(f"drink {one}" for one in sorted(set(self._rejected)))),
            considered=candidates(every, [*chosen, *(hit.passage for hit in hits)], self.rows),
            intents=likely(query),
        )

    def _intent(self) -> Intent:
        evidence = decide.Evidence(
            touched=bool(self.topics or self.beliefs),
            wishes=bool(self.asked_for),
            liquor=bool(self.asked_for)
            if self.asked_for.liquor
            else self.asked_for.liquor is False and not self.query.concerns,
            elsewhere=self._from_elsewhere(),
            named_after=any(self.index.names.of_root(term) for term in self.terms),
            coverage=0.0 if self.query.subjects else self._coverage(),
        )
        intent = decide.judged(self.query, evidence)
        poison = any(told.toxic for told in self.told) and intent not in DECLINED - {"not_found"}
        return "false_belief" if poison else intent

    def _from_elsewhere(self) -> bool:
        named = [word for found in decide.ELSEWHERE.findall(self.query.text) for word in found.lower().split()]
        touched = [subject for subject, _ in (*self.topics, *self.beliefs)] if named else []
        texts = " ".join(one.text.lower() for one in store.of_subjects(self.index.db, touched, lang=self.query.lang))
        return not all(word in texts for word in named)

    def _coverage(self) -> float:
        """Share of the question's words that the best passage's subject holds; unknown words count as rare ones."""
        best = max(self.lexical.values(), default=0.0)
        unknown = sum(term not in self.index.vocabulary for term in self.terms)
        return best / (best + 4.0 * unknown + 2.0)

    def _ranked(self, intent: Intent) -> list[_Ranked]:
        """Subjects best first: named, touched, then by wishes and words."""
        query = self.query
        scores = self._fused()
        roots = [drink for term in self.terms for drink in self.index.names.of_root(term)]
        for drink_id in roots:
            scores[drink_id] = scores.get(drink_id, 0.0) + 4
        if not query.subjects:
            wish = " ".join((*reversed(query.before), query.said))
            suggested.weigh(scores, self.index, query, self.wishes, wish)
        held = self.wishes if self.narrowed else self._own  # beside a drink that is named, others are offered too
        if self.narrowed or held.leaves_out:
            scores = {
                subject: score
                for subject, score in scores.items()
                if (
                    filters.may_be_suggested(self.drinks[subject], held)
                    if subject in self.drinks
                    else not query.suggests
                )
            }
        for drink_id in query.rejected:
            scores.pop(drink_id, None)
        second = sorted(scores.values(), reverse=True)[1:2]
        for number, (topic, strength) in enumerate(self.topics):
            recommends = intent in RECOMMENDS or bool(query.before)
            behind = self.wishes and recommends and not query.subjects and topic in SECONDARY and second
            scores[topic] = second[0] - 0.001 * (number + 1) if behind else TOUCHED + 10 * strength - number
        for number, (belief, strength) in enumerate(self.beliefs[:3]):
            scores[belief] = TOUCHED + min(strength, 4) * (8 if intent in ("false_belief", "compare") else 5) - number
        scores |= {subject: 2 * NAMED - number for number, subject in enumerate(query.subjects)}
        for told in self.told:
            if told.toxic:
                scores[told.belief_id] = 3 * NAMED
        ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return [_Ranked(subject, score) for subject, score in ordered]

    def by_leg(self) -> tuple[dict[str, float], dict[str, float]]:
        """Subjects by their words (the best passage and a little of the others) and by the vector of their nearest passage."""
        worded: dict[str, float] = {}
        near: dict[str, float] = {}
        for row in sorted(
            aspects.counted(self.rows, self.query.intent), key=lambda row: (-(row.lexical or 0.0), row.passage_id)
        ):
            if row.lexical is not None:
                worded[row.subject_id] = (
                    worded[row.subject_id] + 0.15 * row.lexical if row.subject_id in worded else row.lexical
                )
            if row.cosine is not None:
                near[row.subject_id] = max(near.get(row.subject_id, -1.0), row.cosine)
        return worded, near

    def _fused(self) -> dict[str, float]:
        """Subjects by both legs: reciprocal ranks, the best 10; the words' own margins between subjects are kept beside them."""
        worded, near = self.by_leg()
        top = max(worded.values(), default=1.0)
        fused = by_rank(worded, near)
        most = max(fused.values(), default=1.0)
        return {
            subject: 10 * (1 - FUSED) * worded.get(subject, 0.0) / top + 10 * FUSED * score / most
            for subject, score in fused.items()
        }

    def _chosen(
        self, intent: Intent, ranked: Sequence[_Ranked], by_subject: Mapping[str, list[Passage]]
    ) -> list[Passage]:
        """What the answer rests on, in order; a warning that a rare word of the question calls for stands first."""
        if any(told.toxic for told in self.told):
            toxic = [passage for told in self.told if told.toxic for passage in by_subject[told.belief_id]]
            return toxic[: search_evidence.MOST]
        unsure = self.query.reading.share(self.query.reading.first) < 0.5 if self.query.reading.asks else False
        told = [item.belief_id for item in self.told if unsure or intent in ("false_belief", "heritage")]
        warning = [passage for belief in told[:1] for passage in by_subject.get(belief, [])]
        rest = self._rested_on(intent, ranked, by_subject)
        return [*warning, *(passage for passage in rest if passage not in warning)][: search_evidence.MOST]

    def _rested_on(
        self, intent: Intent, ranked: Sequence[_Ranked], by_subject: Mapping[str, list[Passage]]
    ) -> list[Passage]:
        query = self.query
        if self.recalled and self.recalled not in self.drinks:
            return self._answering((self.recalled,), by_subject)
        first: list[Passage] = []
        beliefs = [
            item.subject_id for item in ranked if item.subject_id.startswith("cf-") and item.score >= TOUCHED + 5
        ]
        topics = [topic for topic, strength in self.topics if strength >= 1.0 and topic in by_subject]
        if intent == "compare" and len(query.subjects) >= 2:
            aspect = search_evidence.compared_by(query)
            for subject in query.subjects[:3]:
                of_kind: dict[str, Passage] = {passage.kind: passage for passage in by_subject.get(subject, [])}
                if found := of_kind.get(aspect) or of_kind.get("identity"):  # three drinks have no region
                    first.append(found)
            return (first + [by_subject[belief][0] for belief in beliefs[:1]])[: search_evidence.MOST]
        if query.subjects:
            answering = self._answering(query.subjects[:2], by_subject)
            general = [by_subject[other][0] for other in (*topics[:1], *beliefs[:1])] if query.sensitive else []
            if intent in ("driving", "pregnancy"):
                general = [*(one for one in by_subject.get(query.subjects[0], ()) if one.kind == "alcohol"), *general]
            beside = [one for one in general if one not in answering][:2]
            return [*answering[: search_evidence.MOST - len(beside)], *beside]
        drinks = [item.subject_id for item in ranked if item.subject_id in self.drinks]
        if not (topics or beliefs or query.suggests or query.sensitive or self.wishes or intent in RECOMMENDS):
            answering = self._answering(drinks[:WEIGHED], by_subject)
            if not self.nothing:
                return answering
            self.nothing = False
        first = [by_subject[topic][0] for topic in topics[:1]]
        first += [by_subject[belief][0] for belief in beliefs[:1]]
        if intent in ("topic", "etiquette", "storage") and first:
            return first
        if self.wishes or intent == "recommend":
            drinks = filters.fitting(drinks, self.drinks, self.wishes)
            named = [p for drink in drinks for p in by_subject[drink] if p.kind == "identity"]
            named = named[: 1 if operation_words.said("just_one", query.text.lower(), query.lang) else None]
            if intent == "recommend" and not query.sensitive:
                # its lead names the drinks: what qualifies them comes behind
                return named[: search_evidence.MOST - len(first)] + first
            return (first + named)[: search_evidence.MOST]
        if first:
            return first[: search_evidence.MOST]
        return self._answering(drinks[:1], by_subject)

    def _answering(self, subjects: Sequence[str], by_subject: Mapping[str, list[Passage]]) -> list[Passage]:
        """The passages that answer for these drinks, among their own and all that is general."""
        index, query, lang = self.index, self.query, self.query.lang
        own = [passage for subject in subjects for passage in by_subject.get(subject, ())]
        false = [passage for subject in subjects for passage in index.beliefs[lang].get(subject, ())]
        every = dict.fromkeys([*own, *false, *index.topics[lang]])
        among = search_evidence.weighed(query, every, self._ingredients & set(self.terms))
        # one that was left out before, named again; or two names of one: `약주랑 청주 차이`
        same = query.reading.first == "compare" and len(query.mentions) > len(query.subjects) == 1
        if same or (query.intent == "identity" and query.reading.first in OFFERS):
            is_one = [one for one in among if one.kind == "identity" or (same and one.kind == "belief")]
            return [one for one, _ in self._selected(is_one).passages[:1]]
        selected = self._selected(among)
        self.nothing = search_evidence.says_nothing(selected, query)
        return search_evidence.resting(selected, query, index.aspects)

    def _selected(self, among: Sequence[Passage]) -> selection.Selected:
        query = self.query
        return selection.select(query.said + aspects.implied(query), query.asks, among, self.index.aspects)

    def _hit(self, passage: Passage, score: float) -> Hit:
        return Hit(passage, round(score, 3), self.lexical.get(passage.id), self.cosines.get(passage.id))
