"""Draws the jobs of one kind: how far each is, the buttons that pause, resume and cancel it, why it failed, and which were cut.

The jobs are the process's and only looked at here: a rerun, another page or a closed tab changes nothing. Knows no kind of work: its
words are the strings jobs.KIND.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.jobs import Job
from kdrinks.records import Visitor
from kdrinks.store.jobs import CutJob
from kdrinks.ui.frame import get_services, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

J = TypeVar("J", Job[Any], CutJob, Job[Any] | CutJob)
EVERY_S = 0.5
"""Between two looks at the jobs while one of them runs."""


def draw(
    kind: str,
    *,
    name: Callable[[str], str] = str,
    text: Callable[[Job[Any]], str] | None = None,
    every_s: float = EVERY_S,
    may_change: bool = True,
    only: Callable[[str], bool] | None = None,
) -> None:
    """Those that run, are paused, failed or were cut; nothing where there are none. Looks again by itself while one runs.

    The page is drawn anew when one begins or ends.   name: what a person calls a subject.   text: over the bar instead of the step.
    may_change: whether this person gets the buttons.
    only: which jobs, by their key, where a page draws some here and some there; those that were cut have none and are left out.
    """
    state = _state(kind, only)

    def watch() -> None:
        if _state(kind, only) != state:
            st.rerun()  # the lists around change with it
        for job in get_services().jobs.of(kind):
            if only and not only(job.key):
                continue
            if job.running or job.phase in ("paused", "failed"):
                _draw_job(job, name(job.subject), (text or step_text)(job), may_change)
        for cut in get_services().jobs.cut(kind) if only is None else ():
            _draw_cut(cut, name(cut.subject), may_change)

    st.fragment(watch, run_every=every_s if any(running for _, running, _ in state) else None)()


def news(kind: str) -> list[Job[Any]]:
    """The jobs that ended since this session looked last; those that were over when it first looked are none."""
    key, over = f"jobs-seen-{kind}", [job for job in get_services().jobs.of(kind) if job.over]
    seen: list[str] = st.session_state.setdefault(key, [job.id for job in over])
    st.session_state[key] = [job.id for job in over]
    return [job for job in over if job.id not in seen]


def step_text(job: Job[Any]) -> str:
    """What the job is doing now, in the reader's language."""
    step, values, _ = job.progress
    if job.phase in ("waiting", "paused", "failed"):
        return t(f"jobs.{job.phase}")
    if not step:
        return t("jobs.starting")
    return t(f"jobs.{job.kind}.{step}", **{key: _value(value) for key, value in values.items()})


def dismiss_button(job: Job[Any] | CutJob) -> None:
    """Takes a job that is over, or was cut, off the list for everybody."""
    _button(job, "dismiss", "close", get_services().jobs.dismiss, type="tertiary")


def _state(kind: str, only: Callable[[str], bool] | None) -> list[tuple[str, bool, bool]]:
    """By id, whether each runs and whether it is over."""
    jobs = get_services().jobs
    return [(job.id, job.running, job.over) for job in jobs.of(kind) if only is None or only(job.key)] + [
        (cut.id, False, True) for cut in jobs.cut(kind) if only is None
    ]


def _draw_job(job: Job[Any], name: str, text: str, may_change: bool) -> None:
    with st.container(border=True, key=f"job-{job.id}"):
        top = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        top.markdown(f"**{as_plain(name)}**", width="content")
        if may_change:
            with top.container(horizontal=True, width="content", gap="small"):
                _draw_buttons(job)
        if job.running or job.can_pause:
            st.progress(job.fraction, text=text)
        if job.error:
            show_error(job.error)


def _draw_buttons(job: Job[Any]) -> None:
    jobs = get_services().jobs
    if job.running and job.can_pause:
        _button(job, "pause", "pause", jobs.pause)
    if not job.running and job.can_pause:
        _button(job, "resume", "play_arrow", jobs.resume)
    if job.running or job.can_pause:
        _button(job, "cancel", "close", jobs.cancel)
    else:
        dismiss_button(job)


def _button(job: J, name: str, icon: str, act: Callable[[Visitor, J], None], **look: Any) -> None:
    """One of the strings jobs.NAME; what is not allowed is said in its place."""
    if st.button(t(f"jobs.{name}"), icon=f":material/{icon}:", key=f"{name}-{job.id}", **look):
        try:
            act(visitor(), job)
        except KdrinksError as error:
            show_error(error)
            return
        st.rerun()


def _draw_cut(cut: CutJob, name: str, may_change: bool) -> None:
    with st.container(
        border=True,
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        key=f"cut-{cut.id}",
    ):
        st.markdown(
            f":material/power_off: {t(f'jobs.{cut.kind}.interrupted', subject=as_plain(name))}", width="content"
        )
        if may_change:
            dismiss_button(cut)


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else as_plain(str(value))
