"""Train the built-in model for a number of minutes, on a CPU or on CUDA when there is one; resumes after a kill.

    python -m training.train --out DIR --minutes 110

Everything that a resume needs is in DIR/checkpoint.pt, written every two minutes through a temporary file. The schedule
follows the minutes that were really trained. Data may change between a stop and a resume; the tokenizer may not.
"""

import argparse
import dataclasses
import math
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor
from torch.nn import functional as F

from training.examples import Example, Examples
from training.induction_init import PRIMED_BLOCKS, prime
from training.model import Model, Shape
from training.pools import World
from training.tokenizer import Tokenizer

DATA = Path(__file__).resolve().parent.parent / "kdrinks" / "data"
WORDINGS = Path(__file__).resolve().parent / "wordings"

STAGES: tuple[tuple[int, float, int, float], ...] = (
    (110, 1.0, 2560, 0.02),
    (200, 0.5, 3072, 0.05),
    (420, 0.2, 4096, 0.15),
    (1400, 0.05, 4096, 2.0),
)
"""Longest passages in characters, share of single-passage examples, padded tokens in a batch, share of the time at which
the stage ends at the latest. It ends before that once answers are right at ENOUGH of their tokens: copying has formed."""

ENOUGH = 0.93
CHECKPOINT_S, MEASURE_S = 120.0, 300.0
MUON_RATE, ADAM_RATE = 0.012, 7e-4
PRIMED_SHARE = 0.1
"""Of MUON_RATE for the attention that induction_init.py wrote: its updates reach every direction alike and blur what is exact. After 0.7 million
tokens 94.3 % of the answer tokens on drinks kept out were right with a tenth (and ADAM_RATE a third of what it was), 93.3 % without."""

LENGTHS = (48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640)
"""Tokens of a padded row. Few shapes: with every length its own the memory grew by 100 MB a minute and half the time went."""

NOTHING = -100
"""In the place of a token that nobody asks for; cross_entropy's own default for what it ignores."""

Batch = tuple[Tensor, Tensor, Tensor]
"""ids (rows, time), flat places whose next token is asked for, those next tokens."""


class Muon:
    """Momentum whose update is made orthogonal by Newton-Schulz steps (Jordan 2024, https://kellerjordan.github.io/posts/muon/)."""

    def __init__(self, parameters: Sequence[Tensor], shares: Sequence[float]) -> None:
        """shares: of the rate, for each parameter."""
        self.parameters, self.shares = parameters, shares
        self.momenta = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, rate: float, momentum: float = 0.95) -> None:
        groups: dict[tuple[int, int], list[tuple[Tensor, Tensor, float]]] = {}
        for p, m, share in zip(self.parameters, self.momenta, self.shares, strict=True):
            if p.grad is None:
                continue
            m.lerp_(p.grad, 1 - momentum)
            update = p.grad.lerp(m, momentum)
            rows, columns = p.shape[-2:]
            flip = rows > columns
            for part, moved in zip(p.data.view(-1, rows, columns), update.view(-1, rows, columns), strict=True):
                pair = (part.T, moved.T, share) if flip else (part, moved, share)
                groups.setdefault((min(rows, columns), max(rows, columns)), []).append(pair)
        for (rows, columns), pairs in groups.items():
            x = torch.stack([moved for _, moved, _ in pairs]).bfloat16()
            x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
            for _ in range(5):
                a = x @ x.mT
                b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
                x = torch.baddbmm(x, b, x, beta=3.4445, alpha=1.0)
            scale = rate * max(1.0, columns / rows) ** 0.5
            for (part, _, share), update in zip(pairs, x.float(), strict=True):
                part.mul_(1 - 0.01 * rate * share).sub_(update, alpha=scale * share)


def tokens_of(example: Example, tokenizer: Tokenizer) -> tuple[list[int], int]:
    """The ids of prompt, answer and end, and the number of prompt ids."""
    prompt = tokenizer.prompt(((p.title, p.kind, p.text) for p in example.passages), example.question)
    return [*prompt, *tokenizer.encode(example.answer), tokenizer.end], len(prompt)


def batch_of(rows: list[tuple[list[int], int]], length: int, device: str) -> Batch:
    """Rows padded on the right; padding is behind everything and causal attention never sees it.

    What is asked for is padded too, with NOTHING, to a multiple of 256: a CPU compiles its kernels for each new shape.
    """
    ids = torch.zeros((len(rows), length), dtype=torch.long)
    wanted: list[int] = []
    following: list[int] = []
    for number, (row, prompt) in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        wanted += range(number * length + prompt - 1, number * length + len(row) - 1)
        following += row[prompt:]
    spare = -len(wanted) % 256
    wanted += [0] * spare
    following += [NOTHING] * spare
    return ids.to(device), torch.tensor(wanted, device=device), torch.tensor(following, device=device)


def length_for(tokens: int) -> int:
    """The shortest of LENGTHS that holds them."""
    return next(length for length in LENGTHS if length >= tokens)


def batches(world: World, tokenizer: Tokenizer, seed: int, stage: int, device: str) -> list[Batch]:
    """The batches of one portion of data; a function of its arguments. The few shortest rows that fill none are left out."""
    longest, simple, size, _ = STAGES[stage]
    examples = Examples(world, seed)
    rows = []
    for _ in range(640):
        row = tokens_of(examples.example(longest, examples.rng.random() < simple), tokenizer)
        if len(row[0]) <= LENGTHS[-1]:
            rows.append(row)
    rows.sort(key=lambda row: len(row[0]), reverse=True)
    made: list[Batch] = []
    while rows:
        length = length_for(len(rows[0][0]))
        group, rows = rows[: size // length], rows[size // length :]
        if len(group) == size // length:
            made.append(batch_of(group, length, device))
    examples.rng.shuffle(made)
    return made


def rate_at(share: float) -> float:
    """Learning rate as a share of its peak at a share of the time: warm-up, flat, linear to 2 %.

    Early down: at the full rate 2 % of the tokens that have only one right continuation go wrong, however long it trains.
    """
    if share < 0.02:
        return 0.05 + 0.95 * share / 0.02
    return 1.0 if share < 0.2 else max(0.02, 1.0 - 0.98 * (share - 0.2) / 0.8)


def probes(train: World, test: World, tokenizer: Tokenizer) -> dict[str, list[tuple[list[int], int]]]:
    """Fixed sets that are measured on: fresh inventions, and drinks that training never sees with wordings of it."""
    examples = Examples(train, 10**9)
    fresh = [tokens_of(examples.example(1000), tokenizer) for _ in range(96)]
    test.wordings = train.wordings
    judge = Examples(test, 10**9 + 1, real=True)
    return {"fresh": fresh, "held": [tokens_of(judge.example(1000), tokenizer) for _ in range(96)]}


@torch.no_grad()
def measure(model: Model, rows: list[tuple[list[int], int]], device: str) -> tuple[float, float]:
    """Share of right answer tokens, and of answers with every token right (what greedy decoding would write)."""
    right = total = whole = 0
    for row in rows:
        ids, wanted, following = batch_of([row], length_for(len(row[0])), device)
        with torch.autocast(device.split(":")[0], torch.bfloat16):
            hits = (model(ids, wanted).argmax(-1) == following)[following != NOTHING]
        right, total, whole = right + int(hits.sum()), total + len(hits), whole + bool(hits.all())
    return right / total, whole / len(rows)


def threads_for(most: int, own: int) -> int:
    """Threads to compute with: all when the machine is idle but for us, else one.

    Threads wait for each other at every matrix: beside other busy processes two reached 1,200 tokens/s, one 2,600.
    most: what the machine has; own: how many we use now, which the load of the last minute includes.
    """
    return most if os.getloadavg()[0] - own < 0.6 else 1


def save(path: Path, state: dict[str, object]) -> None:
    """Write through a temporary file, so that a kill leaves the old one or the new one."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def train(out: Path, minutes: float, data: Path, wordings: Path, seed: int, shape: Shape | None = None) -> Path:
    """Train until minutes have been trained in all; returns the checkpoint's path.

    out: folder with tokenizer.model; checkpoint.pt in it is continued. Raises ValueError when that was another tokenizer's.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    tokenizer = Tokenizer(out / "tokenizer.model")
    shape = shape or Shape(tokenizer.size)
    model = Model(shape)
    prime(model, seed)
    model = model.to(device)
    matrices = [p for p in model.blocks.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if all(p is not m for m in matrices)]
    primed = {id(p) for block in model.blocks[:PRIMED_BLOCKS] for p in (block.qkv, block.out)}
    muon = Muon(matrices, [PRIMED_SHARE if id(p) in primed else 1.0 for p in matrices])
    adam = torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0)
    step = portion = stage = seen = 0
    elapsed, accuracy = 0.0, 0.0
    path = out / "checkpoint.pt"
    if path.exists():
        state = torch.load(path, map_location=device, weights_only=True)
        if state["shape"] != dataclasses.asdict(shape):
            raise ValueError(f"{path} was trained with another shape or tokenizer: {state['shape']}")
        model.load_state_dict(state["model"])
        adam.load_state_dict(state["adam"])
        muon.momenta = [m.to(device) for m in state["muon"]]
        step, portion, stage, seen = (state[name] for name in ("step", "portion", "stage", "seen"))
        elapsed, accuracy = state["elapsed"], state["accuracy"]
        print(f"resumed at step {step}, {elapsed / 60:.1f} min", flush=True)
    world = World(data, wordings)
    world.english, world.hanja = tokenizer.spellings()
    rows = probes(world, World(data, wordings, "test"), tokenizer)

    def keep() -> None:
        state = {"model": model.state_dict(), "adam": adam.state_dict(), "muon": muon.momenta, "step": step}
        state |= {"portion": portion, "stage": stage, "seen": seen, "elapsed": elapsed, "accuracy": accuracy}
        save(path, state | {"shape": dataclasses.asdict(shape)})

    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    size = sum(p.numel() for p in model.parameters())
    print(f"{size:,} parameters on {device}, {minutes:g} min, {len(world.drinks)} real drinks", flush=True)
    kept = measured = elapsed
    recent_loss = 0.0
    most = threads = torch.get_num_threads()
    since, since_tokens = time.monotonic(), 0
    while elapsed < minutes * 60 and not stopped:
        portion += 1
        threads = threads_for(most, threads)
        torch.set_num_threads(threads)
        for ids, wanted, following in batches(world, tokenizer, seed * 1_000_003 + portion, stage, device):
            begin = time.monotonic()
            share = elapsed / (minutes * 60)
            with torch.autocast(device, torch.bfloat16):
                logits = model(ids, wanted)
            loss = F.cross_entropy(logits.float(), following)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(others, 1.0)
            for group in adam.param_groups:
                group["lr"] = ADAM_RATE * rate_at(share)
            adam.step()
            muon.step(MUON_RATE * rate_at(share))
            model.zero_grad(set_to_none=True)
            asked = following != NOTHING
            right = float((logits.argmax(-1) == following)[asked].float().mean())
            if not math.isfinite(loss.item()):
                raise FloatingPointError(f"loss is {loss.item()} at step {step}")
            recent_loss += 0.02 * (loss.item() - recent_loss) if step else loss.item()
            accuracy += 0.01 * (right - accuracy)
            step, seen, since_tokens = step + 1, seen + ids.numel(), since_tokens + ids.numel()
            elapsed += time.monotonic() - begin
            if step % 25 == 0:
                speed = since_tokens / (time.monotonic() - since)
                since, since_tokens = time.monotonic(), 0
                bar = "#" * int(20 * share)
                print(
                    f"[{bar:<20}] {elapsed / 60:6.1f} min  step {step}  stage {stage}  {seen / 1e6:.2f} M tokens  "
                    f"{speed:,.0f} tok/s on {threads} threads  loss {recent_loss:.4f}  right {accuracy:.4f}",
                    flush=True,
                )
            if stopped or elapsed >= minutes * 60:
                break
        share = elapsed / (minutes * 60)
        if stage < len(STAGES) - 1 and (accuracy > ENOUGH or share > STAGES[stage][3]):
            stage, accuracy = stage + 1, accuracy - 0.05
            print(f"stage {stage} at step {step}", flush=True)
        if elapsed - measured > MEASURE_S:
            measured = elapsed
            said = {name: measure(model, probe, device) for name, probe in rows.items()}
            told = "  ".join(f"{name}: tokens {right:.4f} answers {whole:.3f}" for name, (right, whole) in said.items())
            print(f"measured at step {step}  {told}", flush=True)
        if elapsed - kept > CHECKPOINT_S:
            kept = elapsed
            keep()
    keep()
    print(f"{'stopped' if stopped else 'done'} at step {step}, {elapsed / 60:.1f} min", flush=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("training/out"))
    parser.add_argument("--minutes", type=float, default=110.0)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--wordings", type=Path, default=WORDINGS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    given = parser.parse_args()
    os.nice(19)
    torch.set_flush_denormal(
        True
    )  # sharp attention leaves gradients below 1e-38, which a CPU computes ten times slower
    torch.set_num_threads(given.threads)
    train(given.out, given.minutes, given.data, given.wordings, given.seed)


if __name__ == "__main__":
    main()
