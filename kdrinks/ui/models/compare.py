"""Draws the comparison of models and devices: what to compare, how far it is, and what came out."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Literal, TypeVar

import psutil
import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog
from kdrinks.jobs import Job
from kdrinks.measure.compare import KIND, Candidate, Comparison, start
from kdrinks.records import Choice, Device, LocalModel
from kdrinks.services import Services, last_choice
from kdrinks.store.compare import RUNS_TO_SHOW
from kdrinks.ui import job_progress
from kdrinks.ui.frame import get_services, several_in_words, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.models import compare_results

T = TypeVar("T")
DEVICES: Sequence[Literal["cpu", "gpu", "split"]] = ("cpu", "gpu", "split")
CONTEXTS = (0, 1024, 2048, 4096, 8192)
MANY_SETTINGS = 12


def under_way() -> bool:
    return get_services().jobs.under_way(KIND) is not None


def draw(services: Services, devices: Sequence[Device]) -> None:
    """The section under "Compare"."""
    st.header(t("models.compare.title"), anchor=False)
    st.markdown(t("models.compare.intro"))
    job_progress.draw(KIND, name=titles_of, text=_progress_text)
    job = services.jobs.latest(KIND)
    if job is not None and job.phase == "cancelled":
        st.info(t("models.compare.cancelled"), icon=":material/cancel:")
    drawn = compare_results.draw(services)
    if job is not None and not job.running and job.work.id not in drawn:
        # With nothing measured it is not among the results.
        compare_results.draw_problems(services, job.work.id)
    with st.expander(t("models.compare.new"), icon=":material/speed:", expanded=not drawn, key="compare-new"):
        _draw_form(services, devices)


def begin(services: Services, candidates: Sequence[Candidate], *, rounds: int, quality: bool) -> bool:
    """Starts a comparison where none is under way; whether it did, with the reason on the page when not."""
    try:
        work = Comparison(services.db, visitor(), services.engine, candidates, rounds=rounds, quality=quality)
        return start(services.jobs, work).work is work
    except KdrinksError as error:
        show_error(error)
        return False


def _progress_text(job: Job[Any]) -> str:
    candidate = job.work.candidates[job.work.place]
    return " · ".join(
        (
            t("models.compare.progress", done=job.work.done, steps=job.work.steps),
            job_progress.step_text(job),
            as_plain(title_of(candidate.model.id)),
            _setting_text(candidate.choice),
        )
    )


def _draw_form(services: Services, devices: Sequence[Device]) -> None:
    models = {model.id: model for model in catalog.local_models(services.settings)}
    current = last_choice(services).model.id
    st.session_state.setdefault("compare-models", [current if current in models else catalog.BUILT_IN])
    chosen = st.multiselect(
        t("models.compare.models"),
        list(models),
        format_func=title_of,
        placeholder=t("models.compare.models_none"),
        **several_in_words("compare-models", models),
    )
    kinds = _pills("devices", DEVICES if _gpu(devices) else DEVICES[:1], lambda kind: t(f"charts.asked.{kind}"))
    if not _gpu(devices):
        st.caption(t("models.compare.no_gpu"))
    threads = _pills("threads", _thread_counts(), lambda count: str(count) if count else t("models.device_auto"))
    contexts = _pills("contexts", CONTEXTS, lambda tokens: f"{tokens:,}" if tokens else t("models.context_auto"))
    left, right = st.columns(2, vertical_alignment="bottom")
    rounds = left.number_input(
        t("models.compare.rounds"),
        min_value=RUNS_TO_SHOW,
        max_value=20,
        help=t("models.compare.rounds_help", least=RUNS_TO_SHOW),
        key="compare-rounds",
        persist_state="session",
    )
    quality = right.toggle(
        t("models.compare.quality"),
        help=t("models.compare.quality_help"),
        key="compare-quality",
        persist_state="session",
    )
    candidates = [
        Candidate(models[model_id], Choice(LocalModel(model_id, models[model_id].path), device, context, count))
        for model_id, device, context, count in product(
            (model_id for model_id in chosen if model_id in models), kinds, contexts, threads
        )
        if context <= models[model_id].context_length
    ]
    count = t("models.compare.count", count=len(candidates), answers=len(candidates) * int(rounds) * 4)
    st.caption(f"{count} {t('models.compare.turns')}")
    if len(candidates) > MANY_SETTINGS:
        st.warning(t("models.compare.many"), icon=":material/hourglass:")
    if st.button(
        t("models.compare.start"),
        type="primary",
        icon=":material/play_arrow:",
        disabled=under_way() or not candidates,
        key="compare-start",
    ) and begin(services, candidates, rounds=int(rounds), quality=quality):
        st.rerun()


def _pills(key: str, options: Sequence[T], name: Callable[[T], str]) -> list[T]:
    """Several of the options; the first one when a person takes all away."""
    chosen = st.pills(
        t(f"models.compare.{key}"),
        options,
        selection_mode="multi",
        default=options[:1],
        format_func=name,
        key=f"compare-{key}",
        persist_state="session",
    )
    return list(chosen) or [options[0]]


def _gpu(devices: Sequence[Device]) -> bool:
    return any(device.kind in ("gpu", "igpu") for device in devices)


def _thread_counts() -> list[int]:
    """0 for the engine's own choice, then powers of two up to the logical processors, and the physical cores."""
    logical = psutil.cpu_count() or 1
    powers = {1 << bit for bit in range(8) if 1 << bit <= logical}
    return [0, *sorted(powers | {min(psutil.cpu_count(logical=False) or 1, logical)})]


def _setting_text(choice: Choice) -> str:
    parts = [t(f"charts.asked.{choice.device}")]
    if choice.threads:
        parts.append(t("charts.threads", count=choice.threads))
    if choice.context_tokens:
        parts.append(t("models.tokens", count=f"{choice.context_tokens:,}"))
    return " · ".join(parts)


def titles_of(model_ids: str) -> str:
    """Of a comparison's subject."""
    return ", ".join(title_of(model_id) for model_id in model_ids.split(", "))


def title_of(model_id: str) -> str:
    return t("models.built_in") if model_id == catalog.BUILT_IN else model_id
