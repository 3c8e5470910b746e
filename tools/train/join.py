"""Fits the projector to the oracle's embedding of the labels, so that a decoder that learned on labels can read features."""

import torch
from torch import nn

import nets


def pairs(model, sources, pictures):
    x, y, w = [], [], []
    for source in sources:
        while len(source.items) < pictures:
            source.items.append(source.make())
        for item in source.items[:pictures]:
            lab = item["labels"].long()
            busy = item["full"]
            take = torch.from_numpy(busy | (source.rng.random(len(busy)) < 0.15))
            lab = lab[take]
            x.append(item["feats"][take].float())
            with torch.no_grad():
                y.append(model.oracle(lab).float())
            w.append(1.0 + 3.0 * (lab[:, 0] > 0) + 8.0 * (lab[:, 2] > 0))
    return torch.cat(x), torch.cat(y), torch.cat(w)


def fit(model, sources, mlp, pictures=150, steps=1200):
    """Ridge regression for a linear projector; AdamW on standardised features, folded into the first layer, for an MLP.
    Returns the weighted R2."""
    x, y, w = pairs(model, sources, pictures)
    mean, std = x.mean(0), x.std(0) + 1e-3
    z = (x - mean) / std
    p = model.projector if mlp else model.linear
    if mlp:
        small = nets.Projector(p.linear_1.out_features, True)
        opt = torch.optim.AdamW(small.parameters(), lr=2e-3, betas=(0.9, 0.98))
        gen = torch.Generator().manual_seed(0)
        for i in range(steps):
            for g in opt.param_groups:
                g["lr"] = 4e-3 * min(1, i / 50) * (1 - i / steps) + 1e-5
            k = torch.randint(len(z), (2048,), generator=gen)
            loss = (w[k, None] * (small(z[k]) - y[k]) ** 2).mean()
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
        first, second = small.linear_1, small.linear_2
    else:
        a = torch.cat([z, torch.ones(len(z), 1)], 1)
        m = (a * w[:, None]).T @ a + 1e-2 * len(z) * 1e-3 * torch.eye(a.shape[1])
        b = torch.linalg.solve(m, (a * w[:, None]).T @ y)
        first, second = nn.Linear(x.shape[1], y.shape[1]), None
        with torch.no_grad():
            first.weight.copy_(b[:-1].T)
            first.bias.copy_(b[-1])
    with torch.no_grad():
        p.linear_1.weight.copy_(first.weight / std)
        p.linear_1.bias.copy_(first.bias - (first.weight / std) @ mean)
        if second is not None:
            p.linear_2.weight.copy_(second.weight)
            p.linear_2.bias.copy_(second.bias)
        out = p(x)
        mu = (w[:, None] * y).sum(0) / w.sum()
        return round(float(1 - (w[:, None] * (out - y) ** 2).sum() / (w[:, None] * (y - mu) ** 2).sum()), 3)
