"""One drink's page: what it is, how it is made, its past with sources, what to mind, what is like it, and questions to ask.

Shows a record; knows neither the filters nor the store.
"""

from collections.abc import Sequence

import streamlit as st

from kdrinks import answer, kinds
from kdrinks.config import ROOT
from kdrinks.drinks import browse
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.drinks.model import Bilingual, BilingualList, Drink
from kdrinks.errors import KdrinksError
from kdrinks.services import Services
from kdrinks.ui.chat import conversations
from kdrinks.ui.drinks import changes, conflicts, details
from kdrinks.ui.drinks.labels import DRINKS_PAGE, badges, field, label, making_time, short, title
from kdrinks.ui.frame import address_of_connection, lang, session, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

ELSEWHERE = ("identity", "cautions")
"""Kinds told in sentences that have a place of their own on the page."""
IN_TABLE = tuple(
    one.name
    for told in ("sentences", "phrases")
    for kind, row in kinds.TABLE.items()
    if row.told == told and kind not in ELSEWHERE
    for one in row.fields
)
QUESTIONS = ("making", "history", "alcohol", "cautions", "similar")


def draw(services: Services, now: DrinkCatalog, drink_id: str) -> None:
    """The page of a drink; an unknown id gets a way back."""
    drink = now.by_id.get(drink_id)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.page_link(DRINKS_PAGE, label=t("drinks.back"), icon=":material/arrow_back:")
        if drink is not None and visitor().administrator:
            correct = {"edit": drink_id}
            st.page_link(DRINKS_PAGE, label=t("drinks.correct"), icon=":material/edit:", query_params=correct)
    if drink is None:
        st.info(t("drinks.unknown", id=as_plain(drink_id)), icon=":material/help:")
        return
    _draw_head(now, drink)
    conflicts.draw(now, drink_id)
    left, right = st.columns([5, 3], gap="large")
    with left:
        _draw_ingredients(drink)
        _draw_steps(drink)
        details.draw(drink)
        _draw_past(drink)
    with right:
        _draw_facts(drink)
        _draw_cautions(drink)
        _draw_similar(now, drink)
        _draw_questions(services, drink)
    changes.draw_changes_of(services, now, drink_id)


def _draw_head(now: DrinkCatalog, drink: Drink) -> None:
    with st.container(key="drink-head", gap="small"):
        st.title(as_plain(drink.title_ko), anchor=False)
        other = [drink.hanja, drink.name_en]
        st.markdown(f"#### :gray[{' · '.join(as_plain(name) for name in other if name)}]")
        st.markdown(as_plain(_said(drink.summary)))
        kinds = [f":blue-badge[{short('kind', kind)}]" for kind in drink.tags.kind]
        edited = [f":yellow-badge[:material/edit: {t('drinks.edited')}]"] if drink.id in now.edited else []
        takes = [f":gray-badge[:material/schedule: {as_plain(making_time(drink))}]"] if making_time(drink) else []
        st.markdown(" ".join([*badges(drink), *kinds, *takes, *edited]))


def _draw_ingredients(drink: Drink) -> None:
    items = _items(drink.ingredients)
    if items:
        st.header(t("drinks.ingredients"), anchor=False)
        with st.container(key="ingredients"):
            st.markdown("\n".join(f"- {as_plain(item)}" for item in items))


def _draw_steps(drink: Drink) -> None:
    steps = _items(drink.steps)
    if steps:
        st.header(t("drinks.steps"), anchor=False)
        with st.container(key="steps"):
            st.markdown("\n".join(f"{number}. {as_plain(step)}" for number, step in enumerate(steps, 1)))


def _draw_past(drink: Drink) -> None:
    for heading, facts in (("history", drink.facts), ("heritage", drink.heritage)):
        if facts:
            st.header(t(f"drinks.{heading}"), anchor=False)
            with st.container(key=f"past-{heading}", gap="small"):
                for fact in facts:
                    details.sentence(fact.ko if lang() == "ko" else fact.en, fact.sources)
    if drink.old_texts and lang() == "ko":
        st.caption(t("drinks.old_texts", names=as_plain(", ".join(drink.old_texts))))


def _draw_facts(drink: Drink) -> None:
    """The table of what one asks first."""
    rows = [(field(name), _in_one_line(getattr(drink, name))) for name in IN_TABLE]
    rows.append((t("drinks.aliases"), ", ".join(drink.aliases)))
    with st.container(border=True, key="drink-facts", gap="small"):
        for name, value in rows:
            if value:
                st.markdown(f":small[:gray[{name}]]  \n{as_plain(value)}")


def _draw_cautions(drink: Drink) -> None:
    """Allergens and cautions, always with the line that nobody in the profession looked at them."""
    with st.container(border=True, key="cautions", gap="small"):
        st.subheader(f":material/health_and_safety: {t('drinks.cautions')}", anchor=False)
        if drink.tags.diet:
            names = [label("diet", tag) for tag in drink.tags.diet if tag in browse.ALLERGENS]
            st.markdown(" ".join(f":red-badge[{as_plain(name)}]" for name in names))
        if _said(drink.safety):
            st.markdown(as_plain(_said(drink.safety)))
        details.draw_cautions(drink)
        st.caption(t("drinks.not_reviewed"))


def _draw_similar(now: DrinkCatalog, drink: Drink) -> None:
    similar = browse.similar_to(drink, now.by_id)
    if similar:
        st.subheader(t("drinks.similar"), anchor=False)
        with st.container(horizontal=True, gap="xsmall", key="similar"):
            for other in similar:
                st.page_link(DRINKS_PAGE, label=as_plain(title(other)), query_params={"drink": other.id})


def _draw_questions(services: Services, drink: Drink) -> None:
    st.subheader(t("drinks.ask"), anchor=False)
    with st.container(key="ask", gap="xsmall"):
        for name in QUESTIONS:
            question = t(f"drinks.questions.{name}", drink=title(drink))
            if st.button(as_plain(question), key=f"ask-{name}", icon=":material/forum:", width="stretch"):
                _ask(services, question)


def _ask(services: Services, question: str) -> None:
    """Ask in a new conversation and go there."""
    try:
        answered = answer.ask(services, visitor(), question, session=session(), address=address_of_connection())
    except KdrinksError as error:
        show_error(error)
        return
    conversation_id = answered.question.conversation_id
    conversations.open_one(conversation_id)
    st.switch_page(ROOT / "pages" / "chat.py", query_params={conversations.ADDRESS_KEY: conversation_id})


def _said(text: Bilingual) -> str:
    return text.ko if lang() == "ko" else text.en


def _in_one_line(both: Bilingual | BilingualList) -> str:
    return _said(both) if isinstance(both, Bilingual) else ", ".join(_items(both))


def _items(both: BilingualList) -> Sequence[str]:
    return both.ko if lang() == "ko" else both.en
