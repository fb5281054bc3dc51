"""A small Llama in PyTorch, shaped so that llama.cpp's `llama` architecture computes the same.

RoPE turns neighbouring pairs (2i, 2i+1), as llama.cpp does for this architecture, so nothing is permuted on export.
Embedding and output share one matrix. Knows nothing of text; ids in, logits out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Shape:
    """The hyperparameters that the GGUF header carries too."""

    vocabulary: int
    width: int = 256
    layers: int = 6
    heads: int = 4
    """Heads of 64: on a CPU eight heads of 32 were 15 % slower."""
    hidden: int = 512
    """SwiGLU width: copying needs attention more than memory."""
    context: int = 1024
    rope_base: float = 1_000_000.0
    """Half of the pairs then turn by less than a radian over the whole context: room to compare contents (see induction_init.py)."""
    epsilon: float = 1e-5


class Block(nn.Module):
    """Attention and SwiGLU, each after an RMSNorm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d, f = shape.width, shape.hidden
        self.heads, self.epsilon = shape.heads, shape.epsilon
        self.norm_attention = nn.Parameter(torch.ones(d))
        self.norm_mlp = nn.Parameter(torch.ones(d))
        self.qkv = nn.Parameter(torch.randn(3, d, d) * d**-0.5)
        self.out = nn.Parameter(torch.zeros(d, d))
        self.gate_up = nn.Parameter(torch.randn(2, f, d) * d**-0.5)
        self.down = nn.Parameter(torch.zeros(d, f))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x: (batch, time, width); cos, sin: (time, 1, head / 2)."""
        batch, time, width = x.shape
        seen = F.rms_norm(x, (width,), self.norm_attention, self.epsilon)
        qkv = F.linear(seen, self.qkv.flatten(0, 1)).view(batch, time, 3, self.heads, -1)
        q, k = turn(qkv[:, :, 0], cos, sin), turn(qkv[:, :, 1], cos, sin)
        mixed = attend(q.transpose(1, 2), k.transpose(1, 2), qkv[:, :, 2].transpose(1, 2))
        x = x + F.linear(mixed.transpose(1, 2).reshape(batch, time, width), self.out)
        seen = F.rms_norm(x, (width,), self.norm_mlp, self.epsilon)
        gate, up = F.linear(seen, self.gate_up.flatten(0, 1)).chunk(2, dim=-1)
        return x + F.linear(F.silu(gate) * up, self.down)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention. q, k, v: (batch, heads, time, head).

    On a CPU with gradients it is written out: the fused kernel's backward pass is so slow there that training
    read 2,650 tokens/s instead of 3,200.
    """
    if q.device.type != "cpu" or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    time = q.shape[2]
    scores = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).float()
    hidden = torch.full((time, time), float("-inf")).triu(1)
    return torch.softmax(scores + hidden, dim=-1).to(v.dtype) @ v


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position: neighbouring pairs of the last axis as complex numbers. x: (batch, time, heads, head)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)


class Model(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.randn(shape.vocabulary, shape.width) * 0.02)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.ones(shape.width))
        half = shape.width // shape.heads // 2
        rate = shape.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = torch.arange(shape.context, dtype=torch.float64)[:, None] * rate
        self.register_buffer("cos", angle.cos().float()[:, None, :], persistent=False)
        self.register_buffer("sin", angle.sin().float()[:, None, :], persistent=False)

    def forward(self, ids: Tensor, wanted: Tensor | None = None) -> Tensor:
        """Logits (batch, time, vocabulary), or (wanted, vocabulary) at the flat places that are wanted. ids: (batch, time)."""
        x = F.embedding(ids, self.embedding)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, cos, sin)
        if wanted is not None:
            x = x.flatten(0, 1)[wanted]
        x = F.rms_norm(x, (self.shape.width,), self.norm, self.shape.epsilon)
        return F.linear(x, self.embedding)

    @torch.no_grad()
    def greedy(self, ids: list[int], end: int, limit: int = 400) -> list[int]:
        """The most probable continuation up to the end token, which is not part of it; reads all anew at each step."""
        made: list[int] = []
        device = self.embedding.device
        while len(made) < limit and len(ids) + len(made) < self.shape.context:
            logits = self(
                torch.tensor([ids + made], device=device), torch.tensor([len(ids) + len(made) - 1], device=device)
            )
            token = int(logits[0].argmax())
            if token == end:
                break
            made.append(token)
        return made
