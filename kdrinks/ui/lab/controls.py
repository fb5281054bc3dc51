"""What is chosen on the evaluation page, kept by the session and told by the address; how its runs are called."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog
from kdrinks.measure import question_set
from kdrinks.services import Services
from kdrinks.store.evaluations import Run, Setting
from kdrinks.ui import address
from kdrinks.ui.address import Control
from kdrinks.ui.frame import as_state, lang, show_error, t
from kdrinks.ui.lab.failures import SHARES

T = TypeVar("T")
SECTIONS = ("new", "results", "read", "compare")
SHOW = ("all", "failed", "unjudged", "turned")
SAID = ("all", "ko", "en")
USUAL_MEASURES = ("good", "mentions", "violates")
SECTION, SET, RUN, BESIDE, AT = "lab-section", "lab-set", "lab-run", "lab-beside", "lab-at"
SHOWN, KIND, LANG, MEASURES, MEASURE = "lab-show", "lab-kind", "lab-said", "lab-measures", "lab-measure"
"""Session state: the keys of what is chosen."""
REFUSED = "lab-refused"
"""Session state: the error of a button, shown by the run that follows."""


def settle(runs: Sequence[Run]) -> None:
    """Before everything that is chosen here: ?section=read&set=HASH&run=ID&beside=ID&at=QUESTION&show=failed&kind=ood&said=ko."""
    ids = [run.id for run in runs]
    controls = {
        "section": Control(key=SECTION, usual=SECTIONS[0], known=SECTIONS),
        "set": Control(key=SET, usual="", known={run.set_hash for run in runs}),
        "run": Control(key=RUN, usual="", known=ids),
        "beside": Control(key=BESIDE, usual="", known=ids),
        "at": Control(key=AT, usual="", known=None),
        "show": Control(key=SHOWN, usual=SHOW[0], known=SHOW),
        "kind": Control(key=KIND, usual="", known=None),
        "said": Control(key=LANG, usual=SAID[0], known=SAID),
        "measures": Control(key=MEASURES, usual=list(USUAL_MEASURES), known=SHARES),
        "measure": Control(key=MEASURE, usual="good", known=None),
    }
    address.settle("lab", controls)


def choose_section() -> str:
    """The tabs; only the open one is drawn."""
    names = {t(f"lab.sections.{name}"): name for name in SECTIONS}
    section = str(st.session_state[SECTION])
    key = f"lab-tabs-{lang()}"

    def opened() -> None:
        st.session_state[SECTION] = names[st.session_state[key]]

    # not by its default, which would make other tabs of them
    st.session_state[key] = t(f"lab.sections.{section}")
    st.tabs(list(names), key=key, on_change=opened)
    return section


def go(section: str, **chosen: str) -> None:
    """A button's: open a section with other choices.   chosen: by the last part of their keys: run, beside, at, show ..."""
    st.session_state[SECTION] = section
    for name, value in chosen.items():
        st.session_state[f"lab-{name}"] = value


def attempt(act: Callable[..., object], *arguments: object) -> bool:
    """A button's: whether it was done; what went wrong is shown by the run that follows."""
    try:
        act(*arguments)
    except KdrinksError as error:
        st.session_state[REFUSED] = as_state(error)
        return False
    return True


def show_refused() -> None:
    if refused := st.session_state.pop(REFUSED, None):
        show_error(KdrinksError(refused["key"], **refused["values"]))


def one_of(
    key: str, label: str, options: Sequence[str], name: Callable[[str], str], *, usual: str = "", **look: Any
) -> str:
    """A selectbox; what was chosen stays in the session under `key`, in whatever language it is read.

    options: at least one.   usual: what it is while nothing is chosen that is one of them, else their first. That is not kept: what
    changes by itself would look to the address like a click.
    """
    value = str(st.session_state.get(key))
    if value not in options:
        value = usual if usual in options else options[0]
    st.selectbox(label, options, format_func=name, **_own(key, value), **look)
    return value


def segments(key: str, label: str, options: Sequence[str], name: Callable[[str], str]) -> str:
    """As one_of, of a few options that all are seen."""
    value = str(st.session_state.get(key))
    value = value if value in options else options[0]
    st.segmented_control(label, options, format_func=name, required=True, wrap=True, **_own(key, value))
    return value


def several_of(key: str, label: str, options: Sequence[str], name: Callable[[str], str]) -> list[str]:
    """As one_of, of any number of them, in their order; the first when none is left."""
    kept = [one for one in options if one in (st.session_state.get(key) or ())] or list(options[:1])
    look = _own(key, kept)
    st.pills(label, options, selection_mode="multi", format_func=name, wrap=True, label_visibility="collapsed", **look)
    return kept


def _own(key: str, value: Any) -> dict[str, Any]:
    """key= and on_change= of a control whose value the session keeps under `key`; by the language, for the browser holds words."""
    widget = f"{key}-{lang()}"

    def chosen() -> None:
        st.session_state[key] = st.session_state[widget]

    st.session_state[widget] = value
    return {"key": widget, "on_change": chosen}


def choose_set(services: Services, runs: Sequence[Run]) -> list[Run]:
    """The runs of one question set: the one that was chosen, else the chosen run's, else the latest. Nothing to choose of one set.

    runs: at least one.
    """
    sets = {run.set_hash: run.question_set for run in sorted(runs, key=lambda run: run.created_at, reverse=True)}
    of_run = next((run.set_hash for run in runs if run.id == st.session_state.get(RUN)), "")
    chosen = next(iter(sets))
    if len(sets) > 1:
        titles = {one.set.hash: one.set.title[lang()] for one in question_set.sets(services.settings) if one.set}
        names = sets | {set_hash: title for set_hash, title in titles.items() if set_hash in sets}
        chosen = one_of(SET, t("lab.set"), list(sets), lambda set_hash: names[set_hash], usual=of_run)
    return [run for run in runs if run.set_hash == chosen]


def choose_run(key: str, label: str, runs: Sequence[Run], *, none: str = "") -> Run | None:
    """One of these runs.   none: what it is called to choose none of them, which is then the first; without it there is always one."""
    names = run_names(runs)
    options = ["", *names] if none else list(names)
    chosen = one_of(key, label, options, lambda run_id: names.get(run_id, none))
    return next((run for run in runs if run.id == chosen), None)


def run_names(runs: Sequence[Run]) -> dict[str, str]:
    """What each is called, by id: its setting, and where several have the same one when they began."""
    names = {run.id: setting_name(run.setting) for run in runs}
    for form in ("%m-%d %H:%M", "%S″"):
        often = Counter(names.values())
        for run in runs:
            if often[names[run.id]] > 1:
                names[run.id] += f" · {began(run, form)}"
    return names


def began(run: Run, form: str = "%Y-%m-%d %H:%M") -> str:
    """In the reader's time."""
    return f"{run.created_at - timedelta(minutes=st.context.timezone_offset or 0):{form}}"


def setting_name(setting: Setting) -> str:
    """The model, and what differs from the usual."""
    parts = [model_name(setting.model)]
    if setting.adapter:
        parts.append(f"{Path(setting.adapter).stem} ×{setting.scale:g}")
    if setting.template != Setting("").template:
        parts.append(setting.template)
    if setting.temperature:
        parts.append(t("lab.of_temperature", temperature=f"{setting.temperature:g}"))
    if setting.seed:
        parts.append(t("lab.of_seed", seed=setting.seed))
    return " · ".join(parts)


def model_name(model: str) -> str:
    if not model:
        return t("lab.no_model")
    return t("models.built_in") if model == catalog.BUILT_IN else Path(model).name.removesuffix(".gguf")


def of_subject(subject: str) -> str:
    """A job's subject as a person reads it."""
    name, _, model = subject.rpartition(": ")
    return f"{name} · {model_name('' if model == 'no model' else model)}"


def by_id(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["id"]: row for row in rows}
