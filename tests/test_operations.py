"""Questions over many drinks: every set and figure is that of an independent count over the records, and wordings are taken for what they ask."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import pytest

from kdrinks import answer
from kdrinks.answer import Answer
from kdrinks.config import Settings
from kdrinks.drinks import ingredients as parts
from kdrinks.drinks.facts import facts_of
from kdrinks.drinks.model import Drink
from kdrinks.drinks.read import load_drinks, load_tags
from kdrinks.findings import Findings
from kdrinks.generation.outright import outright
from kdrinks.records import ADMINISTRATOR, Mode
from kdrinks.search.conditions import LIQUOR
from kdrinks.services import Services, open_services
from kdrinks.store import chats, drink_queries, facts
from kdrinks.store.db import Database
from kdrinks.store.drink_queries import DrinkQuery, Measure
from tests.support import store_rows
from tests.support.app_pages import open_app
from tests.support.command_line import document, kdrinks

DATA = Path(__file__).parent / "data"
DRINKS = load_drinks()
IDS = tuple(drink.id for drink in DRINKS)
GROUPS = ("season", "temperature", "occasion", "weather", "mood", "region", "kind", "diet")
HOURS = {"days": 24.0, "hours": 1.0, "minutes": 1 / 60, "seconds": 1 / 3600}

Holds = Callable[[Drink], bool]
Case = tuple[DrinkQuery, list[Holds]]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("home")
    services = open_services(Settings(folder, folder), memory=True)
    services.knowledge.fill()
    yield services
    services.close()


def asked(services: Services, question: str) -> Answer:
    return conversation(services, [question])[-1]


def conversation(services: Services, questions: Sequence[str]) -> list[Answer]:
    told: list[Answer] = []
    for question in questions:
        last = told[-1].question.conversation_id if told else ""
        told.append(answer.ask(services, ADMINISTRATOR, question, conversation_id=last))
        assert told[-1].wait(60) and told[-1].finish == "stop", told[-1].error
    return told


def found(services: Services, text: str) -> Findings:
    *history, question = text.split(" >> ")
    return services.knowledge.find(question, history=history)


# The facts by themselves: each request beside a count in plain Python.


def figures(drink: Drink, by: Measure) -> tuple[float, float] | None:
    if by == "abv":
        return (drink.abv_percent.min, drink.abv_percent.max) if drink.abv_percent else None
    if by == "steps":
        return (float(len(drink.steps.ko)),) * 2 if drink.steps.ko else None
    if by == "ingredients":
        named = {code for part in parts.parts_of(drink) for code in part.codes}
        return (float(len(named)),) * 2 if named else None
    own = [
        figure
        for detail in drink.details
        if detail.aspect == by
        for figure in detail.figures
        if (by == "first_record" and figure.unit == "year") or (by == "total_time" and figure.what == "total")
    ]
    if not own:
        return None
    if by == "first_record":
        return (min(figure.min for figure in own),) * 2
    return (
        min(figure.min * HOURS[figure.unit] for figure in own),
        max(figure.max * HOURS[figure.unit] for figure in own),
    )


def has_tag(group: str, tag: str) -> Holds:
    return lambda drink: tag in getattr(drink.tags, group)


def names_part(codes: frozenset[str]) -> Holds:
    return lambda drink: any(code in codes for part in parts.parts_of(drink) for code in part.codes)


def flagged(drink: Drink) -> float | None:
    own = [f.min for d in drink.details if d.aspect == "homemade" for f in d.figures if f.what == "made at home"]
    return own[0] if own else None


def condition(draw: random.Random) -> tuple[dict[str, object], Holds]:
    """One condition as a request has it, and as a reader of the records would look at it."""
    way = draw.choice(
        (
            "tag",
            "tag",
            "tag",
            "not",
            "strength",
            "caffeine",
            "holds",
            "lacks",
            "abv",
            "time",
            "food",
            "home",
            "year",
            "diets",
        )
    )
    tags = [(tag.group, tag.id) for tag in load_tags() if tag.group in GROUPS]
    group, tag = draw.choice(tags)
    code = draw.choice(sorted(parts.ingredients()))
    if way == "tag":
        pool = sorted({two for own, two in tags if own == group})
        wanted = frozenset(draw.sample(pool, k=min(len(pool), draw.choice((1, 1, 2)))))
        if group == "diet":
            return {"tags": {group: wanted}}, lambda drink: wanted <= set(drink.tags.diet)
        return {"tags": {group: wanted}}, lambda drink: bool(wanted & set(getattr(drink.tags, group)))
    if way == "diets":
        return {
            "tags": {"diet": frozenset({"vegan", "sugar_free"})}
        }, lambda drink: {"vegan", "sugar_free"} <= set(drink.tags.diet)
    if way == "not":
        return {"without_tags": frozenset({(group, tag)})}, lambda drink: not has_tag(group, tag)(drink)
    if way == "strength":
        codes = draw.choice((LIQUOR, frozenset({"none"}), frozenset({"maybe"}), frozenset({"high"})))
        return {"strengths": codes}, lambda drink: drink.tags.alcohol in codes
    if way == "caffeine":
        caffeine = draw.choice(("none", "yes"))
        return {"caffeine": caffeine}, lambda drink: drink.tags.caffeine == caffeine
    if way == "holds":
        codes, own = parts.kinds_of(code), parts.ingredients()[code].tag
        return {
            "holds": ((codes, own),)
        }, lambda drink: names_part(codes)(drink) or bool(own and own in drink.tags.diet)
    if way == "lacks":
        codes = parts.kinds_of(code)
        return {"lacks": codes}, lambda drink: not names_part(codes)(drink)
    if way == "abv":
        low, high = sorted((draw.uniform(0, 50), draw.uniform(0, 50)))
        return {"abv": (low, high)}, lambda drink: bool(drink.abv_percent) and low <= figures(drink, "abv")[1] <= high  # type: ignore[index]
    if way == "time":
        limit = draw.choice((0.2, 0.5, 1.0, 2.0, 5.0, 24.0, 24.0 * 14))

        def in_time(drink: Drink) -> bool:
            took = figures(drink, "total_time")
            return took is not None and took[1] <= limit

        return {"within_hours": limit}, in_time
    if way == "food":
        food = draw.choice(("파전", "한과", "떡", "pajeon", "rice cake", "전", "eel"))
        return {"foods": (food,)}, lambda drink: any(
            food in ko or food in en.lower() for ko, en in zip(drink.pairing.ko, drink.pairing.en, strict=True)
        )
    if way == "year":
        since, before = sorted((draw.randint(900, 2000), draw.randint(900, 2000)))

        def recorded(drink: Drink) -> bool:
            year = figures(drink, "first_record")
            return year is not None and since <= year[0] < before

        return {"year": (since, before)}, recorded
    home = draw.choice(("yes", "no", "perhaps"))
    wanted_flag = {"yes": (1.0,), "no": (0.0,), "perhaps": (1.0, None)}[home]
    return {"homemade": home}, lambda drink: flagged(drink) in wanted_flag


def generated(count: int) -> list[Case]:
    draw = random.Random(13)
    cases: list[Case] = []
    for number in range(count):
        among = IDS if number % 3 else tuple(one for one in IDS if draw.random() < 0.7)
        if number % 5 == 4:  # what can be made
            have = frozenset(draw.sample(sorted(parts.ingredients()), k=draw.randint(1, 12)))
            if number % 10 == 4:
                mine = [
                    part.codes[0]
                    for part in parts.parts_of(draw.choice(DRINKS))
                    if part.role == "needed" and part.codes
                ]
                have |= frozenset(mine)
            there = parts.stands_for(have)

            def makeable(drink: Drink, there: frozenset[str] = there, have: frozenset[str] = have) -> bool:
                needed = [set(part.codes) for part in parts.parts_of(drink) if part.role == "needed"]
                return any(one & have for one in needed) and all(one & there for one in needed)

            cases.append((DrinkQuery(operation="make_from", among=among, have=there, named=have), [makeable]))
            continue
        request: dict[str, object] = {}
        tests: list[Holds] = []
        for _ in range(draw.choice((0, 1, 1, 2, 2, 3))):
            more, test = condition(draw)
            if not request.keys() & more.keys():
                request |= more
                tests.append(test)
        operation = ("list", "count", "order", "most", "least")[number % 5] if number % 5 < 4 else "list"
        if number % 7 == 0:
            operation = "least"
        by: Measure | None = None
        if operation in ("order", "most", "least") or draw.random() < 0.2:
            by = draw.choice(("abv", "first_record", "total_time", "ingredients", "steps"))
        descending = operation == "most" or (operation == "order" and draw.random() < 0.5)
        most = draw.choice((0, 0, 3)) if operation in ("most", "least", "order") else 0
        cases.append(
            (
                DrinkQuery(operation=operation, among=among, by=by, descending=descending, most=most, **request),  # type: ignore[arg-type]
                tests,
            )
        )
    return cases


def expected(request: DrinkQuery, tests: Sequence[Holds]) -> list[str]:
    by_id = {drink.id: drink for drink in DRINKS}
    fitting = [by_id[one] for one in request.among if all(test(by_id[one]) for test in tests)]
    by = request.by
    if by is None:
        return [drink.id for drink in fitting]
    known = [(drink, figures(drink, by)) for drink in fitting]
    sign = -1 if request.descending else 1
    ranked = sorted(
        ((drink, (own[1], own[0]) if request.descending else own) for drink, own in known if own is not None),
        key=lambda pair: (sign * pair[1][0], sign * pair[1][1]),
    )
    ids = [drink.id for drink, _ in ranked]
    if request.operation not in ("most", "least"):
        ids += [drink.id for drink, own in known if own is None]
    elif not request.most and ranked:
        ids = [drink.id for drink, own in ranked if own[0] == ranked[0][1][0]]
    return ids[: request.most] if request.most else ids


def test_500_lists_counts_orders_and_sets_are_exact() -> None:
    db = Database.open(None)
    facts.hold(db, [fact for drink in DRINKS for fact in facts_of(drink)])
    cases = generated(500)
    wrong = [
        (request, want, got)
        for request, tests in cases
        for want, got in [(expected(request, tests), [one.id for one in drink_queries.find(db, request)])]
        if want != got
    ]
    assert not wrong, wrong[0]
    assert sum(bool(expected(request, tests)) for request, tests in cases) > 250, "most of them hold something"
    db.close()


def test_liquor_is_what_its_strength_says() -> None:
    assert all(drink.is_alcoholic == (drink.tags.alcohol in LIQUOR) for drink in DRINKS)


# What drinks are made of.


def test_every_list_of_ingredients_is_understood() -> None:
    """A drink with an ingredient that no word is known for could never be made, and nobody would find it by that ingredient."""
    assert not [
        drink.id for drink in DRINKS for part in parts.parts_of(drink) if part.role == "needed" and not part.codes
    ]
    known = parts.ingredients()
    assert all(not one.kind_of or one.kind_of in known for one in known.values())
    tags = {tag.id for tag in load_tags() if tag.group == "diet"}
    assert all(not tag or tag in tags for one in known.values() for tag in (one.tag, one.left_out_by))


def test_what_is_optional_may_be_missing_and_either_is_enough() -> None:
    by_id = {drink.id: drink for drink in DRINKS}
    needed = {
        name: [set(part.codes) for part in parts.parts_of(by_id[name]) if part.role == "needed"]
        for name in ("sikhye", "sujeonggwa", "bongsutang", "insamju")
    }
    assert needed["sikhye"] == [{"rice"}, {"malt"}, {"water"}], "sugar, ginger and the garnish are left to taste"
    assert needed["sujeonggwa"] == [{"ginger"}, {"cinnamon"}, {"sugar", "honey"}, {"persimmon"}], (
        "pine nuts float on it"
    )
    assert {"pine_nut"} in needed["bongsutang"], "here they are what it is made of"
    assert needed["insamju"] == [{"rice", "soju"}, {"nuruk", "soju"}, {"ginseng"}]


# Wordings.


def wordings() -> list[tuple[str, str, str]]:
    lines = (DATA / "operation_wordings.tsv").read_text(encoding="utf-8").splitlines()
    return [(operation, wanted, text) for line in lines for operation, wanted, text in [line.split("\t")]]


def test_wordings_are_taken_for_what_they_ask(services: Services) -> None:
    wrong = []
    for operation, wanted, text in wordings():
        understood = found(services, text).understood
        said = {*understood.aspects, *understood.filters}
        if (understood.operation or "-") != operation or not {one for one in wanted.split(",") if one} <= said | {"-"}:
            wrong.append((text, understood))
    assert len(wrong) <= 0.05 * len(wordings()), wrong[:10]
    operations = [operation for operation, _, _ in wordings()]
    assert len(operations) - operations.count("-") >= 150 and operations.count("-") >= 80


def rows_of(services: Services, text: str) -> list[str]:
    return [row.id for row in found(services, text).rows]


def ids(holds: Holds) -> list[str]:
    return [drink.id for drink in DRINKS if holds(drink)]


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("네가 아는 차 전부 나열해봐", lambda drink: "tea" in drink.tags.kind),
        ("list all teas", lambda drink: "tea" in drink.tags.kind),
        ("제주 술 전부 알려줘", lambda drink: "jeju" in drink.tags.region and drink.is_alcoholic),
        ("잣이 들어가는 음료 전부", lambda drink: "잣" in " ".join(drink.ingredients.ko)),
        (
            "list hot drinks without nuts",
            lambda drink: "hot" in drink.tags.temperature and "nuts" not in drink.tags.diet,
        ),
        ("알코올이 없는 차 목록", lambda drink: "tea" in drink.tags.kind and drink.alcohol_free),
        ("how many drinks are there in total?", lambda drink: True),
        ("카페인 있는 음료가 몇 가지야?", lambda drink: drink.tags.caffeine == "yes"),
    ],
)
def test_a_list_is_whole(services: Services, question: str, holds: Holds) -> None:
    assert rows_of(services, question) == ids(holds)


def test_the_strongest_is_told_with_its_figure(services: Services) -> None:
    strongest = max((drink.abv_percent.max, drink.title_ko) for drink in DRINKS if drink.abv_percent)
    one = asked(services, "가장 독한 술은?")
    assert strongest[1] in one.text and f"{strongest[0]:g}%" in one.text and one.guard == "said"
    assert one.findings.rows[0].value == strongest[0] and one.findings.rows[0].unit == "%"


def test_a_drink_that_may_hold_alcohol_is_in_no_list_without(services: Services) -> None:
    maybe = set(ids(lambda drink: drink.tags.alcohol == "maybe"))
    assert maybe
    for question in ("알코올 없는 음료 전부 알려줘", "list every alcohol-free drink", "무알코올 여름 음료 목록"):
        rows = set(rows_of(services, question))
        assert rows and not rows & (maybe | set(ids(lambda drink: drink.is_alcoholic)))
    assert set(rows_of(services, "which drinks may contain alcohol?")) == maybe
    assert not any(row.value == 0 for row in found(services, "도수 낮은 순으로 술 알려줘").rows)


@pytest.mark.parametrize(
    "question",
    [
        "견과류 알레르기가 있어요. 마실 수 있는 차를 전부 알려 주세요",
        "I have a nut allergy. List all the teas I can have.",
    ],
)
def test_a_list_on_an_allergy_is_whole_and_says_that_the_label_decides(services: Services, question: str) -> None:
    one = asked(services, question)
    rows = [row.id for row in one.findings.rows]
    assert rows == ids(lambda drink: "tea" in drink.tags.kind and "nuts" not in drink.tags.diet)
    assert ("표시" in one.text or "label" in one.text) and one.guard == "quoted" and one.findings.sensitive


@pytest.mark.parametrize(
    ("question", "tag"),
    [
        ("I'm allergic to peanuts, which drinks should I avoid?", "peanut"),
        ("글루텐을 못 먹어. 피해야 할 전통 음료가 뭐야?", "gluten"),
        ("알레르기가 있어서 잣 피해야 하는데 잣 든 음료 뭐 있어?", "nuts"),
        ("which drinks contain milk? I'm lactose intolerant", "milk"),
        ("I have a nut allergy >> which drinks contain nuts?", "nuts"),
    ],
)
def test_what_somebody_must_avoid_is_told_whole(services: Services, question: str, tag: str) -> None:
    assert rows_of(services, question) == ids(lambda drink: tag in drink.tags.diet)


@pytest.mark.parametrize(
    "history", [["저는 술을 못 마셔요."], ["I can't drink alcohol."], ["임신 중인데 막걸리 마셔도 돼?"]]
)
def test_what_somebody_must_not_have_is_in_no_later_list(services: Services, history: list[str]) -> None:
    later = services.knowledge.find("list all summer drinks", history=history)
    by_id = {drink.id: drink for drink in DRINKS}
    assert later.rows and all(by_id[row.id].alcohol_free for row in later.rows)


@pytest.mark.parametrize(
    "question",
    [
        "임신 중인데 제일 약한 술은 마셔도 돼?",
        "i'm 16, what's the weakest liquor i can drink?",
        "와파린 먹는데 제일 안전한 차가 뭐야",
        "8개월 아기가 먹을 수 있는 음료 있어?",
        "철쭉으로 화채 만들어도 돼?",
    ],
)
def test_a_question_of_safety_is_no_superlative(services: Services, question: str) -> None:
    one = found(services, question)
    assert not one.rows and not one.understood.operation and one.sensitive


@pytest.mark.parametrize("question", ["제일 싼 술은 뭐야?", "which tea is the healthiest?"])
def test_what_no_record_measures_is_said_to_be_unknown(services: Services, question: str) -> None:
    one = asked(services, question)
    assert not one.findings.rows and not one.citations and ("제 자료" in one.text or "My notes" in one.text)


def test_a_conversation_goes_on_from_its_rows(services: Services) -> None:
    first, strongest = conversation(services, ["제주 술 다 알려줘", "그 중에 제일 센 건?"])
    assert strongest.findings.rows[0].id in {row.id for row in first.findings.rows}
    assert rows_of(services, "제주 술 다 알려줘 >> 그럼 전라도는?") == ids(
        lambda drink: drink.is_alcoholic and bool({"jeonbuk", "jeonnam"} & set(drink.tags.region))
    )
    second = found(services, "제주 술 다 알려줘 >> 두 번째 거 만드는 법 알려줘")
    assert second.subjects == (first.findings.rows[1].id,)


def test_a_long_list_is_never_cut_and_a_free_model_adds_nothing(services: Services) -> None:
    one = asked(services, "데이터에 있는 음료 전부 나열해줘")
    assert len(one.findings.rows) == len(DRINKS) and all(drink.title_ko in one.text for drink in DRINKS)
    short = found(services, "제주 술 전부 알려줘")
    passages = [hit.passage for hit in short.prompt_hits]
    for mode in get_args(Mode):
        said = outright("ko", short, passages, mode=mode)
        assert said and said.text == f"{short.listed} [1]"


def test_rows_are_kept_with_the_answer(services: Services) -> None:
    one = asked(services, "top 3 strongest liquors")
    stored = chats.messages(services.db, ADMINISTRATOR, one.question.conversation_id)[-1].exchange
    assert stored and [row["id"] for row in stored.details["rows"]] == [row.id for row in one.findings.rows]
    assert stored.details["understood"]["operation"] == "most"
    assert stored.citations[0].passage.kind == "listing" and stored.citations[0].passage.text in one.text


def test_one_drink_is_understood_too(services: Services) -> None:
    understood = found(services, "식혜 만드는 법 알려줘").understood
    assert not understood.operation and understood.subjects == ("sikhye",) and "making" in understood.aspects
    wished = found(services, "꿀 없는 겨울 차 추천해줘").understood
    assert "season winter" in wished.filters and "diet honey" in wished.excluded


def test_a_conversation_that_is_opened_again_shows_its_rows(home: Path) -> None:
    db = Database.open(home / "kdrinks.duckdb")
    conversation_id = chats.start_conversation(db, ADMINISTRATOR)
    question_id = chats.record_question(db, ADMINISTRATOR, conversation_id, "독한 순으로", "ko")
    rows = [
        {"id": "munbaeju", "value": 48.0, "unit": "%"},
        {"id": "gone", "value": 46.0, "unit": "%"},
        {"id": "okroju", "value": 45.0, "unit": "%"},
    ]
    chats.record(db, store_rows.exchange(conversation_id, question_id, details={"rows": rows}))
    db.close()
    app = open_app(c=conversation_id)
    assert not app.exception
    table = app.dataframe[0].value
    assert [list(row) for row in table.itertuples(index=False)] == [
        ["문배주", "48%", "drinks?drink=munbaeju"],
        ["옥로주", "45%", "drinks?drink=okroju"],
    ]


def test_the_command_line_tells_what_was_understood_and_the_rows(tmp_path: Path) -> None:
    searched = document(kdrinks("search", "liquors of Jeju, all of them", "--understood", "--json", home=tmp_path))
    assert searched["understood"]["operation"] == "list" and "region jeju" in searched["understood"]["filters"]
    assert {row["id"] for row in searched["rows"]} == {"omegisul", "gosorisul"} and searched["hits"]
    assert isinstance(document(kdrinks("search", "liquors of Jeju", "--json", home=tmp_path)), list)
    told = document(kdrinks("ask", "제일 센 술 3개는?", "--json", home=tmp_path))
    assert [row["unit"] for row in told["rows"]] == ["%", "%", "%"]
    assert told["understood"]["operation"] == "most" and told["understood"]["aspects"] == ["abv"]
