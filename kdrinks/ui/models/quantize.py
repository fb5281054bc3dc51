"""Draws how a smaller file is made of a model: which one, which quantizations, how far it is, and the way to compare them."""

from collections.abc import Sequence

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog, quantize
from kdrinks.jobs import Job
from kdrinks.measure.compare import Candidate
from kdrinks.records import Choice, LocalModel, ModelFile
from kdrinks.services import Services
from kdrinks.store.compare import RUNS_TO_SHOW
from kdrinks.ui import job_progress
from kdrinks.ui.format import bytes_text
from kdrinks.ui.frame import in_words, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.models import compare
from kdrinks.ui.models.cards import quantization_text

DEFAULT = "Q4_K_M"


def draw(services: Services) -> None:
    """The section under "Make a smaller file"."""
    st.header(t("models.quantize.title"), anchor=False)
    st.markdown(t("models.quantize.intro"))
    job_progress.draw(quantize.KIND, name=compare.title_of)  # where the form and its button are at other times
    job = services.jobs.latest(quantize.KIND)
    if job is not None and job.running:
        return
    if job is not None:
        _draw_over(services, job)
    _draw_form(services)


def _draw_over(services: Services, job: Job[quantize.Quantizing]) -> None:
    """What became of the last one, until a person closes it; why it failed is drawn above."""
    made = job.work.made
    if not made and job.phase == "failed":
        return
    with st.container(border=True, key="quantize-over"):
        if made:
            names = ", ".join(as_plain(path.name) for path in made)
            st.markdown(f":green[:material/check_circle: {t('models.quantize.made', names=names)}]")
        if job.phase == "cancelled":
            st.markdown(f":material/cancel: {t('models.quantize.cancelled')}")
        with st.container(horizontal=True):
            if made and st.button(
                t("models.quantize.compare"),
                icon=":material/speed:",
                type="primary",
                help=t("models.quantize.compare_help"),
                disabled=compare.under_way(),
                key="quantize-compare",
            ):
                _compare(services, job)
            if job.phase != "failed":
                job_progress.dismiss_button(job)


def _compare(services: Services, job: Job[quantize.Quantizing]) -> None:
    """The original and what was made of it, largest first, on the device that the engine takes by itself."""
    made = {path for path in job.work.made if path.exists()}
    smaller = [model for model in catalog.local_models(services.settings) if model.path in made]
    models = [job.work.model, *sorted(smaller, key=lambda model: -model.size_bytes)]
    candidates = [Candidate(model, Choice(LocalModel(model.id, model.path))) for model in models]
    if compare.begin(services, candidates, rounds=RUNS_TO_SHOW, quality=True):
        services.jobs.dismiss(visitor(), job)
        st.rerun()


def _draw_form(services: Services) -> None:
    models = sorted(catalog.local_models(services.settings), key=quantize.requantizes)
    by_id = {model.id: model for model in models}
    key, start = in_words("quantize-source", models[0].id)
    model = by_id[
        st.selectbox(
            t("models.quantize.source"),
            list(by_id),
            index=list(by_id).index(start) if start in by_id else 0,
            format_func=lambda one: f"{compare.title_of(one)} · {_about(by_id[one])}",
            key=key,
        )
    ]
    try:
        sizes = quantize.smaller(model)
    except KdrinksError as error:  # gone or broken since the list was made
        show_error(error)
        return
    there = [name for name in sizes if quantize.target_for(model, name, services.settings.models).exists()]
    possible = [name for name in sizes if name not in there]
    if not possible:
        st.info(t("models.quantize.none", model=as_plain(model.path.name), types=", ".join(there) or "–"))
        return
    wanted = st.pills(
        t("models.quantize.targets"),
        possible,
        selection_mode="multi",
        default=[DEFAULT] if DEFAULT in possible else possible[:1],
        key=f"quantize-targets-{model.id}",
    )
    if there:
        st.caption(t("models.quantize.there", names=", ".join(there)))
    if larger := [name for name in quantize.TYPES if name not in sizes]:
        st.caption(t("models.quantize.no_smaller", names=", ".join(larger), size=bytes_text(model.size_bytes)))
    _draw_losses(model, wanted)
    sure = True
    if quantize.requantizes(model):
        st.warning(
            t("models.quantize.again", model=as_plain(model.path.name), quantization=as_plain(model.quantization)),
            icon=":material/warning:",
        )
        sure = st.checkbox(t("models.quantize.sure"), key=f"quantize-sure-{model.id}")
    if st.button(
        t("models.quantize.start"),
        type="primary",
        icon=":material/compress:",
        disabled=not wanted or not sure,
        key="quantize-start",
    ):
        try:
            quantize.start(
                services.jobs, visitor(), model, quantize.targets_for(model, wanted, services.settings.models)
            )
        except KdrinksError as error:
            show_error(error)
            return
        st.rerun()


def _draw_losses(model: ModelFile, names: Sequence[str]) -> None:
    lines = []
    for name in names:
        offer = quantize.offer(model, name)
        memory = t("models.catalog.needs", memory=bytes_text(offer.estimate.needed_bytes))
        slow = f" {t('models.catalog.slow')}" if offer.slow else ""
        size = t("models.quantize.size", size=bytes_text(offer.size_bytes))
        lines.append(f"- **{name}**: {size}, {memory}. {quantization_text(name)}{slow}")
    if lines:
        st.markdown("\n".join(lines))


def _about(model: ModelFile) -> str:
    return f"{model.quantization} · {bytes_text(model.size_bytes)}"
