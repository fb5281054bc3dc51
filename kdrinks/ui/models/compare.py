"""Draws the comparison of models and devices: what to compare, how far it is, and what came out.

The job belongs to the process, not to a page: leaving changes nothing, and every session sees the same one.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Literal, TypeVar

import psutil
import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog
from kdrinks.measure.compare import Candidate, Comparison
from kdrinks.records import Choice, Device, LocalModel
from kdrinks.services import Services, last_choice
from kdrinks.store.compare import RUNS_TO_SHOW
from kdrinks.ui.frame import may_manage, several_in_words, show_error, t
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.models import compare_results

T = TypeVar("T")
NOW = "now"
EVERY_S = 0.5
DEVICES: Sequence[Literal["cpu", "gpu", "split"]] = ("cpu", "gpu", "split")
CONTEXTS = (0, 1024, 2048, 4096, 8192)
MANY_SETTINGS = 12


@st.cache_resource(show_spinner=False)
def comparisons() -> dict[str, Comparison]:
    """The comparison under way or the last one, under "now", for every session of this process: the engine is one."""
    return {}


def under_way() -> bool:
    job = comparisons().get(NOW)
    return job is not None and job.phase == "running"


def draw(services: Services, devices: Sequence[Device]) -> None:
    """The section under "Compare"."""
    st.header(t("models.compare.title"), anchor=False)
    st.markdown(t("models.compare.intro"))
    job = comparisons().get(NOW)
    if job is not None and job.phase == "running":
        st.fragment(_watch, run_every=EVERY_S)()
    elif job is not None and job.phase == "cancelled":
        st.info(t("models.compare.cancelled"), icon=":material/cancel:")
    if job is not None and job.error:
        show_error(job.error)
    drawn = compare_results.draw(services)
    if job is not None and job.phase != "running" and job.id not in drawn:
        # With nothing measured it is not among the results.
        compare_results.draw_problems(services, job.id)
    if not may_manage():
        return
    with st.expander(t("models.compare.new"), icon=":material/speed:", expanded=not drawn, key="compare-new"):
        _draw_form(services, devices)


def begin(services: Services, candidates: Sequence[Candidate], *, rounds: int, quality: bool) -> bool:
    """Starts a comparison where none is under way; whether it did, with the reason on the page when not."""
    if under_way():
        return False
    try:
        comparisons()[NOW] = Comparison(services.db, services.engine, candidates, rounds=rounds, quality=quality)
    except KdrinksError as error:
        show_error(error)
        return False
    return True


def _watch() -> None:
    job = comparisons()[NOW]
    if job.phase != "running":
        # The results above the form are there now.
        st.rerun()
    candidate = job.candidates[job.place]
    with st.container(border=True, key="compare-now"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(
                f"**{as_plain(title_of(candidate.model.id))}** · {_setting_text(candidate.choice)}", width="content"
            )
            if may_manage() and st.button(t("models.catalog.cancel"), key="compare-cancel"):
                job.cancel()
        text = t("models.compare.progress", done=job.done, steps=job.steps)
        st.progress(min(job.done / job.steps, 1.0), text=f"{text} · {t(f'models.compare.{job.activity}')}")


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


def title_of(model_id: str) -> str:
    return t("models.built_in") if model_id == catalog.BUILT_IN else model_id
