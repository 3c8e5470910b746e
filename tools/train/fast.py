"""The training-time forward pass: the same function as nets.py, with several questions behind one picture and without the
rows that nothing depends on. bf16 under autocast."""

import torch
import torch.nn.functional as F
from torch import nn

import data
import guide
import nets
import scenes as S


class LLaVA(nn.Module):
    """One decoder with the projectors of all generations: two layers with GELU between, and the linear one of the first."""

    def __init__(self, vocab):
        super().__init__()
        self.decoder = nets.Decoder(vocab)
        self.projector = nets.Projector(self.decoder.hidden, True)
        self.linear = nets.Projector(self.decoder.hidden, False)
        self.newline = nn.Parameter(torch.randn(self.decoder.hidden))
        self.places = nn.Linear(self.decoder.hidden, guide.PLACES)
        self.tables = nn.ModuleDict({k: nn.Embedding(n, self.decoder.hidden) for k, n in data.TABLES.items()})
        for k, t in self.tables.items():
            nn.init.normal_(t.weight, std=0.6)

    @torch.no_grad()
    def tie(self, tok):
        """Starts words that mean the same from the same vector: the word in a question, the label in a patch and the answer,
        the plural and the singular. Matching and copying are then one map for all words instead of one for each. The second
        and third character of a patch have the same vectors with their elements permuted. Rows and columns lie along a line,
        each on its own, so that comparing them is one projection."""
        def word(w):
            return tok.sp.piece_to_id("\u2581" + w)
        e = self.decoder.embed_tokens.weight
        for h in S.SHAPES:
            e[word("crosses" if h == "cross" else h + "s")] = e[word(h)] + 0.3 * torch.randn(e.shape[1])
        for c in S.SYMBOLS:
            if tok.sp.piece_to_id("\u2581" + c) > 0:
                e[word(c)] = e[tok.sp.piece_to_id(c)] + 0.3 * torch.randn(e.shape[1])
        self.decoder.lm_head.weight.copy_(e * e.shape[1] ** -0.5)
        t = {k: v.weight for k, v in self.tables.items()}
        for i, h in enumerate(S.SHAPES + ["sign"]):
            t["shape"][1 + i] = 0.6 * e[word(h)]
        for i, c in enumerate(S.COLOURS):
            t["colour"][1 + i] = 0.6 * e[word(c)]
        for axis in ("row", "col"):
            line = nn.functional.normalize(torch.randn(e.shape[1]), dim=0)
            t[axis] += torch.linspace(-6, 6, 24)[:, None] * line
        for slot in ("c0", "c1", "c2"):
            order = torch.arange(e.shape[1]) if slot == "c0" else torch.randperm(e.shape[1])
            for i, c in enumerate(S.SYMBOLS):
                t[slot][1 + i] = 0.6 * e[tok.sp.piece_to_id(c)][order]

    @torch.no_grad()
    def mimic(self, gain=1.7, copy=0.5):
        """Starts attention as trained transformers have it (Trockman and Kolter, "Mimetic initialization of self-attention
        layers", 2023): queries look for keys like themselves, in the slow dimensions of RoPE, and values are handed on as
        they are."""
        for l in self.decoder.layers:
            d = l.q_proj.weight.shape[0] // l.heads
            slow = [i for i in range(d) if i % (d // 2) >= d // 2 - 5]
            for p in (l.v_proj, l.o_proj):
                p.weight.mul_(0.3)
            for h in range(l.heads):
                basis = torch.linalg.qr(torch.randn(l.q_proj.weight.shape[1], len(slow)))[0].T * gain
                for i, r in zip(slow, basis):
                    l.q_proj.weight[h * d + i] = r
                    l.k_proj.weight[h * d + i] = r
            l.v_proj.weight += torch.eye(len(l.v_proj.weight))
            l.o_proj.weight += copy * torch.eye(len(l.o_proj.weight))

    def oracle(self, labels):
        return sum(t(labels[..., i]) for i, t in enumerate(self.tables.values()))

    def image(self, batch):
        if "feats" in batch:
            x = (self.linear if batch["model"] == "llava1" else self.projector)(batch["feats"].float())
        else:
            x = self.oracle(batch["labels"])
        return torch.where(batch["newline"][..., None], self.newline.to(x.dtype), x)

    def forward(self, batch, looks=None):
        """Logits of the rows that have a target, and their targets. The losses of attention that looks elsewhere than guide.py
        says are added to looks."""
        d = self.decoder
        x = self.image(batch)
        n, length, _ = x.shape
        p = d.embed_tokens(batch["before"])[None].to(x.dtype)
        t = d.embed_tokens(batch["text"])
        rows = Rows(batch, p.shape[1])
        for i, layer in enumerate(d.layers):
            p, x, t, a, seen = self.layer(layer, p, x, t, rows, i == len(d.layers) - 1)
            if looks is None:
                continue
            if i <= guide.WORD_LAYER:
                looks.append(astray(seen[:, guide.WALK_HEAD:], batch["previous"]))
            image, text = a[..., -t.shape[1] - length:-t.shape[1]], a[..., -rows.within.shape[-1]:]
            if i == guide.WORD_LAYER:
                looks.append(astray(text, batch["words"]))
                has = batch["places"] >= 0
                if has.any():
                    looks.append(F.cross_entropy(self.places(x[has]).float(), batch["places"][has]))
            elif i == guide.PATCH_LAYER:
                looks.append(astray(image, batch["patches"]))
            elif i == guide.OPTION_LAYER:
                looks.append(astray(text, rows.answers(batch["option"][0])[None]))
        return d.lm_head(d.norm(t[rows.real])).float(), batch["target"][batch["target"] != S.IGNORE]

    @staticmethod
    def layer(l, p, x, t, rows, last):
        """One decoder layer over the prompt's beginning p [1, ...], which is the same for all, the pictures x and the texts t.
        In the last layer only the rows of answers go on. Returns the attention of texts and pictures too."""
        h, w = l.heads, x.shape[-1]
        dim = w // h
        def heads(proj, y):
            return proj(y).view(y.shape[0], y.shape[1], h, dim).transpose(1, 2)
        n = x.shape[0]
        yp, yx, yt = l.input_layernorm(p), l.input_layernorm(x), l.input_layernorm(t)
        kp, vp = turn(heads(l.k_proj, yp), rows.rp), heads(l.v_proj, yp)
        kx, vx = turn(heads(l.k_proj, yx), rows.rx), heads(l.v_proj, yx)
        kt, vt = turn(heads(l.k_proj, yt), rows.rt), heads(l.v_proj, yt)
        k, v = torch.cat([kp.expand(n, -1, -1, -1), kx, kt], 2), torch.cat([vp.expand(n, -1, -1, -1), vx, vt], 2)
        own, turned = rows.within, rows.rt
        if last:
            t, yt, own = rows.answers(t), rows.answers(yt), rows.answers(own[:, 0])[:, None]
            turned = tuple(rows.answers(r[:, 0])[:, None] for r in rows.rt)
        qt = turn(heads(l.q_proj, yt), turned) * dim ** -0.5
        s = qt @ k.transpose(2, 3)
        before = k.shape[2] - own.shape[-1]
        a_text = torch.softmax(torch.cat([s[..., :before], s[..., before:] + own], -1), -1)
        t = t + l.o_proj((a_text @ v).transpose(1, 2).reshape(t.shape))
        t = t + ffn(l, t)
        seen = None
        if not last:
            m = kp.shape[2]
            qx = turn(heads(l.q_proj, yx), rows.rx) * dim ** -0.5
            seen = torch.softmax(qx @ k[:, :, :before].transpose(2, 3) + rows.causal[m:], -1)
            x = x + l.o_proj((seen @ v[:, :, :before]).transpose(1, 2).reshape(x.shape))
            x = x + ffn(l, x)
            qp = turn(heads(l.q_proj, yp), rows.rp) * dim ** -0.5
            a = torch.softmax(qp @ kp.transpose(2, 3) + rows.causal[:m, :m], -1)
            p = p + l.o_proj((a @ vp).transpose(1, 2).reshape(p.shape))
            p = p + ffn(l, p)
        return p, x, t, a_text, seen


class Rows:
    """Positions and masks of a batch."""

    def __init__(self, batch, before):
        self.rp = angles(batch["prefix_pos"][:1, :before])
        self.rx = angles(batch["prefix_pos"][:, before:])
        self.rt = angles(batch["text_pos"])
        m = batch["prefix_pos"].shape[1]
        self.causal = torch.zeros(m, m).masked_fill_(~torch.ones(m, m, dtype=torch.bool).tril(), -1e4).bfloat16()
        self.within = torch.zeros(batch["text_mask"].shape).masked_fill_(~batch["text_mask"], -1e4)[:, None].bfloat16()
        # The rows with a target come first, in order; as many of each sequence as the fullest has.
        target = batch["target"] != S.IGNORE
        count = int(target.sum(1).max())
        self.index = target.int().argsort(dim=1, descending=True, stable=True)[:, :count]
        self.real = target.gather(1, self.index)

    def answers(self, x):
        """The rows of x [batch, rows, width] that have a target, some others beside them where a sequence has fewer."""
        return x.gather(1, self.index[..., None].expand(-1, -1, x.shape[-1]))


def ffn(l, x):
    y = l.post_attention_layernorm(x)
    return l.down_proj(F.silu(l.gate_proj(y)) * l.up_proj(y))


def angles(pos, dim=32, theta=10000.0):
    a = pos.float()[..., None] / theta ** (torch.arange(0, dim, 2) / dim)
    a = torch.cat([a, a], -1)[:, None]
    return a.cos().bfloat16(), a.sin().bfloat16()


def turn(x, r):
    d = x.shape[-1]
    half = torch.cat([-x[..., d // 2:], x[..., :d // 2]], -1)
    return x * r[0] + half * r[1]


def astray(a, wanted):
    """The mean over the rows with a target of -log of the attention [batch, heads, rows, keys] that the first heads give to
    the wanted keys [heads, batch, rows, keys]."""
    loss = 0
    for h, w in enumerate(wanted):
        rows = w.any(-1)
        if rows.any():
            loss = loss - ((a[:, h][rows].float() * w[rows]).sum(-1) + 1e-4).log().mean()
    return loss


def loss_of(model, batch, guided=0.0):
    """Cross-entropy of the answers, and guided times the loss of attention that looks elsewhere."""
    looks = [] if guided else None
    logits, target = model(batch, looks)
    loss = F.cross_entropy(logits, target)
    return loss, loss + guided * sum(looks) if guided else loss


@torch.no_grad()
def evaluate(model, source, pictures, questions=5):
    """Whole answers right, in percent, by category and kind: teacher forcing, full sequences."""
    right, seen = {}, {}
    while len(source.items) < pictures:
        source.items.append(source.make(filtered=False))
    for item in source.items:
        pack = item["qa"][:questions]
        batch = data.collate([(item, data.keep(item, 0, None))], [pack], source.before, source.model)
        with torch.autocast("cpu", torch.bfloat16):
            logits, target = model(batch)
        hit = (logits.argmax(-1) == target)
        at = 0
        for i, (_, a, category, _) in enumerate(pack):
            ok = bool(hit[at:at + len(a)].all())
            at += len(a)
            for k in ([category, "all"] + (["own:" + category, "own"] if i == 0 else [])):
                right[k], seen[k] = right.get(k, 0) + ok, seen.get(k, 0) + 1
    return {k: round(100 * right[k] / seen[k], 1) for k in sorted(seen)}
