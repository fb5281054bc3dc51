"""Draws the start of a run: which questions, under which settings, and how long that will take."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.generation import prompt
from kdrinks.hub import catalog
from kdrinks.measure import pace, question_set, run
from kdrinks.measure.question_set import QuestionSet
from kdrinks.services import Services, last_choice
from kdrinks.store.evaluations import Run, Setting
from kdrinks.ui.frame import get_services, lang, several_in_words, show_error, t, visitor
from kdrinks.ui.lab import controls, sealed
from kdrinks.ui.markdown_text import as_plain

SET, MODELS, ADAPTERS, TURN = "lab-form-set", "lab-models", "lab-adapters", "lab-upload"
HOTTEST = 1.5


def draw(services: Services, runs: Sequence[Run]) -> None:
    """The section under "New run"."""
    found = question_set.sets(services.settings)
    sets = {str(one.path): one.set for one in found if one.set}
    if sets:
        usual = next((path for path, one in sets.items() if not one.sealed), "")
        asked = sets[controls.one_of(SET, t("lab.set"), list(sets), lambda path: title_of(sets[path]), usual=usual)]
        _draw_about(asked)
    else:
        asked = None
        st.info(t("lab.no_set"), icon=":material/quiz:")
    _draw_upload()
    for one in found:
        if one.problem:
            show_error(one.problem)
    settings = _choose_settings(services)
    if asked is None:
        return
    st.caption(_how_much(services, asked, settings))
    if st.button(
        t("lab.start"), type="primary", icon=":material/play_arrow:", disabled=not settings, key="lab-start"
    ) and _start(services, asked, settings):
        st.rerun()


def title_of(asked: QuestionSet) -> str:
    mark = f" · {t('lab.sealed')}" if asked.sealed else ""
    return f"{asked.title[lang()]} · {t('lab.questions', count=len(asked.questions))}{mark}"


def _draw_about(asked: QuestionSet) -> None:
    if asked.license:
        st.caption(as_plain(t("lab.license", license=asked.license)))
    if asked.sealed:
        sealed.draw(asked)
    elif asked.opened:
        sealed.draw_opened(asked)


def _draw_upload() -> None:
    with st.expander(t("lab.add_set"), icon=":material/upload_file:", type="compact", key="lab-add"):
        st.caption(t("lab.add_set_about"))
        key = f"lab-file-{st.session_state.get(TURN, 0)}"
        # any kind: a file that cannot be read gets our own message, in the reader's language
        st.file_uploader(t("lab.add_set"), label_visibility="collapsed", key=key, on_change=_add, args=(key,))


def _add(key: str) -> None:
    """Keep the file of the field as a set, choose it, and empty the field."""
    services, file = get_services(), st.session_state.get(key)
    if file is None:
        return

    def keep() -> None:
        made = question_set.add_set(services.settings, visitor(), file.name, file.getvalue())
        st.session_state[SET] = str(made.path)

    controls.attempt(keep)
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def _choose_settings(services: Services) -> list[Setting]:
    models = ["", *(model.id for model in catalog.local_models(services.settings))]
    current = last_choice(services).model.id
    st.session_state.setdefault(MODELS, ["", current if current in models else catalog.BUILT_IN])
    chosen = st.multiselect(
        t("lab.models"),
        models,
        format_func=controls.model_name,
        placeholder=t("lab.models_none"),
        help=t("lab.no_model_help"),
        **several_in_words(MODELS, models),
    )
    with st.expander(t("lab.more"), icon=":material/tune:", type="compact", key="lab-more"):
        templates = st.pills(
            t("lab.template"),
            list(prompt.TEMPLATES),
            selection_mode="multi",
            default=[Setting("").template],
            key="lab-templates",
            persist_state="session",
        )
        adapters = _choose_adapters(services)
        left, right = st.columns(2)
        seed = left.number_input(
            t("lab.seed"), min_value=0, max_value=2**31 - 1, key="lab-seed", persist_state="session"
        )
        temperature = right.slider(
            t("lab.temperature"), 0.0, HOTTEST, step=0.1, key="lab-temperature", persist_state="session"
        )
    with_model = product(chosen, adapters, templates or [Setting("").template])
    settings = [
        Setting(model, adapter, template=template, seed=int(seed), temperature=round(temperature, 1))
        for model, adapter, template in with_model
        if model
    ]
    return [run.NO_MODEL, *settings] if "" in chosen else settings


def _choose_adapters(services: Services) -> list[str]:
    """Paths; "" is none. Nothing to choose where no file in the models folder is one."""
    known = ["", *map(str, catalog.adapters(services.settings))]
    if len(known) == 1:
        return known
    st.session_state.setdefault(ADAPTERS, [""])
    chosen = st.multiselect(
        t("lab.adapters"),
        known,
        format_func=lambda path: path.rpartition("/")[2].removesuffix(".gguf") if path else t("lab.no_adapter"),
        placeholder=t("lab.no_adapter"),
        **several_in_words(ADAPTERS, known),
    )
    return list(chosen) or [""]


def _how_much(services: Services, asked: QuestionSet, settings: Sequence[Setting]) -> str:
    """Questions, settings and answers; and the time, as far as something was measured."""
    questions = sum(1 + len(one["history"]) for one in asked.questions)
    text = t("lab.count", questions=len(asked.questions), settings=len(settings), answers=questions * len(settings))
    paces = [pace.seconds_a_question(services, visitor(), setting) for setting in settings]
    known = [one for one in paces if one is not None]
    if known:
        key = "lab.about" if len(known) == len(paces) else "lab.at_least"
        text += " " + t(key, time=_lasting(sum(known) * len(asked.questions)))
    return text


def _lasting(seconds: float) -> str:
    if seconds < 90:
        return t("lab.seconds", count=max(1, round(seconds)))
    if seconds < 5400:
        return t("lab.minutes", count=round(seconds / 60))
    return t("lab.hours", count=f"{seconds / 3600:.1f}")


def _start(services: Services, asked: QuestionSet, settings: Sequence[Setting]) -> bool:
    """One run after the other; what is asked already is not asked again beside it. Whether all began, with the reason where not."""
    for setting in settings:
        if not _under_way(services, asked, setting):
            try:
                run.start(services, visitor(), asked, setting)
            except KdrinksError as error:
                show_error(error)
                return False
    return True


def _under_way(services: Services, asked: QuestionSet, setting: Setting) -> bool:
    works: list[Any] = [job.work for job in services.jobs.of(run.KIND) if job.running or job.phase == "paused"]
    return any((work.asked.hash, work.setting) == (asked.hash, setting) for work in works)
