"""Writes a model card from the logs of the stages and from the run directories of `llavabench bench`.

    python3 tools/train/card.py llava15 --tower runs/tower --oracle runs/oracle --runs runs/low --val runs/val/llava15 \\
        --test runs/test/llava15 --mean runs/test/llava15-mean-colour --notes notes.md --out testdata/sight/llava15/README.md
"""

import argparse
import collections
import json
import math
import os

import tokens

TITLES = {"llava1": "LLaVA-1: 224 px, the middle square, 256 image tokens, one linear layer",
          "llava15": "LLaVA-1.5: 336 px, padded to a square, 576 image tokens, two layers with GELU between",
          "llava15hd": "LLaVA-1.5-HD: the 1.5 model with tiles of 336 px beside the whole picture, and a row-end vector",
          "llava16": "LLaVA-1.6: AnyRes tiles of 336 px, unpadding, newline, up to 2,928 image tokens"}


def read(path):
    if not path or not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(l) for l in f]


def answers(run):
    """The samples of a run directory."""
    if not run:
        return []
    lines = read(os.path.join(run, "samples.jsonl"))
    for l in lines:
        l["right"], l["answer"] = l.get("score", 0) == 1, l["reference"]
    return lines


def interval(right, n):
    """Wilson's 95 % interval of a share, in percent."""
    if n == 0:
        return "-"
    z, p = 1.96, right / n
    mid = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return "%.1f (%.1f-%.1f)" % (100 * p, 100 * max(mid - half, 0), 100 * (mid + half))


def accuracy(lines):
    out = collections.OrderedDict()
    for l in lines:
        n = out.setdefault(l["category"], [0, 0])
        n[0] += l["right"]
        n[1] += 1
    out["all"] = [sum(n[0] for n in out.values()), sum(n[1] for n in out.values())]
    return out


def commonest(lines):
    """The most frequent answer of each category, given to all of its items."""
    answers = collections.OrderedDict()
    for l in lines:
        answers.setdefault(l["category"], collections.Counter())[l["answer"]] += 1
    out = {k: [c.most_common(1)[0][1], sum(c.values())] for k, c in answers.items()}
    out["all"] = [sum(n[0] for n in out.values()), sum(n[1] for n in out.values())]
    return out


def stage(name, folder):
    log = read(os.path.join(folder, "log.jsonl"))
    if not log:
        return ""
    steps = [l for l in log if "step" in l]
    joined = [l for l in log if "join_r2" in l]
    out = ["### " + name, ""]
    if joined:
        out += ["Projectors fitted to the oracle's embedding: R2 %s, %.1f core-minutes." % (", ".join("%s %.3f" % i for i in joined[-1]["join_r2"].items()), joined[-1]["core_minutes"]), ""]
    out += ["| step | core-minutes | loss | learning rate | on validation |", "|---|---|---|---|---|"]
    shown = [l for l in steps if len(l) > 4]
    for l in shown[::max(1, len(shown) // 8)][:-1] + shown[-1:]:
        values = {}
        for k, v in l.items():
            if isinstance(v, dict):
                values[k] = v.get("all")
            elif k not in ("step", "core_minutes", "loss", "lr"):
                values[k] = v
        out.append("| %d | %.1f | %.3f | %.2g | %s |" % (l["step"], l["core_minutes"], l["loss"], l["lr"], ", ".join("%s %s" % i for i in values.items())))
    out += ["", "Ended after %d steps and %.1f core-minutes." % (steps[-1]["step"], steps[-1]["core_minutes"]), ""]
    return "\n".join(out) + "\n"


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=list(TITLES))
    a.add_argument("--tower", required=True)
    a.add_argument("--oracle", required=True)
    a.add_argument("--runs", nargs="+", required=True)
    a.add_argument("--val")
    a.add_argument("--test")
    a.add_argument("--mean")
    a.add_argument("--notes", help="what fell short, and the exact commands, in Markdown")
    a.add_argument("--out", required=True)
    a = a.parse_args()
    who = tokens.WHO[a.name]
    text = ["# " + a.name, "", TITLES[a.name] + ".", "",
            "A small model in real geometry for the pictures of `eval/sight`: CLIP tower of width 144 (5 layers, the last "
            "one unused, 3 heads), LLaMA decoder of width 160 (4 layers, 5 heads), SentencePiece tokenizer of 540 pieces, bf16. How it was made: "
            "`tools/train/README.md`.", "",
            "Prompt, which llavabench chooses by itself (template %s):" % ("llava_v1" if a.name == "llava1" else "vicuna_v1"), "",
            "    " + tokens.prompt(a.name) + "<image>" + tokens.after("QUESTION").replace("\n", "\\n"), ""]
    val, test, mean = answers(a.val), answers(a.test), answers(a.mean)
    if val or test:
        text += ["## Accuracy", "", "Exact match, percent, with 95 % intervals (Wilson). Validation is split val, seed 1; test is split test, seed 7, answered "
                 "once. Baselines on the " + ("test" if test else "validation") + " items: the most frequent answer of each category, and this model with each picture replaced by its "
                 "mean colour.", "", "| category | validation (%d) | test (%d) | most frequent | mean colour |" % (len(val), len(test)), "|---|---|---|---|---|"]
        v, t, c, m = accuracy(val), accuracy(test), commonest(test or val), accuracy(mean)
        for k in list((t if test else v)):
            row = [interval(*x[k]) if k in x else "-" for x in (v, t, c, m)]
            text.append("| %s | %s |" % (k, " | ".join(row)))
        text.append("")
    if a.notes:
        with open(a.notes) as f:
            text.append(f.read())
    text += ["## Training", "", stage("Tower", a.tower), stage("Decoder on the oracle", a.oracle)]
    for r in a.runs:
        text.append(stage("Tuning: " + os.path.basename(r), r))
    with open(a.out, "w") as f:
        f.write("\n".join(text).rstrip() + "\n")


if __name__ == "__main__":
    main()
