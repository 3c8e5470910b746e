"""Stage 2: the decoder, first on the labels themselves (oracle), then joined to the tower, then on what the tower sees, for
the generations of one view together (low), for those of tiles together (high), or for one alone.

    python3 tools/train/decoder.py oracle  --scenes bin/scenes --tokenizer runs/tokenizer.model --out runs/oracle --steps 4000
    python3 tools/train/decoder.py llava15 --scenes bin/scenes --tokenizer runs/tokenizer.model --out runs/llava15 \\
        --tower runs/tower/tower.pt --start runs/oracle/model.pt --steps 3000

Resumes from its last checkpoint.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
from torch import nn

import data
import fast
import join
import nets
import scenes as S
import tokens

# Share of the steps that show each generation's layout, in the stages that serve all.
SHARES = {"oracle": {"llava15": 0.5, "llava16": 0.3, "llava1": 0.2},
          "low": {"llava15": 0.6, "llava1": 0.4}, "high": {"llava16": 0.55, "llava15hd": 0.45}}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("stage", choices=[*SHARES, *data.SIDE])
    a.add_argument("--scenes", required=True)
    a.add_argument("--tokenizer", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--tower")
    a.add_argument("--start", help="checkpoint to start from")
    a.add_argument("--join", action="store_true", help="fit the projector to the oracle's embedding first")
    a.add_argument("--steps", type=int, default=4000)
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--length", type=int, nargs=2, default=(64, 160), help="range of image tokens kept")
    a.add_argument("--full", type=float, default=0.0, help="share of steps, at the end, with whole sequences of one picture")
    a.add_argument("--text", type=int, default=120, help="tokens of questions and answers behind each picture")
    a.add_argument("--lr", type=float, default=2e-3)
    a.add_argument("--guide", type=float, default=0.3, help="weight of the loss of attention that looks elsewhere; falls to 0 at four fifths")
    a.add_argument("--bank", type=int, default=2000)
    a.add_argument("--fresh", type=float, default=0.25)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--eval", type=int, default=70, help="validation pictures")
    a.add_argument("--save", type=float, default=90, help="CPU seconds between checkpoints")
    a.add_argument("--every", type=int, default=500, help="steps between evaluations")
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    tok = tokens.Tokens(a.tokenizer)
    oracle = a.stage == "oracle"
    model = fast.LLaVA(tok.size)
    share = SHARES.get(a.stage, {a.stage: 1.0})
    model.tie(tok)
    model.mimic()
    tower = None
    if not oracle:
        tower = nets.Tower()
        tower.load_state_dict(torch.load(a.tower)["tower"])
        tower.eval().requires_grad_(False)
    path = os.path.join(a.out, "model.pt")
    state = torch.load(path) if os.path.exists(path) else None
    step, minutes, drawn = 0, 0.0, 0
    if state:
        step, minutes, drawn = state["step"], state["minutes"], state["drawn"]
        rng = np.random.default_rng((a.seed, step))
    layouts = list(share)
    sources = {m: data.Source(a.scenes, m, tok, a.seed, rng, tower, a.bank, a.fresh, start=drawn) for m in layouts}
    checks = {m: data.Source(a.scenes, m, tok, 1, np.random.default_rng(0), tower, split="val", more=4) for m in layouts}
    log = open(os.path.join(a.out, "log.jsonl"), "a")
    began = time.process_time()
    if state is None and a.start:
        first = torch.load(a.start)["model"]
        own = model.state_dict()
        model.load_state_dict({k: first[k] if k in first and first[k].shape == v.shape else v for k, v in own.items()})
        if a.join:
            r2 = {}
            for kind, mlp in (("linear", False), ("mlp", True)):
                own = [s for m, s in sources.items() if (m != "llava1") == mlp]
                if own:
                    r2[kind] = join.fit(model, own, mlp)
            print(json.dumps({"join_r2": r2, "core_minutes": round((time.process_time() - began) / 60, 2)}), file=log, flush=True)
    if state:
        model.load_state_dict(state["model"])
    trained = [p for n, p in model.named_parameters() if oracle or not n.startswith("tables")]
    opt = torch.optim.AdamW([{"params": [p for p in trained if p.dim() > 1], "weight_decay": 0.05},
                             {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0}], lr=a.lr, betas=(0.9, 0.98))
    if state:
        opt.load_state_dict(state["opt"])
    saved = began
    losses = []
    while step < a.steps:
        u = step / a.steps
        lr = a.lr * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * u)))
        for group in opt.param_groups:
            group["lr"] = lr
        m = layouts[int(rng.choice(len(layouts), p=list(share.values())))]
        if u > 1 - a.full:
            batch = [sources[m].batch(1, 0, 3 * a.text) for _ in range(2)]
        else:
            hi = a.length[0] + (a.length[1] - a.length[0]) * (min(1, 2 * u) if oracle else 1)
            length = int(rng.integers(a.length[0], int(hi) + 1))
            n = max(2, a.batch * (a.length[0] + 31 + a.text) // (length + 31 + a.text))
            batch = [sources[m].batch(n, length, a.text)]
        opt.zero_grad(set_to_none=True)
        for b in batch:
            with torch.autocast("cpu", torch.bfloat16):
                loss, guided = fast.loss_of(model, b, a.guide * max(0, 1 - u / 0.8))
            (guided / len(batch)).backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
        step += 1
        losses.append(float(loss.detach()))
        now = time.process_time()
        if step % a.every == 0 or now - saved > a.save or step == a.steps:
            minutes += (now - saved) / 60
            saved = now
            record = {"step": step, "core_minutes": round(minutes, 2), "loss": round(sum(losses) / len(losses), 3), "lr": round(lr, 6)}
            losses = []
            if step % a.every == 0 or step == a.steps:
                for k in layouts:
                    record[k] = fast.evaluate(model, checks[k], a.eval)
            print(json.dumps(record), file=log, flush=True)
            S.save_atomically({"model": model.state_dict(), "opt": opt.state_dict(), "step": step, "minutes": minutes,
                               "drawn": max(s.drawn for s in sources.values()) + drawn, "args": vars(a)}, path)


if __name__ == "__main__":
    main()
