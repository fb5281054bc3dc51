"""Draws the downloads: those under way with progress and buttons, and those that an earlier run left incomplete.

The downloads belong to the process, not to a page: leaving changes nothing, coming back shows them again.
"""

from pathlib import Path

import streamlit as st

from kdrinks.config import from_environment
from kdrinks.errors import KdrinksError
from kdrinks.hub.download import OVER, Download, Downloads, Interrupted
from kdrinks.hub.remote import Hub
from kdrinks.ui.format import bytes_text, left_text
from kdrinks.ui.frame import show_error, t
from kdrinks.ui.markdown_text import as_plain

EVERY_S = 1.0
SEEN = "downloads-seen"
"""Session state: how many downloads were done when the page was drawn last."""


@st.cache_resource(show_spinner=False)
def downloads(folder: str) -> Downloads:
    """The downloads into a folder, for every session of this process, with the token that was typed in."""
    return Downloads(Hub(), Path(folder))


def here() -> Downloads:
    return downloads(str(from_environment().models))


def begin(repo_id: str, file: str) -> bool:
    """Starts a download, or goes on with one; whether it worked, with the reason on the page when not."""
    jobs = here()
    try:
        with st.spinner(t("models.catalog.asking"), show_time=False):
            jobs.start(jobs.hub.file(repo_id, file))
    except KdrinksError as error:
        show_error(error)
        return False
    return True


def draw() -> None:
    """Nothing where there is nothing to show. Looks again by itself while something is under way."""
    active = any(job.phase not in OVER for job in here().jobs())
    st.session_state[SEEN] = _finished()
    st.fragment(_draw_all, run_every=EVERY_S if active else None)()


def _finished() -> int:
    return sum(job.phase in OVER for job in here().jobs())


def _draw_all() -> None:
    jobs = here()
    if _finished() != st.session_state.get(SEEN):
        # The lists above and below change with it.
        st.rerun()
    for job in jobs.jobs():
        _draw_job(jobs, job)
    for left in jobs.interrupted():
        _draw_interrupted(left)


def _draw_job(jobs: Downloads, job: Download) -> None:
    key = job.file.parts[0].origin
    with st.container(border=True, key=f"download-{key}"):
        top = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        top.markdown(f"**{as_plain(job.target.name)}**", width="content")
        buttons = top.container(horizontal=True, width="content", gap="small")
        if job.phase in OVER:
            if job.phase != "done" and buttons.button(
                t("models.catalog.resume"), icon=":material/play_arrow:", key=f"resume-{key}"
            ):
                job.start()
                st.rerun()
            if job.phase != "done" and buttons.button(t("models.catalog.cancel"), key=f"cancel-{key}"):
                job.cancel()
                jobs.forget(job)
                st.rerun()
            if job.phase == "done" and buttons.button(t("models.catalog.dismiss"), key=f"dismiss-{key}"):
                jobs.forget(job)
                st.rerun()
        else:
            if buttons.button(t("models.catalog.pause"), icon=":material/pause:", key=f"pause-{key}"):
                job.pause()
            if buttons.button(t("models.catalog.cancel"), key=f"cancel-{key}"):
                job.cancel()
        if job.phase != "done":
            st.progress(job.fraction, text=_progress_text(job))
        else:
            st.markdown(f":green[:material/verified: {t('models.catalog.verified')}]")
        if job.error:
            show_error(job.error)


def _progress_text(job: Download) -> str:
    amount = t("models.catalog.amount", done=bytes_text(job.done_bytes), size=bytes_text(job.size_bytes))
    parts = [t(f"models.catalog.phase_{job.phase}"), amount]
    if job.phase == "downloading" and job.bytes_per_s:
        parts.append(t("models.catalog.speed", speed=bytes_text(job.bytes_per_s)))
        if job.left_s is not None:
            parts.append(left_text(job.left_s))
    return " · ".join(parts)


def _draw_interrupted(left: Interrupted) -> None:
    repo_id, _, file = left.origin.partition(":")
    with st.container(border=True, key=f"interrupted-{left.origin}"):
        top = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        top.markdown(f"**{as_plain(left.target.name)}**", width="content")
        buttons = top.container(horizontal=True, width="content", gap="small")
        resume = buttons.button(t("models.catalog.resume"), icon=":material/play_arrow:", key=f"again-{left.origin}")
        if buttons.button(t("models.catalog.cancel"), key=f"discard-{left.origin}"):
            left.discard()
            st.rerun()
        amount = t("models.catalog.amount", done=bytes_text(left.done_bytes), size=bytes_text(left.size_bytes))
        st.progress(left.done_bytes / left.size_bytes, text=f"{t('models.catalog.phase_interrupted')} · {amount}")
        if resume and begin(repo_id, file):
            st.rerun()
