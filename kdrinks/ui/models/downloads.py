"""Draws the downloads: those under way with progress and buttons, and those that an earlier run left incomplete."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub.download import KIND, Download, Downloads, Interrupted
from kdrinks.hub.remote import Hub
from kdrinks.jobs import Job
from kdrinks.ui import job_progress
from kdrinks.ui.format import bytes_text, left_text
from kdrinks.ui.frame import get_services, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

EVERY_S = 1.0


@st.cache_resource(show_spinner=False)
def hub() -> Hub:
    """The Hub for every session of this process, with the token that was typed in."""
    return Hub()


def here() -> Downloads:
    """The downloads into the models folder."""
    services = get_services()
    return Downloads(hub(), services.settings.models, services.jobs, services.db)


def begin(repo_id: str, file: str) -> bool:
    """Starts a download, or goes on with one; whether it worked, with the reason on the page when not."""
    downloads = here()
    try:
        with st.spinner(t("models.catalog.asking"), show_time=False):
            downloads.start(visitor(), downloads.hub.file(repo_id, file))
    except KdrinksError as error:
        show_error(error)
        return False
    return True


def repositories() -> set[str]:
    """Those of which a download is under way, or was and nobody has closed it, or was cut in an earlier run."""
    origins = [job.key for job in here().jobs()] + [left.origin for left in here().interrupted()]
    return {_repository(origin) for origin in origins}


def jobs_of(repo_id: str) -> list[Job[Download]]:
    """Those of one repository."""
    return [job for job in here().jobs() if _repository(job.key) == repo_id]


def draw(of: Callable[[str], bool]) -> None:
    """Those of the repositories that are asked for; nothing where there is nothing. Looks again by itself while one is under way."""
    left = [one for one in here().interrupted() if of(_repository(one.origin))]
    for cut in get_services().jobs.cut(KIND):
        if cut.subject in {one.target.name for one in left}:
            get_services().jobs.dismiss(visitor(), cut)  # told below, with a way to go on
    job_progress.draw(KIND, text=_progress_text, every_s=EVERY_S, only=lambda key: of(_repository(key)))
    for job in here().jobs():
        if job.phase == "done" and of(_repository(job.key)):
            with st.container(border=True, key=f"download-{job.id}"):
                st.markdown(
                    f"**{as_plain(job.subject)}**  \n:green[:material/verified: {t('models.catalog.verified')}]"
                )
                job_progress.dismiss_button(job)
    for one in left:
        _draw_interrupted(one)


def _repository(origin: str) -> str:
    return origin.partition(":")[0]


def _progress_text(job: Job[Any]) -> str:
    work = job.work
    parts = [
        job_progress.step_text(job),
        t("models.catalog.amount", done=bytes_text(work.done_bytes), size=bytes_text(work.size_bytes)),
    ]
    if job.progress.step == "downloading" and job.running and work.bytes_per_s:
        parts.append(t("models.catalog.speed", speed=bytes_text(work.bytes_per_s)))
        if work.left_s is not None:
            parts.append(left_text(work.left_s))
    return " · ".join(parts)


def _draw_interrupted(left: Interrupted) -> None:
    repo_id, _, file = left.origin.partition(":")
    with st.container(border=True, key=f"interrupted-{left.origin}"):
        top = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        top.markdown(f"**{as_plain(left.target.name)}**", width="content")
        buttons = top.container(horizontal=True, width="content", gap="small")
        resume = buttons.button(t("jobs.resume"), icon=":material/play_arrow:", key=f"again-{left.origin}")
        if buttons.button(t("jobs.cancel"), icon=":material/close:", key=f"discard-{left.origin}"):
            left.discard(visitor())
            st.rerun()
        amount = t("models.catalog.amount", done=bytes_text(left.done_bytes), size=bytes_text(left.size_bytes))
        st.progress(left.done_bytes / left.size_bytes, text=f"{t('models.catalog.phase_interrupted')} · {amount}")
        if resume and begin(repo_id, file):
            st.rerun()
