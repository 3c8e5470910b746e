"""Stage 1: the vision tower learns on its own, from labels of every patch.

    python3 tools/train/tower.py --scenes bin/scenes --out runs/tower --steps 30000

Resumes from its last checkpoint. Windows of 8 x 8 patches first, then 12 x 12, then some whole views; one cosine schedule.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import nets
import scenes as S

HEADS = {"shape": len(S.SHAPES) + 2, "colour": len(S.COLOURS) + 1, "c0": len(S.SYMBOLS) + 1, "c1": len(S.SYMBOLS) + 1,
         "c2": len(S.SYMBOLS) + 1, "centre": 2, "row": 24, "col": 24}


class Dense(nn.Module):
    """The heads that are dropped after training."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(nets.WIDTH)
        self.out = nn.Linear(nets.WIDTH, sum(HEADS.values()))

    def forward(self, x):
        parts = self.out(self.norm(x)).float().split(list(HEADS.values()), -1)
        return dict(zip(HEADS, parts))


class Bank:
    """The last scenes, each at a random scale and offset, cut to whole patches; a share of every draw is new."""

    def __init__(self, source, rng, size=3000):
        self.source, self.rng, self.size, self.items, self.next = source, rng, size, [], 0

    def render(self):
        _, scene, _, pixels = next(self.source)
        rng = self.rng
        # Views shrink pictures, tiles also enlarge them.
        u = rng.random()
        scale = float(rng.uniform(0.55, 1.0)) if u < 0.4 else float(rng.uniform(1.0, 2.2)) if u < 0.75 else 1.0
        h, w = pixels.shape[:2]
        w2, h2 = max(int(w * scale), 182), max(int(h * scale), 182)
        pixels = S.resized(pixels, w2, h2)
        ox, oy = int(rng.integers(0, max(w2 - 336, 13) + 1)), int(rng.integers(0, max(h2 - 336, 13) + 1))
        gh, gw = (h2 - oy) // 14, (w2 - ox) // 14
        gh, gw = min(gh, 24), min(gw, 24)
        crop = pixels[oy:oy + 14 * gh, ox:ox + 14 * gw]
        view = S.View(crop, (w2 / w, h2 / h), -ox, -oy)
        item = (np.ascontiguousarray(crop), S.label(scene, view, gh, gw)[:5])
        if len(self.items) < self.size:
            self.items.append(item)
        else:
            self.items[self.next % self.size] = item
        self.next += 1
        return item

    def window(self, g, fresh):
        rng = self.rng
        while True:
            if len(self.items) < 200 or rng.random() < fresh:
                pixels, labels = self.render()
            else:
                pixels, labels = self.items[int(rng.integers(len(self.items)))]
            gh, gw = labels[0].shape
            if gh < g or gw < g:
                continue
            # Prefer windows with something in them.
            for _ in range(3):
                r, c = int(rng.integers(0, gh - g + 1)), int(rng.integers(0, gw - g + 1))
                if (labels[0][r:r + g, c:c + g] > 0).mean() > 0.12:
                    break
            sl = (slice(r, r + g), slice(c, c + g))
            return pixels[14 * r:14 * (r + g), 14 * c:14 * (c + g)], [a[(...,) + sl] for a in labels]

    def batch(self, n, g, fresh):
        px, ls, origin = [], [], []
        for _ in range(n):
            p, l = self.window(g, fresh)
            px.append(p)
            ls.append(l)
            origin.append((int(self.rng.integers(0, 25 - g)), int(self.rng.integers(0, 25 - g))))
        shape, colour, chars, centre, fuzzy = (np.stack(a) for a in zip(*ls))
        rows = np.array([[o[0] + np.arange(g)] for o in origin]).transpose(0, 2, 1).repeat(g, 2)
        cols = np.array([[o[1] + np.arange(g)] for o in origin]).repeat(g, 1)
        y = {"shape": shape, "colour": colour, "c0": chars[:, 0], "c1": chars[:, 1], "c2": chars[:, 2], "centre": centre,
             "row": rows, "col": cols}
        y = {k: torch.from_numpy(np.ascontiguousarray(v)).view(n, -1) for k, v in y.items()}
        return torch.from_numpy(S.normalise(np.stack(px))), y, torch.from_numpy(fuzzy).view(n, -1), origin


def loss_of(out, y, fuzzy):
    """Cross-entropy; for rare heads the mean over the positives and twice the mean over the negatives, so that the many
    empty patches do not drown the few full ones."""
    total, parts = 0, {}
    for k, logits in out.items():
        ce = F.cross_entropy(logits.flatten(0, 1), y[k].flatten(), reduction="none")
        t = y[k].flatten()
        if k in ("row", "col"):
            part = ce.mean() * 0.3
        else:
            keep = torch.ones_like(t, dtype=torch.bool)
            if k[0] == "c" and k[1:].isdigit():
                keep = ~fuzzy.flatten()
            pos, neg = (t > 0) & keep, (t == 0) & keep
            part = ce[pos].mean() if pos.any() else ce.sum() * 0
            part = part + (2 * ce[neg].mean() if neg.any() else 0)
            # A character at a border must still be learnt by its own patch, at half weight.
            near = (t > 0) & ~keep
            if near.any():
                part = part + 0.3 * ce[near].mean()
        parts[k] = float(part.detach())
        total = total + part * {"c0": 2.0, "c1": 1.0, "c2": 0.5}.get(k, 1.0)
    return total, parts


@torch.no_grad()
def evaluate(tower, dense, bank, batches=6):
    tower.eval()
    right, seen = {}, {}
    for _ in range(batches):
        x, y, fuzzy, origin = bank.batch(16, 12, 0.3)
        with torch.autocast("cpu", torch.bfloat16):
            out = dense(tower(x, origin))
        for k, logits in out.items():
            sel = torch.ones_like(y[k], dtype=torch.bool) if k in ("row", "col") else y[k] > 0
            hit = (logits.argmax(-1) == y[k]) & sel
            right[k] = right.get(k, 0) + int(hit.sum())
            seen[k] = seen.get(k, 0) + int(sel.sum())
    tower.train()
    return {k: round(100 * right[k] / max(seen[k], 1), 1) for k in right}


@torch.no_grad()
def whiten(tower, bank):
    """The first principal components of training patches, scaled to about rms 1 on text patches, as the initial patch
    projection: the plateau at the beginning breaks several times sooner."""
    x, _, _, _ = bank.batch(64, 8, 1.0)
    p = F.unfold(x, 14, stride=14).transpose(1, 2).reshape(-1, 588)
    p = p - p.mean(0)
    cov = p.T @ p / len(p)
    values, vectors = torch.linalg.eigh(cov)
    values, vectors = values.flip(0)[:nets.WIDTH], vectors.flip(1)[:, :nets.WIDTH]
    w = (vectors / (values + 0.02).sqrt()).T / 5
    tower.patch_embedding.weight.copy_(w.reshape(nets.WIDTH, 3, 14, 14))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--scenes", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--steps", type=int, default=30000)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--lr", type=float, default=2e-3)
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    tower, dense = nets.Tower(), Dense()
    decay = [p for p in list(tower.parameters()) + list(dense.parameters()) if p.dim() > 1]
    rest = [p for p in list(tower.parameters()) + list(dense.parameters()) if p.dim() <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], lr=a.lr, betas=(0.9, 0.98))
    step, first, minutes = 0, 0, 0.0
    path = os.path.join(a.out, "tower.pt")
    if os.path.exists(path):
        state = torch.load(path)
        tower.load_state_dict(state["tower"])
        dense.load_state_dict(state["dense"])
        opt.load_state_dict(state["opt"])
        step, first, minutes = state["step"], state["next"], state["minutes"]
        rng = np.random.default_rng((a.seed, step))
    bank = Bank(S.stream(a.scenes, "drill", a.seed, start=first), rng)
    check = Bank(S.stream(a.scenes, "drill", a.seed + 1000), np.random.default_rng(0), size=200)
    if step == 0:
        whiten(tower, bank)
    log = open(os.path.join(a.out, "log.jsonl"), "a")
    began = saved = time.process_time()
    while step < a.steps:
        u = step / a.steps
        g, n = (8, 24) if u < 0.4 else (12, 11)
        if u > 0.75 and step % 4 == 0:
            g, n = 22, 3
        lr = a.lr * min(1, (step + 1) / 300) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * u)))
        for group in opt.param_groups:
            group["lr"] = lr
        x, y, fuzzy, origin = bank.batch(n, g, 0.05)
        with torch.autocast("cpu", torch.bfloat16):
            out = dense(tower(x, origin))
        loss, parts = loss_of(out, y, fuzzy)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(decay + rest, 1.0)
        opt.step()
        step += 1
        now = time.process_time()
        if step % 500 == 0 or now - saved > 90:
            minutes += (now - saved) / 60
            saved = now
            record = {"step": step, "core_minutes": round(minutes, 2), "loss": round(float(loss.detach()), 3), "lr": round(lr, 6)}
            if step % 500 == 0:
                record.update(evaluate(tower, dense, check))
            print(json.dumps(record), file=log, flush=True)
            S.save_atomically({"tower": tower.state_dict(), "dense": dense.state_dict(), "opt": opt.state_dict(), "step": step,
                               "next": first + bank.next, "minutes": minutes}, path)


if __name__ == "__main__":
    main()
