"""Answers items with a shipped checkpoint by nets.py alone, in fp32 on the stored weights, and compares the ids with those
of llavabench.

    bin/answer -model testdata/sight/llava15 -split test -seed 7 -count 200 > answers.jsonl
    python3 tools/train/compare.py llava15 --scenes bin/scenes --checkpoint testdata/sight/llava15 --answers answers.jsonl \\
        --split test --seed 7

With OpenBLAS (Debian: libopenblas0-pthread) a tiled model's 200 items take about eight minutes, with the plain BLAS forty.
"""

import argparse
import json
import os
import struct
import sys

import numpy as np
import torch
from torch import nn

import data
import nets
import scenes as S
import tokens


def read_safetensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = f.read()
    out = {}
    for k, v in header.items():
        if k != "__metadata__":
            lo, hi = v["data_offsets"]
            raw = np.frombuffer(body[lo:hi], np.int16).copy()
            out[k] = torch.from_numpy(raw).view(torch.bfloat16).view(v["shape"]).float()
    return out


def original(tensors):
    """Tensors of the Hugging Face layout under the names of the original one."""
    names = [("language_model.", ""), ("vision_tower.", "model.vision_tower.vision_tower."), ("image_newline", "model.image_newline"),
             ("multi_modal_projector.linear_1.", "model.mm_projector.0."), ("multi_modal_projector.linear_2.", "model.mm_projector.2.")]
    out = {}
    for k, v in tensors.items():
        for old, new in names:
            if k.startswith(old):
                k = new + k[len(old):]
                break
        out[k] = v
    return out


class Model:
    def __init__(self, path, name):
        t = original(read_safetensors(os.path.join(path, "model.safetensors")))
        self.side = data.SIDE[name]
        self.tower = nets.Tower(self.side // S.PATCH)
        v = "model.vision_tower.vision_tower.vision_model."
        own = {"class_embedding": t[v + "embeddings.class_embedding"], "position": t[v + "embeddings.position_embedding.weight"],
               "patch_embedding.weight": t[v + "embeddings.patch_embedding.weight"]}
        for k in self.tower.state_dict():
            if k.startswith("pre_layrnorm"):
                own[k] = t[v + k]
            elif k.startswith("layers."):
                _, i, rest = k.split(".", 2)
                part = "self_attn." if "_proj" in rest else "mlp." if rest.startswith("fc") else ""
                own[k] = t[v + "encoder.layers." + i + "." + part + rest]
        self.tower.load_state_dict(own)
        self.decoder = nets.Decoder(len(t["lm_head.weight"]))
        own = {}
        for k in self.decoder.state_dict():
            if k.startswith("layers."):
                _, i, rest = k.split(".", 2)
                part = "self_attn." if rest[:2] in ("q_", "k_", "v_", "o_") else "mlp." if "_proj" in rest else ""
                own[k] = t["model.layers." + i + "." + part + rest]
            else:
                own[k] = t["lm_head.weight" if k.startswith("lm_head") else "model." + k]
        self.decoder.load_state_dict(own)
        self.projector = nets.Projector(self.decoder.hidden, name != "llava1")
        first, second = ("", None) if name == "llava1" else ("0.", "2.")
        for layer, key in ((self.projector.linear_1, first), (self.projector.linear_2, second)):
            if layer is not None:
                layer.load_state_dict({k: t["model.mm_projector." + key + k] for k in ("weight", "bias")})
        self.newline = t.get("model.image_newline")

    def prompt(self, views, refs, before, question):
        """The merged sequence [1, positions, hidden] of the ids before the picture, the picture and the ids behind it."""
        d = self.decoder
        x = self.projector(self.tower(torch.from_numpy(S.normalise(views)))).flatten(0, 1)
        refs = torch.tensor(refs)
        image = x[refs.clamp(min=0)]
        if self.newline is not None:
            image = torch.where(refs[:, None] < 0, self.newline, image)
        return torch.cat([d.embed_tokens(torch.tensor(before)), image, d.embed_tokens(torch.tensor(question))])[None]

    def answer(self, views, refs, before, question, most=8):
        d = self.decoder
        x = self.prompt(views, refs, before, question)
        out, past, start = [], [[] for _ in d.layers], 0
        while len(out) < most:
            n = x.shape[1]
            mask = torch.full((n, n), float("-inf")).triu(1) if n > 1 else torch.zeros(1, 1)
            logits = d.lm_head(d(x, torch.arange(start, start + n), mask, past)[0, -1])
            start += n
            out.append(int(logits.argmax()))
            if out[-1] == tokens.EOS:
                break
            x = d.embed_tokens(torch.tensor([[out[-1]]]))
        return out

    def likelihood(self, prompt, ids, size):
        """The log-likelihood of ids behind a prompt, over the first size ids of the vocabulary: one pass over both, nothing kept."""
        d = self.decoder
        x = torch.cat([prompt, d.embed_tokens(torch.tensor([ids[:-1]], dtype=torch.long))], 1)
        n = x.shape[1]
        mask = torch.full((n, n), float("-inf")).triu(1)
        logits = d.lm_head(d(x, torch.arange(n), mask)[0, -len(ids):])[:, :size]
        return torch.log_softmax(logits.double(), -1).gather(1, torch.tensor(ids)[:, None]).sum().item()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=list(data.SIDE))
    a.add_argument("--scenes", required=True)
    a.add_argument("--checkpoint", required=True)
    a.add_argument("--answers", required=True)
    a.add_argument("--split", default="test")
    a.add_argument("--seed", type=int, default=7)
    a.add_argument("--count", type=int, default=200)
    a = a.parse_args()
    torch.set_num_threads(1)
    tok = tokens.Tokens(os.path.join(a.checkpoint, "tokenizer.model"))
    model = Model(a.checkpoint, a.name)
    with open(a.answers) as f:
        lines = [json.loads(l) for l in f][:a.count]
    same = prompts = 0
    stream = S.stream(a.scenes, "item", a.seed, split=a.split, more=0, count=len(lines), views=a.name, side=model.side, checkpoint=a.checkpoint)
    for n, (line, (_, scene, qa, frame, views)) in enumerate(zip(lines, stream), 1):
        assert line["id"] == frame["id"], (line["id"], frame["id"])
        before, question = tok.before(a.name), tok.question(qa[0]["question"], a.name)
        ok = line["prompt_ids"] == before + [-200] + question
        prompts += ok
        with torch.no_grad():
            ids = model.answer(views, frame["refs"], before, question)
        same += ids == line["ids"]
        if ids != line["ids"] or not ok:
            print(line["id"], "PyTorch", ids, "llavabench", line["ids"], "" if ok else "prompts differ", flush=True)
        if n % 20 == 0:
            print("%s: %d of %d compared" % (a.name, n, len(lines)), file=sys.stderr, flush=True)
    print("%s: %d of %d prompts and %d of %d answers have the same ids" % (a.name, prompts, len(lines), same, len(lines)))


if __name__ == "__main__":
    main()
