"""Makes the README's pictures of every page: `python docs/screenshots.py` with requirements-dev.txt and Chromium installed.

Starts the app on an empty store, asks the built-in model the questions below and photographs what a person sees. Pictures
are reduced to 128 colours, which keeps each far below 300 kB.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.running_app import CHROMIUM, PATIENCE_S, answers, ask, running_app  # noqa: E402

IMAGES = Path(__file__).parent / "images"
QUESTIONS = {
    "ko": ["식혜와 수정과는 어떻게 다른가요?", "막걸리는 어떻게 만드나요?", "안동소주의 도수는 얼마인가요?"],
    "en": ["What is sikhye?", "What are the ingredients of sujeonggwa?"],
}


def photograph(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # the page glides to its end, charts draw themselves
    raw = page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")
    with Image.open(IMAGES / f"{name}.png") as picture:
        picture.convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT).save(
            IMAGES / f"{name}.png", optimize=True
        )
    print(f"{name}.png: {len(raw):,} -> {(IMAGES / f'{name}.png').stat().st_size:,} bytes")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE_S * 1000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        with running_app(Path(folder) / "home", Path("models")) as app:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for lang, dark, width in (("ko", False, 1280), ("en", True, 1280), ("ko", True, 390)):
                context = browser.new_context(
                    locale={"ko": "ko-KR", "en": "en-US"}[lang],
                    viewport={"width": width, "height": 844},
                    color_scheme="dark" if dark else "light",
                )
                page = context.new_page()
                kind = f"{lang}{'-dark' if dark else ''}{'-phone' if width < 500 else ''}"
                page.goto(app.url)
                expect(page.locator(".st-key-examples")).to_be_visible()
                photograph(page, f"welcome-{kind}")
                for count, question in enumerate(QUESTIONS[lang][: 1 if width < 500 else None], 1):
                    ask(page, question)
                    expect(answers(page)).to_have_count(count)
                photograph(page, f"chat-{kind}")
                for name, ready in (
                    ("drinks", ".st-key-cards"),
                    ("models", ".st-key-facts"),
                    ("analytics", "[data-testid='stVegaLiteChart'] svg"),
                ):
                    page.goto(f"{app.url}/{name}")
                    expect(page.locator(ready).first).to_be_visible()
                    photograph(page, f"{name}-{kind}")
                context.close()


if __name__ == "__main__":
    main()
