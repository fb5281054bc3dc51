"""The form that adds or corrects a drink: every field in both languages, problems named by field, nothing typed is lost.

Draws and reads widgets; what fits is drinks.form's to say.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from kdrinks.drinks import catalog, form
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.drinks.form import FACTS, LISTS, TAGS, TEXTS, DrinkForm
from kdrinks.drinks.model import Drink
from kdrinks.drinks.problems import Problem
from kdrinks.permissions import administrators_only
from kdrinks.services import Services
from kdrinks.ui.drinks import detail_table
from kdrinks.ui.drinks.labels import DRINKS_PAGE, label, named, options, title
from kdrinks.ui.frame import in_words, t, visitor
from kdrinks.ui.markdown_text import as_plain

NEW = "new"
SHOWN = 30
"""Problems told at once."""


def draw(services: Services, now: DrinkCatalog, drink_id: str) -> None:
    """The form for a drink, or for a new one (drink_id NEW). Raises NotAllowed."""
    administrators_only(visitor())  # before somebody fills in what is refused at the end
    before = now.by_id.get(drink_id)
    if before is None and drink_id != NEW:
        st.page_link(DRINKS_PAGE, label=t("drinks.back"), icon=":material/arrow_back:")
        st.info(t("drinks.unknown", id=as_plain(drink_id)), icon=":material/help:")
        return
    back = {"drink": drink_id} if before else None
    st.page_link(
        DRINKS_PAGE,
        label=as_plain(title(before)) if before else t("drinks.back"),
        icon=":material/arrow_back:",
        query_params=back,
    )
    st.title(
        t("drinks.correct_title", drink=as_plain(title(before))) if before else t("drinks.add_title"), anchor=False
    )
    st.markdown(t("drinks.form_intro"))
    problem_box = st.container(key="problems")
    with st.form(f"drink-form-{drink_id}", border=False), st.container(key="drink-form"):
        typed = form.cleaned(_draw_fields(now, before, drink_id))
        saved = st.form_submit_button(t("drinks.save"), type="primary", icon=":material/check:")
    if not saved:
        return
    wrong = form.validate(typed, now.by_id, is_new=before is None)
    if wrong:
        with problem_box:
            tell(wrong)
        return
    record = form.record_from(typed, before)
    with st.spinner(t("drinks.saving")):
        catalog.save(services.db, visitor(), "corrected" if before else "added", {typed.id: record})
        services.knowledge.renew()
    st.toast(t("drinks.saved", drink=as_plain(typed.name_ko)), icon=":material/check:")
    st.switch_page(DRINKS_PAGE, query_params={"drink": typed.id})


def _draw_fields(now: DrinkCatalog, before: Drink | None, drink_id: str) -> DrinkForm:
    start = form.form_from(before) if before else DrinkForm()
    key = f"field-{drink_id}"
    with st.container(border=True):
        st.subheader(t("drinks.part_name"), anchor=False)
        left, right = st.columns(2)
        name_ko = left.text_input(named("name_ko"), start.name_ko, key=f"{key}-name_ko")
        name_en = right.text_input(named("name_en"), start.name_en, key=f"{key}-name_en")
        hanja = left.text_input(named("hanja"), start.hanja, key=f"{key}-hanja", placeholder=t("drinks.may_be_empty"))
        own_id = start.id
        if before is None:
            own_id = right.text_input(
                named("id"), key=f"{key}-id", help=t("drinks.id_help"), placeholder="heugimja-cha"
            )
        aliases = st.text_input(
            named("aliases"), ", ".join(start.aliases), key=f"{key}-aliases", help=t("drinks.aliases_help")
        )
    with st.container(border=True):
        st.subheader(t("drinks.part_words"), anchor=False)
        ko, en = _draw_both(start, key)
    with st.container(border=True):
        st.subheader(t("drinks.part_strength"), anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            liquor = st.toggle(named("is_alcoholic"), start.is_alcoholic, key=f"{key}-liquor")
            perhaps = st.toggle(named("may_contain_alcohol"), start.may_contain_alcohol, key=f"{key}-perhaps")
            caffeine = st.toggle(named("caffeine"), start.caffeine, key=f"{key}-caffeine")
        left, right = st.columns(2)
        low = left.number_input(named("abv_min"), 0.0, 100.0, start.abv_min, 0.5, "%g", key=f"{key}-abv_min")
        high = right.number_input(named("abv_max"), 0.0, 100.0, start.abv_max, 0.5, "%g", key=f"{key}-abv_max")
    with st.container(border=True):
        st.subheader(t("drinks.part_tags"), anchor=False)
        tags = _draw_tags(start, key)
        others = {other.id: title(other) for other in now.drinks if other.id != drink_id}
        own_key, chosen = in_words(f"{key}-similar", start.similar)
        similar = st.multiselect(
            named("similar"),
            list(others),
            [other for other in chosen if other in others],
            key=own_key,
            format_func=lambda other: others[other],
            placeholder=t("drinks.any"),
        )
    with st.container(border=True):
        st.subheader(t("drinks.in_detail"), anchor=False)
        details = detail_table.draw(start.details, key)
    with st.container(border=True):
        st.subheader(t("drinks.part_past"), anchor=False)
        st.caption(t("drinks.facts_help"))
        facts = {name: _draw_facts(name, getattr(start, name), key) for name in FACTS}
        sources = st.text_area(
            named("sources"), "\n".join(start.sources), key=f"{key}-sources", help=t("drinks.one_a_line")
        )
    return DrinkForm(
        id=own_id.strip(),
        name_ko=name_ko.strip(),
        name_en=name_en.strip(),
        hanja=hanja.strip(),
        aliases=_filled(aliases.split(",")),
        is_alcoholic=liquor,
        may_contain_alcohol=perhaps and not liquor,
        abv_min=low,
        abv_max=high,
        caffeine=caffeine,
        ko=ko,
        en=en,
        facts=facts["facts"],
        heritage=facts["heritage"],
        details=details,
        tags=tags,
        similar=tuple(similar),
        sources=_filled(sources.split()),
    )


def _draw_both(start: DrinkForm, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Summary, lists and short texts, Korean on the left and English on the right."""
    found: dict[str, dict[str, Any]] = {"ko": {}, "en": {}}
    for name in ("summary", *LISTS, *TEXTS):
        for column, (lang, texts) in zip(st.columns(2), (("ko", start.ko), ("en", start.en)), strict=True):
            field_label, own_key = named(f"{name}_{lang}"), f"{key}-{name}_{lang}"
            with column:
                if name in LISTS:
                    lines = "\n".join(texts.get(name, ()))
                    text = st.text_area(field_label, lines, key=own_key, height=110, help=t("drinks.one_a_line"))
                    found[lang][name] = _filled(text.splitlines())
                elif name == "summary":
                    text = st.text_area(
                        field_label, texts.get(name, ""), key=own_key, height=110, help=t("drinks.summary_help")
                    )
                    found[lang][name] = " ".join(text.split())
                else:
                    found[lang][name] = st.text_input(field_label, texts.get(name, ""), key=own_key).strip()
    return found["ko"], found["en"]


def _draw_tags(start: DrinkForm, key: str) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    with st.grid(2, min_column_width=240):
        for group in TAGS:
            own_key, chosen = in_words(f"{key}-tag-{group}", start.tags.get(group, ()))
            found[group] = st.multiselect(
                t(f"drinks.tags.{group}"),
                options(group),
                [tag for tag in chosen if tag in options(group)],
                key=own_key,
                format_func=partial(label, group),
                placeholder=t("drinks.any"),
            )
    return found


def _draw_facts(name: str, facts: Iterable[Mapping[str, Any]], key: str) -> tuple[Mapping[str, Any], ...]:
    """A table of sentences with their sources; rows can be added and taken out."""
    st.markdown(f"**{named(name)}**")
    rows = [{"ko": fact["ko"], "en": fact["en"], "sources": "\n".join(fact["sources"])} for fact in facts]
    table = st.data_editor(
        pd.DataFrame(rows, columns=["ko", "en", "sources"], dtype="str"),
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        key=f"{key}-{name}",
        column_config={
            "ko": st.column_config.TextColumn(t("drinks.fields.fact_ko"), width="large"),
            "en": st.column_config.TextColumn(t("drinks.fields.fact_en"), width="large"),
            "sources": st.column_config.TextColumn(t("drinks.fields.sources"), width="medium"),
        },
    )
    found = []
    for row in table.fillna("").to_dict("records"):
        fact = {"ko": row["ko"].strip(), "en": row["en"].strip(), "sources": _filled(row["sources"].split())}
        if any(fact.values()):
            found.append(fact)
    return tuple(found)


def tell(wrong: Sequence[Problem], where: Sequence[str] = ()) -> None:
    """Every problem with its field. where: what stands before each field, such as the row of a file."""
    told = "\n".join((t("drinks.not_saved", count=len(wrong)), "", *lines(wrong, where)))
    st.error(told, icon=":material/error:")


def lines(wrong: Sequence[Problem], where: Sequence[str] = ()) -> list[str]:
    """The problems as a list in Markdown, the first SHOWN of them."""
    lines = []
    for number, problem in enumerate(wrong[:SHOWN]):
        place = f"{as_plain(where[number])}, " if where else ""
        reason = t(
            f"drinks.problems.{problem.key}", **{name: as_plain(str(value)) for name, value in problem.values.items()}
        )
        lines.append(f"- **{place}{named(problem.field)}**: {reason}")
    if len(wrong) > SHOWN:
        lines.append(f"- +{len(wrong) - SHOWN}")
    return lines


def _filled(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(" ".join(text.split()) for text in texts if text.strip())
