"""Computes the log-likelihoods of the options in a run over the suite by nets.py alone, in fp32 on the stored weights, each option in
a pass of its own, and compares them with those that llavabench recorded.

    bin/llavabench eval --model testdata/sight/llava15 --suite sight --split val --seed 1 --limit 70 \\
        --choose likelihood --choose-by text --choose-end --out runs/likelihood
    python3 tools/train/likelihood.py llava15 --scenes bin/scenes --checkpoint testdata/sight/llava15 --run runs/likelihood

It fails when one differs by more than 1e-4, or another option is the greatest.
"""

import argparse
import json
import os
import sys

import torch

import data
import scenes as S
import tokens
from compare import Model

TOLERANCE = 1e-4


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=list(data.SIDE))
    a.add_argument("--scenes", required=True)
    a.add_argument("--checkpoint", required=True)
    a.add_argument("--run", required=True)
    a = a.parse_args()
    torch.set_num_threads(1)
    tok = tokens.Tokens(os.path.join(a.checkpoint, "tokenizer.model"))
    model = Model(a.checkpoint, a.name)
    with open(os.path.join(a.run, "manifest.json")) as f:
        manifest = json.load(f)
    suite, settings = manifest["suite"], manifest["settings"]
    end = settings.get("choose_end", False)
    divide = {"sum": lambda text, ids: 1, "token": lambda text, ids: len(ids), "byte": lambda text, ids: len(text.encode()),
              "char": lambda text, ids: len(text)}[settings["choose_norm"]]
    with open(os.path.join(a.run, "samples.jsonl")) as f:
        lines = [json.loads(l) for l in f]
    stream = S.stream(a.scenes, "item", suite["seed"], split=suite["split"], more=0, count=len(lines), views=a.name, side=model.side, checkpoint=a.checkpoint)
    options = chosen = tokens_seen = 0
    worst, bad, items = 0.0, 0, 0
    for line, (_, _, qa, frame, views) in zip(lines, stream):
        assert line["id"] == frame["id"], (line["id"], frame["id"])
        if "options" not in line:
            continue
        with torch.no_grad():
            question = qa[0]["question"]
            prompt = model.prompt(views, frame["refs"], tok.before(a.name), tok.question(question, a.name))
            values = []
            for o in line["options"]:
                text = o.get("scored", o["answer"])
                ids = tok.answer(question, text)
                ids = ids if end else ids[:-1]
                assert len(ids) == o["tokens"], (line["id"], text, ids, o["tokens"])
                mine = model.likelihood(prompt, ids, tok.size)
                values.append(mine / divide(text, ids))
                difference = abs(mine - o["logprob"])
                worst = max(worst, difference)
                if difference > TOLERANCE:
                    bad += 1
                    print(line["id"], text, "PyTorch", mine, "llavabench", o["logprob"], flush=True)
                options, tokens_seen = options + 1, tokens_seen + len(ids)
        items += 1
        chosen += line["options"][values.index(max(values))]["answer"] == line["text"]
        if items % 10 == 0:
            print("%s: %d items compared" % (a.name, items), file=sys.stderr, flush=True)
    print("%s: %d items, %d options of %d tokens; the largest difference is %.1e; %d of %d items have the same choice" %
          (a.name, items, options, tokens_seen, worst, chosen, items))
    if bad or chosen < items:
        sys.exit("%s: %d options differ by more than %g" % (a.name, bad, TOLERANCE))


if __name__ == "__main__":
    main()
