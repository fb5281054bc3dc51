"""From a question over many drinks to its rows and their text: asks the store, holds the answer to what was said to be left out.

What a conversation said before is understood again from its questions; nothing is kept of an answer.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

from kdrinks.drinks.ingredients import kinds_of, root_of
from kdrinks.drinks.model import Bilingual, Drink
from kdrinks.drinks.read import load_tags
from kdrinks.findings import Findings, Hit, Row, Understood
from kdrinks.generation import listing
from kdrinks.generation.described import Told, described
from kdrinks.records import Language, Passage
from kdrinks.search import asides, conditions, filters, holding, operations, pointing, said_again
from kdrinks.search.documents import with_documents
from kdrinks.search.filters import Wishes
from kdrinks.search.heard import Asked, as_tags_say, hear
from kdrinks.search.index import Index
from kdrinks.search.leftover import left
from kdrinks.search.query import DECLINED, Query, understand
from kdrinks.search.ranking import Search
from kdrinks.search.reconsidered import reconsidered
from kdrinks.search.safety import protect
from kdrinks.store import drink_queries as store
from kdrinks.store.drink_queries import DrinkQuery, Found

Earlier = tuple[Findings, Asked | None]
Before = Callable[[], Earlier | None]
"""The latest earlier question that was answered with several drinks, understood again; None where there is none."""

LOOKED_BACK = 3
"""Questions before this one in which `those` and `the first one` are looked for."""

LISTS = frozenset({"list", "count", "within", "make_from", "pairing"})
"""Operations that are answered also where somebody's state is named, without what it leaves out."""

OF_A_CLASS = frozenset({"list", "count", "most", "least", "order", "within"})
"""Operations over a class of drinks, which must have understood every condition."""

SURELY = 0.75
"""Probability of a list from which one is told though a word of the question set no condition: it says which it went by."""

ALSO = 6
"""Drinks that need more than what is there, told at most."""


def find(
    index: Index,
    question: str,
    *,
    history: Sequence[str],
    k: int,
    lang: Language | None,
    lifted: Collection[str] = (),
) -> Earlier:
    """What the knowledge base holds on a question of a conversation, with the operation where it asks over many drinks.

    lifted: exclusions of earlier questions that the person took back.
    """

    said = said_again.heard(question)
    if said.again:
        names = understand(said.rest, index.names, index.words).subjects
        of_a_part = bool(names) or pointing.names_a_place(said.rest)
        if history and not of_a_part:
            of = said.language or lang
            latest = understand(history[-1], index.names, index.words, history=history[:-1]).subjects
            latest = latest if said.explains else ()
            again = index.drinks[latest[0]].title_en if latest else history[-1]
            return find(index, again, history=history[:-1], k=k, lang=of, lifted=lifted)
        question = said.rest if of_a_part else question

    @cache
    def before() -> Earlier | None:
        for back in range(1, min(len(history), LOOKED_BACK) + 1):
            earlier = find(index, history[-back], history=history[:-back], k=k, lang=None, lifted=lifted)
            if earlier[0].rows or len(_drinks_of(index, earlier[0])) > 1:
                return earlier
        return None

    if history and pointing.points(question):

        def answered() -> Sequence[str]:
            earlier = before()
            return _drinks_of(index, earlier[0]) if earlier else ()

        def told() -> Sequence[str]:
            return _drinks_of(index, find(index, history[-1], history=history[:-1], k=k, lang=None, lifted=lifted)[0])

        spoken_of = [understand(said, index.names, index.words).subjects for said in history]
        if not understand(question, index.names, index.words).subjects:
            of = lang or index.words.language(question)
            question = pointing.named(question, of, index.drinks, answered=answered, told=told, spoken_of=spoken_of)
    question = asides.without(question, index.names, index.words, lambda said, of: _wishes(index, said, of))
    query = reconsidered(index, understand(question, index.names, index.words, history=history, lang=lang))
    search = Search(index, query, lifted)
    latest = understand(history[-1], index.names, index.words, history=history[:-1]).subjects if history else ()
    found, asked = _answered(search, query, lifted, before, k=k, spoken_of=latest, follows=bool(history))
    return protect(search, found, lifted), asked


def _wishes(index: Index, said: str, lang: Language) -> bool:
    own = index.facets.wishes(said, lang)
    return bool(own or own.leaves_out or own.careful or own.asks_what_contains) or own.liquor is not None


def understood(wishes: Wishes | None, found: Findings, asked: Asked | None = None) -> Understood:
    """What a question was taken to ask, whether or not it is over many drinks."""
    if asked is None:
        kinds = dict.fromkeys(hit.passage.kind for hit in found.prompt_hits if hit.passage.subject_id in found.subjects)
        return Understood(
            aspects=() if found.intent in DECLINED else tuple(kinds) or (found.intent,),
            subjects=found.subjects,
            filters=tuple(_wished(wishes)) if wishes is not None else (),
            excluded=found.exclusions,
        )
    request = asked.query
    return Understood(
        operation=request.operation,
        aspects=(asked.unknown,) if asked.unknown else (request.by,) if request.by else (),
        subjects=asked.compared or ((asked.region_of,) if asked.region_of else ()),
        filters=tuple(filters_of(request)),
        excluded=found.exclusions,
    )


def _wished(wishes: Wishes) -> list[str]:
    said = [f"{group} {tag}" for group, tags in wishes.wanted.items() for tag in tags]
    if wishes.liquor is not None:
        said.append("liquor yes" if wishes.liquor else "liquor no")
    return sorted(said)


def filters_of(request: DrinkQuery) -> list[str]:
    """The conditions in words that are the same whenever they are."""
    said = [f"{group} {tag}" for group, tags in request.tags.items() for tag in tags]
    if request.strengths:
        said.append(
            "liquor yes"
            if request.strengths == conditions.LIQUOR
            else f"alcohol {', '.join(sorted(request.strengths))}"
        )
    if request.caffeine:
        said.append(f"caffeine {request.caffeine}")
    said += [f"holds {root_of(codes) if codes else tag}" for codes, tag in request.holds]
    said += [
        f"lacks {code}" for code in request.lacks | {tag for group, tag in request.without_tags if group == "diet"}
    ]
    said += [
        f"abv {word} {figure:g}%"
        for word, figure in zip(("from", "to"), request.abv, strict=True)
        if figure is not None
    ]
    said += [
        f"year {word} {year:g}" for word, year in zip(("from", "before"), request.year, strict=True) if year is not None
    ]
    if request.within_hours is not None:
        said.append(f"within {request.within_hours:.4g} hours")
    said += [f"food {food}" for food in request.foods]
    said += [f"ingredient {code}" for code in request.named]
    if request.heritage:
        said.append(f"heritage {request.heritage}")
    if request.homemade in ("yes", "no"):
        said.append(f"homemade {request.homemade}")
    return sorted(said)


def _answered(
    search: Search,
    query: Query,
    lifted: Collection[str],
    before: Before,
    *,
    k: int,
    spoken_of: Sequence[str],
    follows: bool,
) -> Earlier:
    """The findings with the rows and the text of a question over many drinks; with `understood` alone where it is none."""
    index, found = search.index, search.findings(k)
    text = as_tags_say(query.text, query.lang)
    own = index.facets.wishes(text, query.lang, [mention.surface for mention in query.mentions])

    def plain() -> Earlier:
        one = replace(found, understood=understood(own, found))
        return with_documents(index.db, index.words, query, one, k=k), None

    if whether := holding.told(index, search.query, found):
        return whether, None
    asked = operations.asked(query, own, index.drinks, index.foods, spoken_of=spoken_of, follows=follows)
    poison = found.sensitive and found.intent == "false_belief"  # warned of, whatever else is asked
    if asked is None or poison or search.recalled:
        return plain()
    if query.subjects and (query.may or query.intent == "substitution"):  # `누룩 못 구하면 막걸리 뭐로 담가`
        return plain()
    if any(one.group == "poison" for one in query.care):
        return plain()
    named = own.leaves_out or bool(own.asks_what_contains)
    if query.concerns and not (asked.explicit and named and asked.query.operation in LISTS):
        return plain()
    request = asked.query
    if request.operation in OF_A_CLASS and not (asked.unknown or asked.of_those):
        positive, share = _positive(request), query.reading.share("list")
        whole = hear(query, spoken_of=(), follows=True).of_all and (share >= 0.5 or filters_of(request))
        if request.operation == "list" and not positive and not whole:
            return plain()
        sure = positive and not asked.few and (request.operation != "list" or share >= SURELY)
        if not sure and not query.concerns and _leaves_aside(index, query):
            return plain()
    earlier = before() if asked.of_those or asked.refines else None
    if asked.refines:
        if earlier is None or earlier[1] is None or not earlier[0].rows or earlier[1].compared:
            return plain()
        asked = _refined(earlier[1], asked)
    if asked.unknown:
        return _said(index, query, found, asked, listing.unknown(asked.unknown, query.lang), (), Told())
    wishes = _held(index, query, own, lifted)
    asked, told = _among(index, query, own, wishes, asked, earlier[0] if earlier and not asked.refines else None)
    rows = store.find(index.db, asked.query)
    if asked.few and not (1 < len(rows) <= operations.FEW and filters_of(asked.query)):
        return plain()
    if (asked.compared and len(rows) < 2) or (not rows and (query.concerns or not _exact(asked))):
        return plain()
    if asked.ingredients:
        told = replace(told, also=_also(index, asked.query, rows))
    answer = listing.answer(asked.query, rows, index.drinks, _label, query.lang, told)
    return _said(index, query, found, asked, answer, rows, told)


def _exact(asked: Asked) -> bool:
    """Whether no drink at all is an answer too: all were asked for, or those with a figure; not of `liquor or tea, both are fine`."""
    either = bool(asked.query.strengths and asked.query.tags.get("kind"))
    return (asked.explicit and not either) or any((*asked.query.abv, *asked.query.year))


def _positive(request: DrinkQuery) -> bool:
    """Whether it says what drinks are, and not only that they hold no alcohol or caffeine: half of all hold none."""
    return any(not one.startswith(("alcohol none", "liquor no", "caffeine none")) for one in filters_of(request))


def _leaves_aside(index: Index, query: Query) -> bool:
    """Whether a word of the question is no condition that was understood: a list would be wrong and look whole."""
    heard = hear(query, spoken_of=(), follows=True)
    return bool(left(heard.text, heard.lang, index.words.search_terms(heard.text, heard.lang)))


def _refined(earlier: Asked, asked: Asked) -> Asked:
    """The earlier request with what the new one says in its place."""
    was, now = earlier.query, asked.query
    return replace(
        earlier,
        query=replace(
            was,
            operation="list" if asked.explicit and was.operation == "count" else was.operation,
            tags={**was.tags, **now.tags},
            without_tags=was.without_tags | now.without_tags,
            strengths=now.strengths or was.strengths,
            caffeine=now.caffeine or was.caffeine,
            holds=now.holds or was.holds,
            lacks=was.lacks | now.lacks,
            abv=now.abv if any(now.abv) else was.abv,
            year=now.year if any(now.year) else was.year,
            by=now.by or was.by,
            descending=now.descending if now.by else was.descending,
        ),
        region_of="" if "region" in now.tags else earlier.region_of,
        of_those=False,
    )


def _held(index: Index, query: Query, own: Wishes, lifted: Collection[str]) -> Wishes:
    """The question's wishes with what was said at any time to be left out."""
    for said in reversed(query.stated):
        stated = filters.without(index.facets.wishes(said, index.words.language(said)), lifted)
        own = filters.merged(stated.left_out, own)
    return own


def _among(
    index: Index, query: Query, own: Wishes, wishes: Wishes, asked: Asked, earlier: Findings | None
) -> tuple[Asked, Told]:
    """The request with the drinks that may be answered, and what is told beside its rows."""
    request, of_those = asked.query, False
    wishes = conditions.asking_for(wishes, request)
    if asked.compared:
        among = asked.compared
    else:
        # whether it is to be liquor stands in the request, which knows of what may hold some
        free = bool(request.strengths) and "none" not in request.strengths and not wishes.careful
        among = conditions.allowed(
            index.drinks.values(), replace(wishes, liquor=None) if free else wishes, query.rejected
        )
    if (
        asked.of_those
        and earlier is not None
        and (before := [row.id for row in earlier.rows] or _drinks_of(index, earlier))
    ):
        among, of_those = tuple(one for one in before if one in among), True
    if asked.region_of:
        region = frozenset(index.drinks[asked.region_of].tags.region) - {"nationwide", "court"}
        request = replace(request, tags={**request.tags, **({"region": region} if region else {})})
        among = tuple(one for one in among if one != asked.region_of) if region else ()
    told = Told(
        of_those=of_those,
        allergy="allergy" in query.concerns
        or bool(request.lacks)
        or any(group == "diet" for group, _ in wishes.excluded),
        left_out=not asked.compared and any(one not in own.exclusions for one in wishes.exclusions),
        ingredients=asked.ingredients,
        foods=asked.foods,
        by_taste=asked.by_taste,
        region_of=index.drinks[asked.region_of] if asked.region_of else None,
    )
    return replace(asked, query=replace(request, among=among)), told


def _also(index: Index, request: DrinkQuery, rows: Sequence[Found]) -> tuple[Drink, ...]:
    """Drinks that hold all that is there and need more besides; none where enough can be made."""
    if len(rows) > 2:
        return ()
    wider = DrinkQuery(among=request.among, holds=tuple((kinds_of(code), "") for code in sorted(request.named)))
    made = {one.id for one in rows}
    more = [one.id for one in store.find(index.db, wider) if one.id not in made]
    return tuple(index.drinks[one] for one in more[:ALSO])


def _drinks_of(index: Index, found: Findings) -> list[str]:
    """The drinks of an answer in its order: its rows, else its suggestions or those that it was about."""
    if found.rows:
        return [row.id for row in found.rows if row.id in index.drinks]
    named = [hit.passage.subject_id for hit in found.prompt_hits if hit.passage.subject_id in index.drinks]
    return list(dict.fromkeys((*found.subjects, *named)))


def _said(
    index: Index, query: Query, found: Findings, asked: Asked, text: str, rows: Sequence[Found], told: Told
) -> Earlier:
    request = asked.query
    hits: tuple[Hit, ...] = ()
    if not asked.unknown:
        title = described(request, _label, query.lang, told)
        name = hashlib.sha256(f"{request.operation} {title} {text}".encode()).hexdigest()[:10]
        pages = store.sources(index.db, [one.id for one in rows], request.by)[: listing.SHORT]
        passage = Passage(
            f"list-{name}.listing.{query.lang}", f"list-{name}", "listing", query.lang, title, text, tuple(pages)
        )
        hits = (Hit(passage, 1.0, None),)
    first = [hit for hit in found.prompt_hits if hit.passage.subject_id not in index.drinks] if found.concerns else []
    if asked.compared:  # the figures stand in what is quoted of the drinks
        first = [hit for hit in found.prompt_hits if hit.passage.subject_id in asked.compared]
    said = replace(
        found,
        prompt_hits=(*first[:2], *hits),
        intent="listing",
        sensitive=bool(found.concerns) or (bool(asked.compared) and found.sensitive),
        narrowed=True,
        subjects=asked.compared,
        listed=text,
        considered=found.considered if first else (),
        rows=tuple(
            Row(one.id, _round(one.high if request.descending else one.low), store.UNITS[request.by])
            if request.by
            else Row(one.id)
            for one in rows
        ),
    )
    return replace(said, understood=understood(None, said, asked)), asked


@cache
def _labels() -> Mapping[tuple[str, str], Bilingual]:
    return {(tag.group, tag.id): tag.label for tag in load_tags()}


def _label(group: str, tag: str) -> Bilingual:
    return _labels().get((group, tag), Bilingual(tag, tag))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
