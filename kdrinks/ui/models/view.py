"""Draws the models page: this machine, the model files, what is in memory now; chooses, loads and unloads.

The choice is saved the moment it is made, so the next question uses it with or without Load. Knows no GGUF and no llama.cpp.
"""

from collections.abc import Sequence

import psutil
import streamlit as st

from kdrinks.engine.advice import reinstall_command_here
from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog, fit
from kdrinks.hub.download import disk_free_bytes
from kdrinks.records import Choice, Device, Loaded, LocalModel, ModelFile, RemoteModel
from kdrinks.services import (
    LOADING,
    Services,
    last_choice,
    load_model,
    mode_of,
    save_choice,
    save_thinks_first,
    thinks_first,
    unload,
)
from kdrinks.ui import job_progress
from kdrinks.ui.chat.evidence import device_name
from kdrinks.ui.format import bytes_text, short
from kdrinks.ui.frame import get_services, lang, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.models import catalog as models_catalog
from kdrinks.ui.models import compare, keep_alive, link, mode, quantize, versions

WATCH_S = 0.2
GPUS = ("gpu", "igpu")
CONTEXTS = (1024, 2048, 4096, 8192, 16384, 32768)


def draw(services: Services) -> None:
    """The models page. Raises StoreError."""
    st.title(t("models.title"), anchor=False)
    who = visitor()
    if not who.administrator:
        _draw_what_answers(services)
        return
    st.markdown(t("models.intro"))
    devices = _devices(services)
    _draw_state(any(device.kind in GPUS for device in devices))
    _draw_choice(services, devices)
    reclaimed = services.engine.reclaimable_bytes
    free = fit.free_memory(psutil.virtual_memory().available, devices, reclaimed_bytes=reclaimed)
    link.draw(services)
    models_catalog.draw(services, free)
    quantize.draw(services)
    compare.draw(services, devices)
    _draw_machine(services, devices)
    versions.draw(services)


def _draw_what_answers(services: Services) -> None:
    """All that a visitor of a hosted site sees here: neither folders nor the memory of the server."""
    with st.container(border=True, key="state"):
        chosen = last_choice(services).model
        st.markdown(f"### :material/local_cafe: {as_plain(_title(chosen.id))}")
        st.caption(mode.name(mode_of(services, catalog.describe_ref(chosen, services.settings))))
    st.caption(t("models.admins_only"))


def _devices(services: Services) -> Sequence[Device]:
    """What llama.cpp sees; nothing, and the reason on the page, when it cannot say."""
    with st.spinner(t("models.looking"), show_time=False):
        try:
            return services.engine.devices()
        except KdrinksError as error:
            show_error(error)
            return ()


@st.fragment(run_every=2.0)
def _draw_state(has_gpu: bool) -> None:
    """What is in memory now; looks again by itself, because an answer or another tab loads models too."""
    services = get_services()
    loaded = services.engine.state.loaded
    with st.container(border=True, key="state"):
        if loaded is None:
            st.markdown(f":material/bedtime: {t('models.state_none')}")
            return
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"### :material/local_cafe: {as_plain(_title(loaded.model_id))}", width="content")
            missed = loaded.requested == "gpu" and loaded.used == "cpu"
            st.badge(device_name(loaded), color="red" if missed else "green", icon=":material/memory:")
        with st.container(horizontal=True, gap="medium", key="facts"):
            for name, value in _facts(loaded):
                st.markdown(f":small[:gray[{t(f'models.{name}')}]]  \n**{value}**", width="content")
        if services.engine.state.replaced:
            st.warning(t("models.replaced"), icon=":material/published_with_changes:")
        if loaded.stepped_down:
            steps = ", ".join(_step_text(step) for step in loaded.stepped_down)
            st.warning(t("models.stepped_down", steps=steps), icon=":material/trending_down:")
        if missed and has_gpu and not loaded.stepped_down:
            st.warning(t("models.gpu_no_room"), icon=":material/memory_alt:")
        if idle_models := services.engine.state.idle_models:
            st.caption(
                t("models.idle_models", models=as_plain(", ".join(_title(idle.model_id) for idle in idle_models)))
            )


def _step_text(step: str) -> str:
    what, _, value = step.partition(" ")
    return t(f"models.step_{what}", value=value)


def _draw_no_gpu() -> None:
    """In red: the GPU was asked for and this llama.cpp has none; with the command that gets one."""
    st.error(t("models.no_gpu"), icon=":material/error:")
    st.code(reinstall_command_here(), language=None, wrap_lines=True)


def _facts(loaded: Loaded) -> list[tuple[str, str]]:
    return [
        ("column_quantization", as_plain(loaded.quantization)),
        ("state_layers", f"{loaded.gpu_layers} / {loaded.layers}"),
        ("state_context", t("models.tokens", count=f"{loaded.context_tokens:,}")),
        ("state_memory", bytes_text(loaded.memory_bytes)),
        ("state_predicted", bytes_text(loaded.predicted_bytes) if loaded.predicted_bytes else "–"),
        ("state_threads", str(loaded.threads)),
        ("state_load", t("chat.seconds", seconds=f"{loaded.load_s:.2f}")),
    ]


def _draw_choice(services: Services, devices: Sequence[Device]) -> None:
    saved = last_choice(services)
    usable, broken = catalog.local_models(services.settings), catalog.broken_files(services.settings)
    models: list[ModelFile | RemoteModel] = [*usable, *services.engine.models]
    by_id = {model.id: model for model in models}
    st.header(t("models.files"), anchor=False)
    st.caption(t("models.files_folder", folder=as_plain(str(services.settings.models))))
    model_id = st.radio(
        t("models.choose"),
        options=list(by_id),
        index=list(by_id).index(saved.model.id) if saved.model.id in by_id else 0,
        format_func=lambda model_id: as_plain(_title(model_id)),
        captions=[_about(services, model) for model in by_id.values()],
        key=f"choice-model-{lang()}",  # as in frame.in_words; what was chosen is saved
    )
    if broken:
        with st.expander(t("models.broken", count=len(broken)), icon=":material/error:"):
            for file in broken:
                st.markdown(f"**{as_plain(file.path.name)}**  \n{as_plain(_reason(file.error))}")
                link.draw_broken(file.path)
    model = by_id[model_id]
    choice = _draw_local_choice(services, model, saved, devices) if isinstance(model, ModelFile) else Choice(model)
    if (choice.model.id, choice.device, choice.context_tokens) != (saved.model.id, saved.device, saved.context_tokens):
        save_choice(services, visitor(), choice)
    mode.draw(services, catalog.describe_ref(choice.model, services.settings))
    _draw_buttons(services, choice)


def _draw_local_choice(services: Services, model: ModelFile, saved: Choice, devices: Sequence[Device]) -> Choice:
    """Where a file runs and with which context."""
    left, right = st.columns(2)
    with left:
        device = st.segmented_control(
            t("models.device"),
            options=("auto", "cpu", "gpu"),
            default=saved.device,
            required=True,
            format_func=lambda name: t(f"models.device_{name}"),
            help=t("models.device_help"),
            key="choice-device",
        )
    # a context that was saved elsewhere stays to choose: opening the page changes no choice
    of_model = saved.context_tokens if saved.model.id == model.id else 0
    contexts = sorted({0, of_model, *(tokens for tokens in CONTEXTS if tokens <= model.context_length)})
    with right:
        context = st.selectbox(
            t("models.context"),
            options=contexts,
            index=contexts.index(saved.context_tokens) if saved.context_tokens in contexts else 0,
            format_func=lambda tokens: t("models.tokens", count=f"{tokens:,}") if tokens else t("models.context_auto"),
            help=t("models.context_help"),
            key=f"choice-context-{model.id}-{lang()}",
        )
    if not model.chat_template:
        st.info(t("models.base_model_help"), icon=":material/edit_note:")
    if model.thinks:
        _draw_thinking(services)
    if device == "gpu" and not any(found.kind in GPUS for found in devices):
        _draw_no_gpu()
    return Choice(LocalModel(model.id, model.path), device, context)


def _draw_thinking(services: Services) -> None:
    """Saved the moment it is made, like the choice."""
    before = thinks_first(services) is True
    chosen = st.toggle(t("models.thinking"), value=before, help=t("models.thinking_help"), key="choice-thinking")
    if chosen != before:
        save_thinks_first(services, visitor(), chosen or None)


def _draw_buttons(services: Services, choice: Choice) -> None:
    busy = services.jobs.under_way(LOADING) is not None
    with st.container(horizontal=True):
        if st.button(t("models.load"), type="primary", icon=":material/play_arrow:", disabled=busy, key="load"):
            _load(services, choice)
        if st.button(t("models.unload"), icon=":material/eject:", disabled=busy, key="unload"):
            unload(services, visitor())
            st.toast(t("models.unloaded_now"), icon=":material/eject:")
            st.rerun()
        keep_alive.draw(services, visitor())
        if isinstance(choice.model, LocalModel) and choice.model.id != catalog.BUILT_IN:
            _draw_remove(services, choice.model, disabled=busy)
    for job in job_progress.news(LOADING):
        if job.phase == "done":
            st.toast(t("models.loaded_now", model=as_plain(_title(job.subject))), icon=":material/check:")
    job_progress.draw(LOADING, name=_title, every_s=WATCH_S)


def _load(services: Services, choice: Choice) -> None:
    try:
        # The built-in model is there within this time: the page is drawn once less.
        load_model(services, visitor(), choice).wait(WATCH_S)
    except KdrinksError as error:
        show_error(error)
        return
    st.rerun()


def _draw_remove(services: Services, model: LocalModel, *, disabled: bool) -> None:
    """Deletes the chosen file after a second click; the built-in model takes its place."""
    linked = model.path.is_symlink()
    label = t("models.link.unlink" if linked else "models.remove")
    with st.popover(label, icon=":material/link_off:" if linked else ":material/delete:", disabled=disabled):
        sure = "models.link.unlink_sure" if linked else "models.remove_sure"
        st.markdown(t(sure, file=as_plain(model.path.name)))
        if not st.button(label if linked else t("models.remove_now"), type="primary", key="remove"):
            return
        try:
            loaded = services.engine.state.loaded
            if loaded and loaded.model_id == model.id:
                unload(services, visitor())
            catalog.remove(visitor(), catalog.find_model(model.id, services.settings), services.settings)
        except KdrinksError as error:
            show_error(error)
            return
        st.rerun()


def _draw_machine(services: Services, devices: Sequence[Device]) -> None:
    st.header(t("models.machine"), anchor=False)
    memory, disk_free = psutil.virtual_memory(), disk_free_bytes(services.settings.models)
    processor = next((device.name for device in devices if device.kind == "cpu"), "CPU")
    cores = t("models.cores", physical=psutil.cpu_count(logical=False) or 1, logical=psutil.cpu_count() or 1)
    rows = [
        (t("models.processor"), f"{processor.strip()}, {cores}"),
        (
            t("models.memory"),
            t("models.device_free", total=bytes_text(memory.total), free=bytes_text(memory.available)),
        ),
        (t("models.disk"), t("models.memory_free", free=bytes_text(disk_free))),
    ]
    graphics = [device for device in devices if device.kind != "cpu"]
    for device in graphics:
        free = t("models.device_free", total=bytes_text(device.memory_bytes), free=bytes_text(device.free_bytes))
        rows.append((t("models.accelerators"), f"{device.name} ({device.backend}), {free}"))
    if not graphics:
        rows.append((t("models.accelerators"), t("models.no_accelerators_help")))
    with st.container(border=True, key="machine"):
        if not all(device.fresh for device in devices):
            st.caption(f":material/history: {t('models.devices_not_fresh')}")
        for name, value in rows:
            st.markdown(f":small[:gray[{name}]]  \n{as_plain(value)}")


def _title(model_id: str) -> str:
    return t("models.built_in") if model_id == catalog.BUILT_IN else model_id


def _about(services: Services, model: ModelFile | RemoteModel) -> str:
    if isinstance(model, RemoteModel):
        return as_plain(model.address)
    linked = model.path.is_symlink()
    return " · ".join(
        (
            as_plain(model.name or model.architecture),
            as_plain(model.quantization),
            bytes_text(model.size_bytes),
            t("models.parameters", count=short(model.parameters)),
            t("models.tokens", count=f"{model.context_length:,}"),
            mode.name(mode_of(services, model)),
            *([] if model.chat_template else [f":orange-badge[{t('models.base_model')}]"]),
            *([t("models.slow_here")] if catalog.reads_slowly(model) else []),
            *([t("models.link.linked", target=as_plain(str(model.path.readlink())))] if linked else []),
        )
    )


def _reason(error: KdrinksError) -> str:
    return f"{error.message(lang())} {error.hint(lang())}"
