"""The networks of the small models in plain PyTorch, with the tensor names of the Hugging Face layout.

This is also the reference that answers the shipped test items (compare.py): nothing here but the published formulas.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH = 144  # vision tower: width, heads, MLP, used layers
HEADS = 3
MLP = 576
DEPTH = 4
PATCH = 14


def quick_gelu(x):
    """x * sigmoid(1.702 x), written as SiLU because that is several times faster on a CPU."""
    return F.silu(1.702 * x) / 1.702


class Block(nn.Module):
    def __init__(self, width=WIDTH, heads=HEADS, mlp=MLP):
        super().__init__()
        self.heads = heads
        self.layer_norm1 = nn.LayerNorm(width)
        self.layer_norm2 = nn.LayerNorm(width)
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self.fc1 = nn.Linear(width, mlp)
        self.fc2 = nn.Linear(mlp, width)
        for m in (self.q_proj, self.k_proj, self.v_proj, self.out_proj, self.fc1, self.fc2):
            nn.init.normal_(m.weight, std=m.in_features ** -0.5)
            nn.init.zeros_(m.bias)
        for m in (self.out_proj, self.fc2):
            nn.init.normal_(m.weight, std=m.in_features ** -0.5 / math.sqrt(2 * DEPTH))

    def forward(self, x):
        b, n, w = x.shape
        h, d = self.heads, w // self.heads
        y = self.layer_norm1(x)
        q, k, v = (p(y).view(b, n, h, d).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        a = torch.softmax(q @ k.transpose(2, 3) * d ** -0.5, -1)
        x = x + self.out_proj((a @ v).transpose(1, 2).reshape(b, n, w))
        return x + self.fc2(quick_gelu(self.fc1(self.layer_norm2(x))))


def sincos_table(grid, width=WIDTH):
    """Sines and cosines of row and column, amplitude 1: [grid*grid, width]."""
    d = width // 4
    f = 1.0 / (40.0 ** (torch.arange(d) / d))
    pos = torch.arange(grid, dtype=torch.float32)[:, None] * f * 1.5
    one = torch.cat([pos.sin(), pos.cos()], 1)
    row = one[:, None, :].expand(grid, grid, 2 * d)
    col = one[None, :, :].expand(grid, grid, 2 * d)
    return torch.cat([row, col], 2).reshape(grid * grid, 4 * d)


class Tower(nn.Module):
    """CLIP vision transformer whose features are the patches after the last block (layer -2 of the checkpoint, which gets
    one more, unused block when it is written)."""

    def __init__(self, grid=24):
        super().__init__()
        self.grid = grid
        self.patch_embedding = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        self.position = nn.Parameter(torch.cat([torch.zeros(1, WIDTH), sincos_table(grid)]))
        self.pre_layrnorm = nn.LayerNorm(WIDTH)
        self.layers = nn.ModuleList(Block() for _ in range(DEPTH))

    def forward(self, pixels, origin=None):
        """pixels [batch, 3, h, w], normalised. origin gives each picture's first row and column in the position table, for
        windows smaller than a view; without it the window is the table's inner square. Returns [batch, patches, width]."""
        x = self.patch_embedding(pixels)
        b, w, gh, gw = x.shape
        x = x.flatten(2).transpose(1, 2)
        table = self.position[1:].view(self.grid, self.grid, -1)
        if origin is None:
            o = (self.grid - gh) // 2, (self.grid - gw) // 2
            pos = table[o[0]:o[0] + gh, o[1]:o[1] + gw].reshape(1, gh * gw, -1)
        else:
            pos = torch.stack([table[r:r + gh, c:c + gw].reshape(gh * gw, -1) for r, c in origin])
        first = (self.class_embedding + self.position[0]).expand(b, 1, -1)
        x = torch.cat([first, x + pos], 1)
        x = self.pre_layrnorm(x)
        for layer in self.layers:
            x = layer(x)
        return x[:, 1:]


class RMSNorm(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * y).to(x.dtype)


def rope(x, pos, theta=10000.0):
    """Half-rotation rotary positions. x [batch, heads, n, d], pos [n] or [batch, n]."""
    d = x.shape[-1]
    inv = 1.0 / (theta ** (torch.arange(0, d, 2, dtype=torch.float32) / d))
    angle = pos.float()[..., None] * inv
    angle = torch.cat([angle, angle], -1)
    if angle.dim() == 3:
        angle = angle[:, None]
    half = torch.cat([-x[..., d // 2:], x[..., :d // 2]], -1)
    return x * angle.cos().to(x.dtype) + half * angle.sin().to(x.dtype)


class DecoderLayer(nn.Module):
    def __init__(self, hidden, heads, ffn):
        super().__init__()
        self.heads = heads
        self.input_layernorm = RMSNorm(hidden)
        self.post_attention_layernorm = RMSNorm(hidden)
        self.q_proj = nn.Linear(hidden, hidden, bias=False)
        self.k_proj = nn.Linear(hidden, hidden, bias=False)
        self.v_proj = nn.Linear(hidden, hidden, bias=False)
        self.o_proj = nn.Linear(hidden, hidden, bias=False)
        self.gate_proj = nn.Linear(hidden, ffn, bias=False)
        self.up_proj = nn.Linear(hidden, ffn, bias=False)
        self.down_proj = nn.Linear(ffn, hidden, bias=False)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=m.in_features ** -0.5)
        for m in (self.o_proj, self.down_proj):
            nn.init.normal_(m.weight, std=m.in_features ** -0.5 / math.sqrt(8))

    def forward(self, x, pos, mask, past=None):
        b, n, w = x.shape
        h, d = self.heads, w // self.heads
        y = self.input_layernorm(x)
        q, k, v = (p(y).view(b, n, h, d).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rope(q, pos), rope(k, pos)
        if past is not None:
            if past:
                k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
            past[:] = [k, v]
        a = (q @ k.transpose(2, 3)).float() * d ** -0.5 + mask
        a = torch.softmax(a, -1).to(v.dtype)
        x = x + self.o_proj((a @ v).transpose(1, 2).reshape(b, n, w))
        y = self.post_attention_layernorm(x)
        return x + self.down_proj(F.silu(self.gate_proj(y)) * self.up_proj(y))


class Decoder(nn.Module):
    def __init__(self, vocab, hidden=160, layers=4, heads=5, ffn=432):
        super().__init__()
        self.hidden = hidden
        self.embed_tokens = nn.Embedding(vocab, hidden)
        self.layers = nn.ModuleList(DecoderLayer(hidden, heads, ffn) for _ in range(layers))
        self.norm = RMSNorm(hidden)
        self.lm_head = nn.Linear(hidden, vocab, bias=False)
        nn.init.normal_(self.embed_tokens.weight, std=1.0)
        nn.init.normal_(self.lm_head.weight, std=hidden ** -0.5)

    def forward(self, x, pos, mask, past=None):
        """x [batch, n, hidden] embeddings, pos [n] or [batch, n], mask added to the scores. past is a list for each layer, at
        first empty, that keeps the keys and values of earlier calls. Returns hidden states after the final norm."""
        for i, layer in enumerate(self.layers):
            x = layer(x, pos, mask, None if past is None else past[i])
        return self.norm(x)


class Projector(nn.Module):
    def __init__(self, hidden=160, mlp=True):
        super().__init__()
        self.linear_1 = nn.Linear(WIDTH, hidden)
        self.linear_2 = nn.Linear(hidden, hidden) if mlp else None

    def forward(self, x):
        x = self.linear_1(x)
        return x if self.linear_2 is None else self.linear_2(F.gelu(x))
