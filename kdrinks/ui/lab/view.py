"""Draws the evaluation page: what is under way, then one of its sections. Measures nothing itself; kdrinks.measure refuses visitors."""

from pathlib import Path

import streamlit as st

from kdrinks.measure import run
from kdrinks.services import Services
from kdrinks.store import evaluations
from kdrinks.ui import job_progress
from kdrinks.ui.frame import t, visitor
from kdrinks.ui.lab import controls, form, pairs, reading, results, unfinished
from kdrinks.ui.markdown_text import as_plain

SECTIONS = {"new": form.draw, "results": results.draw, "read": reading.draw, "compare": pairs.draw}


def draw(services: Services) -> None:
    """The evaluation page. Raises StoreError."""
    st.title(t("lab.title"), anchor=False)
    who = visitor()
    if not who.administrator:
        st.info(t("lab.admins_only"), icon=":material/lock:")
        return
    st.html(Path(__file__).parent / "lab.css")
    for job in job_progress.news(run.KIND):
        if job.phase == "done":
            st.toast(as_plain(t("lab.done", name=controls.of_subject(job.subject))), icon=":material/check:")
    runs = evaluations.runs(services.db, who)
    controls.settle(runs)
    controls.show_refused()
    job_progress.draw(run.KIND, name=controls.of_subject)
    unfinished.draw(services)
    section = controls.choose_section()
    SECTIONS[section](services, [one for one in runs if one.answered])
