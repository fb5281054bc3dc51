"""The models page as a person compares, makes smaller files and links: jobs that outlive the page, results that stay."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kdrinks.charts import compare as compare_charts
from kdrinks.hub import quantize
from kdrinks.jobs import Job
from kdrinks.measure import compare
from kdrinks.measure.compare import Comparison
from kdrinks.records import ADMINISTRATOR, Device
from kdrinks.store import compare as store
from kdrinks.ui import frame
from kdrinks.ui.models import compare as models_compare
from kdrinks.ui.models import link, view
from tests.support.app_pages import models_page, services_in, shown
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

PATIENCE_S = 120.0


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty models folder, services that are closed again, and no job left over."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    with services_in(tmp_path / "home", folder, monkeypatch, link._found):
        yield folder


def latest(kind: str) -> Job[Any]:
    job = frame.get_services().jobs.latest(kind)
    assert job
    return job


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of two tokens; the path is the same."""
    monkeypatch.setattr(
        models_compare,
        "Comparison",
        lambda *values, **more: Comparison(*values, **more, answer_tokens=2),
    )


def test_a_comparison_goes_on_while_the_person_is_elsewhere_and_its_results_stay(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    app = models_page()
    assert "one more person" in shown(app), "the page says what happens to a chat meanwhile"
    app.button(key="compare-start").click().run()
    assert not app.exception and not app.error
    job = latest(compare.KIND)
    app.switch_page("../../pages/chat.py").run()
    before = job.work.done
    assert eventually(lambda: job.work.done > before, PATIENCE_S)
    other_tab = models_page()
    assert not job.running or other_tab.button(key=f"cancel-{job.id}")
    assert job.wait(PATIENCE_S) and job.phase == "done"
    app = models_page()
    assert "Writing, tokens per second" in shown(app)
    assert "Median of 3 runs or more" in shown(app)
    frame.get_services().close()
    frame.get_services.clear()
    assert len(models_page("ko-KR").get("vega_lite_chart")) == 4, "a new start shows what is in the store"
    app.button(key="compare-forget").click().run()
    assert store.comparisons(frame.get_services().db, ADMINISTRATOR).empty


def test_a_comparison_can_be_cancelled_from_the_page(models: Path) -> None:
    write_byte_model(models / "slow.gguf", width=512, layers=8)
    app = models_page()
    app.multiselect(key="compare-models-en").set_value(["slow"]).run()
    app.button(key="compare-start").click().run()
    job = latest(compare.KIND)
    app.button(key=f"cancel-{job.id}").click().run()
    assert job.wait(PATIENCE_S) and job.phase == "cancelled"
    assert "Cancelled." in shown(models_page())


def test_a_model_that_is_deleted_leaves_the_choice_of_what_to_compare(models: Path) -> None:
    path = write_byte_model(models / "tea.gguf")
    app = models_page()
    app.multiselect(key="compare-models-en").set_value(["built-in", "tea"]).run()
    path.unlink()
    app.run()
    assert not app.exception
    assert app.multiselect(key="compare-models-en").value == ["built-in"]
    app.switch_page("../../pages/chat.py").run()
    app.switch_page("../../pages/models.py").run()
    assert not app.exception and app.multiselect(key="compare-models-en").value == ["built-in"]


def test_a_model_that_cannot_be_run_is_told_with_the_reason(models: Path) -> None:
    write_byte_model(models / "odd.gguf", architecture="nonsense")
    app = models_page()
    app.multiselect(key="compare-models-en").set_value(["odd"]).run()
    app.button(key="compare-start").click().run()
    assert latest(compare.KIND).wait(PATIENCE_S)
    app = models_page()
    assert "odd" in app.warning[0].value and "nonsense" in app.warning[0].value


def test_fewer_than_three_runs_cannot_be_chosen(models: Path) -> None:
    assert models_page().number_input(key="compare-rounds").min == 3


def test_a_smaller_file_is_made_shown_in_the_list_and_compared_with_its_original(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    write_byte_model(models / "tea-F32.gguf", width=512, layers=1)
    app = models_page()
    app.selectbox(key="quantize-source-en").set_value("tea-F32").run()
    app.button_group(key="quantize-targets-tea-F32").set_value(["Q8_0", "Q4_0"]).run()
    app.button(key="quantize-start").click().run()
    assert not app.exception and not app.error
    job = latest(quantize.KIND)
    assert job.wait(PATIENCE_S) and job.phase == "done"
    app = models_page()
    assert {"tea-Q8_0", "tea-Q4_0"} <= set(app.radio(key="choice-model-en").options)
    assert "tea-Q8_0.gguf, tea-Q4_0.gguf" in shown(app)
    app.button(key="quantize-compare").click().run()
    assert not app.exception and not app.error
    comparison = latest(compare.KIND)
    assert [one.model.id for one in comparison.work.candidates] == ["tea-F32", "tea-Q8_0", "tea-Q4_0"]
    comparison.cancel()
    assert comparison.wait(PATIENCE_S)


def test_quantizing_what_was_quantized_warns_and_asks_first(models: Path) -> None:
    write_byte_model(models / "tea-F32.gguf", width=512)
    app = models_page()
    app.selectbox(key="quantize-source-en").set_value("tea-F32").run()
    assert "has lost quality" not in shown(app)
    app.button_group(key="quantize-targets-tea-F32").set_value(["Q4_0"]).run()
    app.button(key="quantize-start").click().run()
    assert latest(quantize.KIND).wait(PATIENCE_S)
    app = models_page()
    app.selectbox(key="quantize-source-en").set_value("tea-Q4_0").run()
    assert "has lost quality" in shown(app) and app.button(key="quantize-start").disabled
    app.checkbox(key="quantize-sure-tea-Q4_0").check().run()
    assert not app.button(key="quantize-start").disabled


def test_quantizing_can_be_cancelled_from_the_page_and_leaves_nothing(models: Path, tmp_path: Path) -> None:
    write_byte_model(models / "big-F32.gguf", width=1024, layers=6)
    app = models_page()
    app.selectbox(key="quantize-source-en").set_value("big-F32").run()
    app.button_group(key="quantize-targets-big-F32").set_value(["Q2_K", "Q3_K_M"]).run()
    app.button(key="quantize-start").click().run()
    job = latest(quantize.KIND)
    app.button(key=f"cancel-{job.id}").click().run()
    assert job.wait(PATIENCE_S) and job.phase == "cancelled"
    assert [path.name for path in models.iterdir()] == ["big-F32.gguf"]


def test_a_file_that_is_typed_or_picked_is_linked_and_unlinking_leaves_the_file(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    source = write_byte_model(folder / "tea.gguf", width=512)
    app = models_page()
    app.text_input(key="link-path").set_value(str(tmp_path / "nothing.gguf")).run()
    app.button(key="link-add").click().run()
    assert "There is no file" in app.error[0].value
    app.text_input(key="link-path").set_value(str(folder)).run()
    app.selectbox(key=f"link-pick-{folder}").set_value(source).run()
    app.button(key="link-add").click().run()
    assert not app.exception and "tea" in app.radio(key="choice-model-en").options
    assert (models / "tea.gguf").is_symlink()
    app.radio(key="choice-model-en").set_value("tea").run()
    app.button(key="remove").click().run()
    assert not app.exception and source.exists() and list(models.iterdir()) == []


def test_a_linked_file_that_moved_is_said_on_the_page_and_its_link_removed_there(models: Path, tmp_path: Path) -> None:
    (models / "tea.gguf").symlink_to(tmp_path / "gone.gguf")
    app = models_page()
    assert "has been moved or deleted" in shown(app)
    app.button(key=f"unlink-{models / 'tea.gguf'}").click().run()
    assert not app.exception and list(models.iterdir()) == []


def test_who_may_not_manage_models_starts_nothing(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDRINKS_ADMINS", "me@example.org")
    app = models_page()
    keys = {button.key for button in app.button}
    assert not keys & {"compare-start", "quantize-start", "link-add"}


def test_where_llama_cpp_sees_a_gpu_it_and_both_are_offered(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert models_page().button_group(key="compare-devices").options == ["CPU"]
    gpu = Device("CUDA0", "gpu", "NVIDIA GeForce RTX 4090", "CUDA", 24 << 30, 23 << 30)
    monkeypatch.setattr(view, "_devices", lambda services: [gpu])
    app = models_page()
    assert app.button_group(key="compare-devices").options == ["CPU", "GPU", "half on the GPU"]
    app.button_group(key="compare-devices").set_value(["cpu", "gpu", "split"]).run()
    assert not app.exception and "Settings: 3." in shown(app)


def test_settings_are_named_by_what_differs(models: Path) -> None:
    services = frame.get_services()
    one = store.Run("ko", cold=False, device_used="cpu", threads_used=1, context_used=1024, prompt_tokens=9, prompt_s=1.0,
                    first_token_s=1.0, completion_tokens=3, completion_s=1.0, memory_bytes=10**6)  # fmt: skip
    comparison = "00000000-0000-7000-8000-000000000000"
    for place, threads in enumerate((0, 1)):
        setting = store.Setting(place, "tea-Q8_0", "tea-Q8_0.gguf", "Q8_0", 1, "cpu", 0, threads)
        for number in range(3):
            store.record_run(services.db, comparison, setting, number, one)
    names = compare_charts.settings(store.results(services.db, ADMINISTRATOR, comparison), "en", {})
    assert list(names) == ["tea-Q8_0 · CPU · threads: 1 (Auto)", "tea-Q8_0 · CPU · threads: 1"]
