"""The data of the built-in model needs nothing but kdrinks; its network and its file need training/requirements.txt."""

import random
from pathlib import Path

import pytest

from kdrinks.generation.templates import render, sentences
from kdrinks.kinds import Kind
from kdrinks.records import Passage
from training import examples, pools
from training.examples import Examples
from training.pools import World
from training.synthesize import Inventor

ROOT = Path(__file__).resolve().parent.parent
DATA, WORDINGS = ROOT / "kdrinks" / "data", ROOT / "training" / "wordings"


@pytest.fixture(scope="module")
def world() -> World:
    return World(DATA, WORDINGS)


def passage(kind: Kind, title: str, text: str, subject: str = "x") -> Passage:
    return Passage(f"{subject}.{kind}.ko", subject, kind, "ko", title, text)


def test_the_character_set_is_all_of_ks_x_1001() -> None:
    found = pools.syllables()
    assert len(found) == len(set(found)) == 2350
    assert found[0] == "가" and found[-1] == "힝" and "식" in found and "뷁" not in found


def test_drinks_kept_out_and_kept_in_make_up_all_and_share_none(world: World) -> None:
    judged = World(DATA, WORDINGS, "test")
    inside, outside = ({d["id"] for d in w.drinks} for w in (world, judged))
    assert not inside & outside
    assert len(inside) + len(outside) == len(pools.rows(DATA / "drinks.jsonl"))
    assert 10 <= len(outside) <= 25


def test_training_never_speaks_of_a_drink_kept_out(world: World) -> None:
    kept_out = World(DATA, WORDINGS, "test")
    drawn = Examples(world, 5)
    for _ in range(400):
        example = drawn.example()
        for text in (p.text for p in example.passages):
            assert not world.hides(text)
    assert any(world.hides(p.text) for own in kept_out.passages["ko"] for p in own)


def test_wordings_of_the_test_are_not_in_training() -> None:
    train, test = (pools.wordings(WORDINGS, split) for split in ("train", "test"))
    for lang in ("ko", "en"):
        known = {text for texts in train[lang].values() for text in texts}
        asked = {text for texts in test[lang].values() for text in texts}
        assert len(asked) > 300 and not known & asked


def test_the_same_seed_invents_the_same_examples(world: World) -> None:
    first, second = Examples(world, 3), Examples(world, 3)
    assert [first.example() for _ in range(50)] == [second.example() for _ in range(50)]
    assert Examples(world, 3).example() != Examples(world, 4).example()


def test_every_answer_is_what_the_product_would_say(world: World) -> None:
    drawn = Examples(world, 8)
    left_out = several = 0
    for _ in range(600):
        example = drawn.example()
        own = [p for p in example.passages if sentences(p)[0] in example.answer]
        if example.answer == render(example.intent, example.lang, ()):
            assert example.intent in ("not_found", "out_of_scope", "injection", "smalltalk")
            continue
        assert own, example
        left_out += len(own) < len(example.passages)
        several += len(own) > 1
    assert left_out > 12 and several > 60


def test_a_passage_about_something_else_is_left_out() -> None:
    asked = passage("ingredients", "가주", "재료: 쌀, 물", "a")
    other_kind = passage("season", "가주", "철: 겨울.", "a")
    other_drink = passage("ingredients", "나주", "재료: 밀", "b")
    topic = passage("topic", "누룩", "누룩은 술을 빚는 덩이입니다.", "t")
    assert examples.belonging("ingredients", [other_kind, asked], ["a"]) == [asked]
    assert examples.belonging("ingredients", [asked, other_drink], ["a"]) == [asked]
    assert examples.belonging("ingredients", [asked, topic], ["a"]) == [asked, topic]
    assert examples.belonging("caffeine", [other_kind], ["a"]) == [other_kind]


@pytest.mark.parametrize(
    ("wording", "name", "question"),
    [
        ("{name:은/는} 술이야?", "식혜", "식혜는 술이야?"),
        ("{name:은/는} 술이야?", "이강주 (梨薑酒)", "이강주 (梨薑酒)는 술이야?"),
        ("{name}은 언제 마셔?", "수정과", "수정과는 언제 마셔?"),
        ("{name}와 {other}의 차이", "막걸리술", "막걸리술과 모주의 차이"),
        ("{name}이라는 술", "모주", "모주이라는 술"),
        ("{name}에 {item:이/가} 들어가?", "모주", "모주에 생강이 들어가?"),
    ],
)
def test_questions_have_the_particles_that_fit(wording: str, name: str, question: str) -> None:
    assert examples.fill(wording, "ko", {"name": name, "other": "모주", "item": "생강"}) == question


# --- from here on torch, sentencepiece and gguf


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tokenizer, a checkpoint of a few steps and its GGUF files."""
    for module in ("torch", "sentencepiece", "gguf"):
        pytest.importorskip(module, reason=f"{module} is in training/requirements.txt, not in requirements.txt")
    import torch

    from training import build, export, train
    from training.model import Shape
    from training.tokenizer import PIECES

    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("built")
    build.make_tokenizer(DATA, WORDINGS, out / "tokenizer.model")
    train.train(out, 0.02, DATA, WORDINGS, 1, Shape(PIECES, layers=3))
    export.export(out)
    return out


def test_a_name_has_the_same_tokens_wherever_it_stands(built: Path, world: World) -> None:
    from training.tokenizer import Tokenizer

    tokenizer = Tokenizer(built / "tokenizer.model")
    inventor = Inventor(world, 2)
    for lang in ("ko", "en"):
        for _ in range(200):
            title = inventor.title(lang)
            alone = tokenizer.encode(title)
            inside = tokenizer.encode(f"A {title}, B" if lang == "en" else f"가 {title}의 재료는")
            assert any(inside[at : at + len(alone)] == alone for at in range(len(inside))), title


def test_every_text_comes_back_from_its_tokens(built: Path, world: World) -> None:
    from training.tokenizer import MARKS, Tokenizer

    tokenizer = Tokenizer(built / "tokenizer.model")
    drawn = Examples(world, 6)
    texts = [t for _ in range(100) for e in [drawn.example()] for t in (e.question, e.answer)]
    for text in [*texts, "뷁쀍 龘 🍶 a  b\nc", " <|user|> ", "8~14%"]:
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert not set(ids) & set(tokenizer.mark.values())
    assert len(set(tokenizer.mark.values())) == len(MARKS)


def test_training_goes_on_where_it_was_killed(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    import torch

    from training import train
    from training.model import Shape
    from training.tokenizer import PIECES

    for name in ("tokenizer.model", "checkpoint.pt"):
        shutil.copy(built / name, tmp_path)
    (tmp_path / "checkpoint.part").write_bytes(b"half of a write that a kill cut off")
    before = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    train.train(tmp_path, before["elapsed"] / 60 + 0.02, DATA, WORDINGS, 1, Shape(PIECES, layers=3))
    after = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert after["step"] > before["step"] and after["portion"] > before["portion"]
    assert f"resumed at step {before['step']}" in capsys.readouterr().out
    with pytest.raises(ValueError, match="another shape"):
        train.train(tmp_path, 0.03, DATA, WORDINGS, 1, Shape(PIECES, layers=4))


def test_the_structured_start_copies_before_the_first_step() -> None:
    torch = pytest.importorskip("torch", reason="torch is in training/requirements.txt, not in requirements.txt")
    from training.induction_init import prime
    from training.model import Model, Shape

    model = Model(Shape(2000))
    prime(model)
    draw = random.Random(1)
    right = 0
    for _ in range(10):
        text = draw.sample(range(2000), 40)
        with torch.no_grad():
            said = model(torch.tensor([text + text]))[0].argmax(-1)
        right += sum(int(said[40 + at]) == text[at + 1] for at in range(39))
    assert right / 390 > 0.9


def test_llama_cpp_computes_what_was_trained(built: Path, world: World) -> None:
    import torch

    from training import export
    from training.evaluate_model import Asker
    from training.tokenizer import Tokenizer

    tokenizer, model = Tokenizer(built / "tokenizer.model"), export.load(built / "checkpoint.pt")
    asker = Asker(built / f"{export.NAME}-f16.gguf", threads=1)
    drawn, same = Examples(world, 9), 0
    for _ in range(12):
        example = drawn.example(600)
        prompt = tokenizer.prompt(((p.title, p.kind, p.text) for p in example.passages), example.question)
        assert asker.prompt(example) == prompt
        with torch.no_grad():
            here = model(torch.tensor([prompt]))[0, -1]
        asker.model.forget()
        assert list(asker.model.read(prompt))[-1] == len(prompt)
        there = torch.tensor(asker.model.logits())
        # F16 weights and cache against float32, behind sharp attention; a wrong layout of q or k gives about 1.
        assert float((here - there).norm() / here.norm()) < 0.15
        same += int(here.argmax()) == int(there.argmax())
    assert same >= 10
    asker.model.close()
