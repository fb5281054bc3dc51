"""A thinking model through the whole app: what it thought is folded above the answer and stands in nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from kdrinks import answer
from kdrinks.config import Settings
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel, Sampling
from kdrinks.services import Services, open_services, save_choice
from kdrinks.store import chats, export, traces
from tests.support.command_line import document, kdrinks
from tests.support.running_app import answers, ask, needs_chromium, running_app, visit
from tests.support.spoken_models import write_spoken_model

THOUGHT = "사람은 식혜를 묻는다. `x<y`"
ANSWER = "식혜는 밥으로 만듭니다."
SAYS = [
    "<think>",
    "\n",
    "사람은 ",
    "식혜를 ",
    "묻는다. ",
    "`x<y`",
    "\n ",
    "</think>",
    "\n\n",
    "식혜는 ",
    "밥으로 ",
    "만듭니다.",
]
QUESTION = "식혜는 어떤 음료야?"
SHORT = "짧게 말해 줘. 수정과는 어떤 음료야?"
TEMPLATE = "{% for m in messages %}{{ m.content }}\n{% endfor %}{% if '짧게' in messages[-1].content %}<|short|>{% else %}<|go|>{% endif %}"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Under a name of the catalogue, too large to be guarded; asked for something short it thinks and says nothing."""
    folder = tmp_path_factory.mktemp("models")
    path, also = folder / "Qwen3-4B-Q4_K_M.gguf", {"<|short|>": ["<thinking>", "흠."]}
    write_spoken_model(path, SAYS, TEMPLATE, control=("<think>", "</think>"), also=also, large=True)
    return folder


@pytest.fixture(scope="module")
def services(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    opened = open_services(Settings(tmp_path_factory.mktemp("home"), models), memory=True)
    path = models / "Qwen3-4B-Q4_K_M.gguf"
    save_choice(opened, ADMINISTRATOR, Choice(LocalModel("qwen3-4b", path), context_tokens=2048))
    yield opened
    opened.close()


def test_a_thought_is_in_the_trace_and_in_nothing_else_that_is_kept(services: Services, tmp_path: Path) -> None:
    said = answer.ask(services, ADMINISTRATOR, QUESTION)
    phases = set()
    while not said.wait(0.005):
        phases.add(said.phase)
    assert (
        said.finish == "stop" and said.text[said.own_from or 0 :].startswith(ANSWER) and said.draft.thought == THOUGHT
    ), said.error
    assert said.timing.thought_s > 0 and said.timing.thought_tokens == 8 and "thinking" in phases
    (asked,) = chats.messages(services.db, ADMINISTRATOR, said.question.conversation_id)
    assert asked.exchange and asked.exchange.answer == said.text and asked.exchange.timing == said.timing
    trace = traces.of(services.db, ADMINISTRATOR, said.message_id)
    assert trace["thought"] == THOUGHT and trace["timing"]["thought_s"] == said.timing.thought_s
    export.export(services.db, ADMINISTRATOR, tmp_path, ("jsonl", "csv"))
    copies = "".join(path.read_text(encoding="utf-8-sig") for path in tmp_path.iterdir())
    assert ANSWER in copies and "묻는다" not in copies, "no copy holds it"
    with services.db.cursor() as cursor:
        counted = cursor.execute("SELECT count(*) FROM words WHERE role = 'answer' AND word = '사람'").fetchone()
    assert counted == (0,), "its words are not counted"
    again = answer.ask(services, ADMINISTRATOR, "더 알려 줘", conversation_id=said.question.conversation_id)
    assert again.wait(60)
    assert "묻는다" not in json.dumps(again.trace()["prompt"], ensure_ascii=False), "the next prompt does not hold it"


def test_thought_about_and_not_answered_ends_clearly(services: Services) -> None:
    said = answer.ask(services, ADMINISTRATOR, QUESTION, sampling=Sampling(max_thought_tokens=4))
    assert said.wait(60) and said.finish == "length" and said.guard == "quote_first" and said.own_from is None
    assert said.draft.thought == "사람은 식혜를" and said.timing.completion_tokens == 0
    assert said.timing.tokens_per_s is None and said.timing.first_token_s is None


def test_the_command_line_tells_the_thought_apart(models: Path, tmp_path: Path) -> None:
    model = str(models / "Qwen3-4B-Q4_K_M.gguf")
    said = document(kdrinks("ask", QUESTION, "--model", model, "--no-record", "--json", "--think", home=tmp_path))
    assert said["answer"][said["own_from"] :].startswith(ANSWER) and said["thought"] == THOUGHT
    assert said["timing"]["thought_tokens"] == 8 and said["finish"] == "stop"


@pytest.mark.browser
@needs_chromium
def test_in_the_browser_the_thought_is_folded_and_stays_so(browser: Browser, models: Path, tmp_path: Path) -> None:
    services = open_services(Settings(tmp_path / "home", models))
    save_choice(
        services, ADMINISTRATOR, Choice(LocalModel("qwen3-4b", models / "Qwen3-4B-Q4_K_M.gguf"), context_tokens=2048)
    )
    services.close()
    with running_app(tmp_path / "home", models) as app, visit(browser, app) as page:
        ask(page, QUESTION)
        expect(answers(page)).to_have_count(1)
        for _ in range(2):
            message = page.get_by_test_id("stChatMessage").last
            folded = message.get_by_test_id("stExpander").first
            expect(folded).to_contain_text(re.compile("생각한 내용 · .*초"))
            expect(message).to_contain_text(ANSWER)
            expect(message.get_by_text("묻는다")).not_to_be_visible()
            assert "think" not in message.inner_text()
            folded.locator("summary").click()
            expect(folded.get_by_text("사람은 식혜를 묻는다.")).to_be_visible()
            page.reload()
            expect(answers(page)).to_have_count(1)
        ask(page, SHORT)
        expect(page.get_by_text("생각만 하고 답은 쓰지 못했습니다.")).to_be_visible()
        page.get_by_role("button", name="생각하지 않고 다시 답하기").click()
        expect(page.get_by_test_id("stChatMessage").last).to_contain_text(ANSWER)
        expect(page.get_by_text("생각만 하고")).to_have_count(0)
        assert app.foreign == []
