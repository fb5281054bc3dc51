"""What a person sees in a real browser: the app as `streamlit run app.py` starts it, real answers, headless Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.hub import catalog
from kdrinks.records import ADMINISTRATOR, Choice, Exchange, LocalModel, Timing
from kdrinks.services import open_services, save_choice, save_mode
from kdrinks.store import chats
from kdrinks.store.db import Database, new_id
from tests.support.running_app import PATIENCE_S, App, answers, ask, needs_chromium, open_tab, running_app, visit
from tests.support.wait import eventually

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def slow_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with a model chosen earlier that writes random bytes for many seconds, and nothing but these."""
    folder = tmp_path_factory.mktemp("slow")
    path = write_slow_model(folder / "slow.gguf")
    services = open_services(Settings(folder / "home", folder))
    save_choice(services, ADMINISTRATOR, Choice(LocalModel(path.stem, path)))
    save_mode(services, ADMINISTRATOR, catalog.find_model(path.stem, services.settings), "free")
    services.close()
    with running_app(folder / "home", folder) as running:
        yield running
        assert running.foreign == []
    path.unlink()


def write_slow_model(path: Path, *, width: int = 2048, vocabulary: int = 250_000) -> Path:
    """A Llama of one layer with 1,050 million parameters, nearly all in its vocabulary.

    A prompt is read quickly (only its last token meets the output table), each written token costs 132 MB of memory reads.
    Beside the 256 bytes all scores are 0, and those of many bytes are above: it never ends by itself.
    """
    random = np.random.default_rng(7)
    ternary = gguf.GGMLQuantizationType.TQ2_0
    unused = vocabulary - 259
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(width)
    writer.add_head_count(width // 64)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_TQ2_0)
    writer.add_tokenizer_model("llama")
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *(f"<{n}>" for n in range(unused))]
    writer.add_token_list(names)
    writer.add_token_scores([0.0] * vocabulary)
    unknown, control, byte, never = (
        gguf.TokenType.UNKNOWN,
        gguf.TokenType.CONTROL,
        gguf.TokenType.BYTE,
        gguf.TokenType.UNUSED,
    )
    writer.add_token_types([unknown, control, control, *[byte] * 256, *[never] * unused])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def table() -> np.ndarray:
        rows = np.zeros((vocabulary, width // 256 * 66), np.uint8)
        rows[3:259] = gguf.quants.quantize(random.choice([-1.0, 1.0], (256, width)).astype(np.float32), ternary)
        return rows

    writer.add_tensor("token_embd.weight", table(), raw_dtype=ternary)
    writer.add_tensor("output.weight", table(), raw_dtype=ternary)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        weights = random.standard_normal((width, width)) * width**-0.5
        writer.add_tensor(f"blk.0.{name}.weight", weights.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def last_message(page: Page) -> Locator:
    return page.get_by_test_id("stChatMessage").last.get_by_test_id("stMarkdownContainer").first


def stop_button(page: Page) -> Locator:
    return page.locator(".st-key-stop button")


def wait_for_writing(page: Page) -> str:
    """What is written so far, once some of it is there."""
    expect(stop_button(page)).to_be_visible()
    expect(last_message(page)).to_contain_text("▌")
    return last_message(page).inner_text()


def test_a_question_is_answered_with_its_sources_and_counted(browser: Browser, app: App) -> None:
    with visit(browser, app) as page:
        ask(page, "막걸리는 어떤 음료인가요?")
        expect(answers(page)).to_have_count(1)
        message = page.get_by_test_id("stChatMessage").last
        expect(message).to_contain_text("막걸리")
        expect(message).to_contain_text("CPU")
        page.locator("[class*='st-key-sources-'] button").first.click()
        expect(page.get_by_test_id("stPopoverBody")).to_contain_text("막걸리")
        page.keyboard.press("Escape")
        page.get_by_role("link", name="분석").click()
        expect(page.get_by_test_id("stVegaLiteChart").first).to_contain_text("막걸리")
        page.get_by_role("link", name="대화", exact=True).click()
        expect(answers(page)).to_have_count(1)
        assert "?c=" in page.url


@pytest.mark.parametrize(("address", "heading"), [("/models", "모델과 장치"), ("/analytics", "오간 말과 빠르기")])
def test_a_bookmark_opens_its_page_inside_the_frame_of_a_fresh_process(
    browser: Browser, tmp_path: Path, address: str, heading: str
) -> None:
    with running_app(tmp_path / "home", tmp_path) as fresh, visit(browser, fresh, address) as page:
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(page.get_by_role("link", name="대화", exact=True)).to_be_visible()
        expect(page.get_by_text("새 대화")).to_be_visible()
        assert page.title().endswith("kdrinks")
        assert fresh.foreign == []


def test_stop_ends_the_answer_and_keeps_its_text(browser: Browser, slow_app: App) -> None:
    with visit(browser, slow_app) as page:
        ask(page, "막걸리는 어떤 술인가요?")
        wait_for_writing(page)
        stop_button(page).click()
        expect(page.get_by_text("여기서 멈췄습니다")).to_be_visible(timeout=10_000)
        kept = last_message(page).inner_text()
        assert kept.strip()
        page.reload()
        expect(page.get_by_text("여기서 멈췄습니다")).to_be_visible()
        assert last_message(page).inner_text() == kept


def test_a_deletion_is_taken_back_while_an_answer_is_still_being_written(browser: Browser, slow_app: App) -> None:
    with visit(browser, slow_app) as page:
        ask(page, "모과차를 지울까요?")
        wait_for_writing(page)
        stop_button(page).click()
        expect(page.get_by_text("여기서 멈췄습니다")).to_be_visible()
        page.get_by_role("button", name="새 대화").click()
        ask(page, "유자차는 어떤 음료인가요?")
        before = wait_for_writing(page)
        menu = page.get_by_role("button", name="‘모과차를 지울까요?’ 대화 메뉴")
        menu.click()
        page.get_by_role("menu").get_by_text("지우기").click()
        expect(page.get_by_text("‘모과차를 지울까요?’ 대화를 지웠습니다")).to_be_visible()
        expect(menu).to_have_count(0)
        page.get_by_role("button", name="되돌리기").click()
        expect(menu).to_be_visible()
        assert len(wait_for_writing(page)) >= len(before)
        stop_button(page).click()
        expect(page.get_by_text("여기서 멈췄습니다")).to_be_visible()


def test_a_refresh_and_a_look_at_another_page_leave_the_answer_running(browser: Browser, slow_app: App) -> None:
    with visit(browser, slow_app) as page:
        ask(page, "수정과는 어떤 음료인가요?")
        before = wait_for_writing(page)
        ask(page, "그리고 식혜는요?")
        expect(page.get_by_text("답을 쓰고 있습니다")).to_be_visible()
        expect(page.get_by_test_id("stChatInputTextArea")).to_have_value("그리고 식혜는요?")
        page.reload()
        after = wait_for_writing(page)
        assert len(after) >= len(before)
        page.get_by_role("link", name="모델").click()
        expect(page.get_by_role("heading", name="모델과 장치")).to_be_visible()
        page.get_by_role("link", name="대화", exact=True).click()
        later = wait_for_writing(page)
        assert len(later) >= len(after)
        assert eventually(lambda: len(last_message(page).inner_text()) > len(later), PATIENCE_S), (
            "the answer no longer grows"
        )
        stop_button(page).click()
        expect(page.get_by_text("여기서 멈췄습니다")).to_be_visible()


def test_a_killed_worker_costs_one_answer_and_can_be_asked_again(browser: Browser, slow_app: App) -> None:
    with visit(browser, slow_app) as page:
        ask(page, "대추차는 어떻게 마시나요?")
        wait_for_writing(page)
        for child in psutil.Process(slow_app.pid).children(recursive=True):
            child.kill()
        expect(page.get_by_text("답을 끝내지 못했습니다")).to_be_visible()
        page.get_by_role("button", name="다시 묻기").click()
        wait_for_writing(page)
        stop_button(page).click()
        expect(page.get_by_text("여기서 멈췄습니다")).to_be_visible()


def test_two_tabs_at_once_each_get_their_own_answer(browser: Browser, app: App) -> None:
    with visit(browser, app) as left, visit(browser, app) as right:
        ask(left, "수정과의 재료는 무엇인가요?")
        ask(right, "오미자차는 어떤 음료인가요?")
        expect(answers(left)).to_have_count(1)
        expect(answers(right)).to_have_count(1)
        expect(left.get_by_test_id("stChatMessage").last).to_contain_text("수정과")
        expect(right.get_by_test_id("stChatMessage").last).to_contain_text("오미자")
        assert last_message(left).inner_text() != last_message(right).inner_text()


def test_enter_while_composing_hangul_does_not_send(browser: Browser, app: App) -> None:
    with visit(browser, app) as page:
        box = page.get_by_test_id("stChatInputTextArea")
        box.click()
        keyboard = page.context.new_cdp_session(page)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        keyboard.send("Input.insertText", {"text": "막걸리 추천해"})
        keyboard.send("Input.imeSetComposition", {"text": "줘", "selectionStart": 1, "selectionEnd": 1})
        keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
        keyboard.send("Input.insertText", {"text": "줘"})
        expect(box).to_have_value("막걸리 추천해줘")
        expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": "\r", **enter})
        expect(answers(page)).to_have_count(1)
        expect(page.locator("[class*='st-key-asked-']")).to_have_count(1)
        expect(page.locator("[class*='st-key-asked-']")).to_contain_text("막걸리 추천해줘")
        expect(box).to_have_value("")


def test_korean_markdown_is_whole(browser: Browser, tmp_path: Path) -> None:
    db = Database.open(tmp_path / "home" / "kdrinks.duckdb")
    conversation_id, question_id = chats.start_conversation(db, ADMINISTRATOR), new_id()
    chats.record_question(
        db, ADMINISTRATOR, conversation_id, "값이 100~200원? *별* $5~$10", "ko", question_id=question_id
    )
    answer = (
        '도수는 10~15도, 가격은 100~200원입니다.\n**막걸리(탁주)**는 **"문배주"**와 다릅니다.\n\n'
        "$5~$10 ![](http://example.org/x.png)"
    )
    chats.record(
        db,
        Exchange(conversation_id, question_id, new_id(), "", answer, "ko", "stop", None, (), None, Timing(), "off"),
    )
    db.close()
    with running_app(tmp_path / "home", tmp_path) as seeded, visit(browser, seeded, f"/?c={conversation_id}") as page:
        expect(answers(page)).to_have_count(1)
        messages = page.get_by_test_id("stChatMessage")
        assert messages.first.inner_text().strip().endswith("값이 100~200원? *별* $5~$10")
        assert "10~15도, 가격은 100~200원" in last_message(page).inner_text()
        assert messages.last.locator("strong").all_inner_texts() == ["막걸리(탁주)", '"문배주"']
        for wrong in ("del", ".katex", "p img"):
            assert messages.locator(wrong).count() == 0
        assert seeded.foreign == []


def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, app: App) -> None:
    with visit(browser, app, width=390, dark=True) as page:
        ask(page, "안동소주의 도수는 얼마인가요?")
        expect(answers(page)).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for address, ready in (("/models", ".st-key-load"), ("/analytics", "[data-testid='stVegaLiteChart']")):
            page.goto(app.url + address)
            expect(page.locator(ready).first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_browser_chooses_the_language_until_the_person_does(browser: Browser, app: App) -> None:
    with visit(browser, app, locale="en-US") as page:
        expect(page.get_by_role("heading", name="What shall we pour?")).to_be_visible()
        page.get_by_role("radio", name="한국어").click()
        expect(page.get_by_role("heading", name="어떤 음료가 궁금하세요?")).to_be_visible()
        assert eventually(lambda: page.evaluate("document.documentElement.lang") == "ko", PATIENCE_S), (
            "the page does not name its language"
        )
        page.reload()
        expect(page.get_by_role("heading", name="어떤 음료가 궁금하세요?")).to_be_visible()
        second = open_tab(page.context, app, "/models")
        expect(second.get_by_role("heading", name="모델과 장치")).to_be_visible()


def test_a_question_that_is_too_long_stays_in_the_box(browser: Browser, app: App) -> None:
    with visit(browser, app) as page:
        ask(page, "막걸리 " * 2_000)
        expect(page.get_by_text("자까지 쓸 수 있습니다")).to_be_visible()
        expect(page.get_by_test_id("stChatInputTextArea")).to_have_value(re.compile("^막걸리 막걸리"))


def test_the_models_page_lists_loads_and_unloads(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(BUILT_IN_FILE.read_bytes()[:3000])
    with running_app(tmp_path / "home", tmp_path) as fresh, visit(browser, fresh, "/models") as page:
        page.get_by_text("쓸 수 없는 파일 1개").click()
        expect(page.get_by_text("broken.gguf")).to_be_visible()
        page.get_by_role("radio", name="GPU").click()
        expect(page.get_by_text("GPU를 골랐지만")).to_be_visible()
        page.locator(".st-key-load button").click()
        expect(page.get_by_text("불러왔습니다")).to_be_visible()
        expect(page.locator(".st-key-state")).to_contain_text("CPU")
        page.locator(".st-key-unload button").click()
        expect(page.locator(".st-key-state")).to_contain_text("메모리에 올린 모델이 없습니다")
        page.reload()
        expect(page.get_by_role("radio", name="GPU")).to_be_checked()
