"""Batches for the decoder: image tokens of a generation, and several questions packed behind each picture."""

import re

import numpy as np
import torch

import guide
import scenes as S

# Tables of the oracle: what a label adds to the embedding of a patch.
TABLES = {"shape": len(S.SHAPES) + 2, "colour": len(S.COLOURS) + 1, "c0": len(S.SYMBOLS) + 1, "c1": len(S.SYMBOLS) + 1,
          "c2": len(S.SYMBOLS) + 1, "centre": 2, "row": 24, "col": 24}
SIDE = {"llava1": 224, "llava15": 336, "llava15hd": 336, "llava16": 336}
LEAST_TEXT, LEAST_RADIUS = 4.5, 2.0  # px in a view; below, a question about it is not asked in training


def labels(scene, frame, side, rng):
    """Labels of all patches of all views [patches, len(TABLES)], the places of their characters [patches, 3], and which patches
    belong to the view of the whole picture, the one with the smallest scale."""
    g = side // S.PATCH
    first = (24 - g) // 2  # a small view uses the inner square of the tower's table
    out, places, coarse = [], [], []
    base = min(p["sx"] * p["sy"] for p in frame["places"])
    for p in frame["places"]:
        view = S.View(None, (p["sx"], p["sy"]), p["dx"], p["dy"])
        shape, colour, chars, centre, _, place = S.label(scene, view, g, g, rng)
        row = np.repeat(np.arange(first, first + g), g)
        col = np.tile(np.arange(first, first + g), g)
        out.append(np.stack([shape.ravel(), colour.ravel(), *chars.reshape(3, -1), centre.ravel(), row, col], 1))
        places.append(place.reshape(3, -1).T)
        coarse.append(np.full(g * g, p["sx"] * p["sy"] == base))
    return np.concatenate(out), np.concatenate(places), np.concatenate(coarse)


def shown(scene, frame, side):
    """Names of the objects and colours of the signs that some view shows large enough."""
    objects, signs, hidden = set(), set(), set()
    def visible(x, y, size, least):
        for p in frame["places"]:
            u, v = x * p["sx"] + p["dx"], y * p["sy"] + p["dy"]
            if 2 <= u < side - 2 and 2 <= v < side - 2 and size * min(p["sx"], p["sy"]) >= least:
                return True
        return False
    for o in scene["objects"] or []:
        if visible(o["x"], o["y"], o["r"], LEAST_RADIUS):
            objects.add(o["colour"] + " " + o["shape"])
        else:
            hidden.add(o["colour"] + " " + o["shape"])
    for g in scene["signs"] or []:
        b = g["box"]
        if visible(b["x"], b["y"] + b["h"] / 2, g["height"], LEAST_TEXT) and visible(b["x"] + b["w"], b["y"] + b["h"] / 2, g["height"], LEAST_TEXT):
            signs.add(g["colour"])
    return objects, signs, hidden


def askable(q, objects, signs, hidden):
    text = re.sub(r" [A-D]\. .*", "", q["question"])
    word = text.rstrip("?").split()
    if text.startswith("What is written"):
        return word[5] in signs
    if text.startswith("Is there a"):
        return q["answer"] == "no" or " ".join(word[3:5]) in objects
    if text.startswith("What colour"):
        return any(o.endswith(" " + word[4]) for o in objects)
    if text.startswith("What shape"):
        return any(o.startswith(word[4] + " ") for o in objects)
    if text.startswith("How many"):
        return not hidden
    return all(n in objects for n in re.findall("(?:%s) (?:%s)" % ("|".join(S.COLOURS), "|".join(S.SHAPES)), text))


class Source:
    """Pictures of one generation. A share of every draw is new, the rest comes from the last ones, with other questions."""

    def __init__(self, binary, model, tokens, seed, rng, tower=None, size=2000, fresh=0.25, split="train", start=0, more=20, step=1):
        self.model, self.tokens, self.rng, self.tower, self.size, self.fresh = model, tokens, rng, tower, size, fresh
        self.side = SIDE[model]
        self.stream = S.stream(binary, "item", seed, split=split, start=start, more=more, views=model, side=self.side,
                               pixels=tower is not None, step=step)
        self.items, self.next, self.drawn = [], 0, 0
        self.before = tokens.before(model)

    def make(self, filtered=True):
        _, scene, qa, frame, pixels = next(self.stream)
        self.drawn += 1
        lab, index, coarse = labels(scene, frame, self.side, None if self.tower else self.rng)
        if filtered:
            seen = shown(scene, frame, self.side)
            # Multiple choice costs three times the tokens of another question: a part of it is enough.
            qa = [q for q in qa if askable(q, *seen) and (q["category"] != "choice" or self.rng.random() < 0.4)]
        feats = None
        if self.tower is not None:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                feats = torch.cat([self.tower(torch.from_numpy(S.normalise(v[None])))[0].bfloat16() for v in pixels])
        return {"labels": torch.from_numpy(lab.astype(np.int16)), "feats": feats, "refs": np.array(frame["refs"], np.int64),
                "full": lab[:, 0] > 0, "core": (lab[:, 2] > 0) | (lab[:, 5] > 0), "index": index.astype(np.int8), "coarse": coarse,
                "view": (self.side // S.PATCH) ** 2,
                "qa": [self.ids(q) for q in qa]}

    def ids(self, q):
        question, answer = self.tokens.question(q["question"], self.model), self.tokens.answer(q["question"], q["answer"])
        letters = guide.options_of([self.tokens.sp.id_to_piece(i).lstrip("\u2581") for i in question])
        return question, answer, q["category"], (guide.plan(q, self.tokens, self.model, question, answer), letters)

    def draw(self):
        if len(self.items) < min(64, self.size) or self.rng.random() < self.fresh:
            while True:
                item = self.make()
                if item["qa"]:
                    break
            if len(self.items) < self.size:
                self.items.append(item)
            else:
                self.items[self.next % self.size] = item
            self.next += 1
            return item
        return self.items[int(self.rng.integers(len(self.items)))]

    def batch(self, n, length, budget):
        """n pictures with questions of up to budget tokens behind each, cut to length image tokens: all patches with something
        in them (centres and characters before others), row ends and a random part of the empty ones, in order and with their
        positions. length 0 keeps everything."""
        rows, packs = [], []
        for _ in range(n):
            item = self.draw()
            rows.append((item, keep(item, length, self.rng)))
            pack, left = [], budget
            for i in self.rng.permutation(len(item["qa"])):
                q = item["qa"][i]
                if len(q[0]) + len(q[1]) <= left:
                    pack.append(q)
                    left -= len(q[0]) + len(q[1])
            packs.append(pack)
        return collate(rows, packs, self.before, self.model)


def keep(item, length, rng):
    refs = item["refs"]
    if length == 0 or length >= len(refs):
        return np.arange(len(refs))
    full = np.where(refs < 0, False, item["full"][np.maximum(refs, 0)])
    core = np.where(refs < 0, False, item["core"][np.maximum(refs, 0)])
    score = rng.random(len(refs)) + 10 * full + 20 * core + 0.6 * (refs < 0)
    return np.sort(np.argpartition(-score, length)[:length])


def collate(rows, packs, before, model):
    length = min(len(k) for _, k in rows)
    p = len(before)
    out = {"before": torch.tensor(before), "model": model}
    refs = np.stack([item["refs"][k[:length]] for item, k in rows])
    newline = refs < 0
    take = np.maximum(refs, 0)
    out["newline"] = torch.from_numpy(newline)
    out["labels"] = torch.stack([item["labels"][t] for (item, _), t in zip(rows, take)]).long()
    if rows[0][0]["feats"] is not None:
        out["feats"] = torch.stack([item["feats"][t] for (item, _), t in zip(rows, take)])
    image_pos = np.stack([p + k[:length] for _, k in rows])
    out["prefix_pos"] = torch.from_numpy(np.concatenate([np.tile(np.arange(p), (len(rows), 1)), image_pos], 1))
    longest = max(sum(len(q) + len(a) for q, a, *_ in pack) for pack in packs)
    n = len(rows)
    masks = guide.Masks(n, longest, length, p)
    places = np.stack([item["index"][t, 0] for (item, _), t in zip(rows, take)]).astype(np.int64)
    out["places"] = torch.from_numpy(np.where(newline, -1, places))
    text, pos = np.zeros((n, longest), np.int64), np.zeros((n, longest), np.int64)
    owner, target = np.full((n, longest), -1, np.int64), np.full((n, longest), S.IGNORE, np.int64)
    for b, ((item, _), pack) in enumerate(zip(rows, packs)):
        at = 0
        lab, index, coarse = (x[take[b]] for x in (item["labels"].numpy(), item["index"], item["coarse"]))
        masks.previous[0, b] = guide.previous(lab, np.where(newline[b][:, None], -1, index), take[b] // item["view"], p)
        for i, (q, a, _, (looks, letters)) in enumerate(pack):
            ids = q + a
            masks.add(b, at, len(q), looks, letters, lab, index, coarse, ~newline[b])
            text[b, at:at + len(ids)] = ids
            pos[b, at:at + len(ids)] = p + len(item["refs"]) + np.arange(len(ids))
            owner[b, at:at + len(ids)] = i
            first = at + len(q) - 1
            target[b, first:first + len(a)] = a
            at += len(ids)
    out["text"], out["text_pos"], out["target"] = map(torch.from_numpy, (text, pos, target))
    o = torch.from_numpy(owner)
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    out["text_mask"] = (o[:, :, None] == o[:, None, :]) & causal
    out["owner"], out["packs"] = o, packs
    out["words"], out["patches"], out["option"], out["previous"] = (torch.from_numpy(m) for m in (masks.words, masks.patches, masks.option, masks.previous))
    return out
