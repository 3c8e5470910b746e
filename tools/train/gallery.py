"""Writes the page of the models: what they are, their accuracy side by side, and six items as pictures with each answer.

    python3 tools/train/gallery.py --suite SUITE --runs runs/test/llava1 runs/test/llava15 ... --out docs/models.md

SUITE is a folder made by `llavabench suite make` with the seed and split of the runs, which `llavabench bench` leaves.
"""

import argparse
import os

from PIL import Image

import card

INTRO = """# The small models

`testdata/sight` holds a trained checkpoint for each generation of LLaVA, in real geometry (patch 14; 224 or 336 pixels; 256 to
2,928 image tokens) but with a tower of 1.4 million parameters and a decoder of 1.4 million. They learned to see the pictures
of the suite that ships with llavabench (`eval/sight`, `llavabench suite make`), and nothing else. Each has a model card with
the numbers, the losses and the commands it was trained with; `tools/train/README.md` explains the training.

    llavabench suite make --seed 7 --count 20 --out SUITE
    llavabench run --model testdata/sight/llava15 --image SUITE/images/test-7-000000.png --prompt 'Is there a green triangle?'
"""


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--suite", required=True)
    a.add_argument("--runs", nargs="+", required=True)
    a.add_argument("--notes", help="what the numbers mean, in Markdown")
    a.add_argument("--ids", nargs="*", help="items to show; by default one of each category but one, the first of each that the models disagree about")
    a.add_argument("--out", required=True)
    a = a.parse_args()
    sets = {}
    for path in a.runs:
        sets[os.path.basename(path)] = {l["id"]: l for l in card.answers(path)}
    shared = [i for i in next(iter(sets.values())) if all(i in s for s in sets.values())]
    lines = {n: [s[i] for i in shared] for n, s in sets.items()}
    out = [INTRO, "## Accuracy", "", "Exact match in percent with 95 %% intervals, on the first %d items of split test, seed 7, answered once. The last column "
           "is the most frequent answer of each category." % len(shared), "", "| category | " + " | ".join(sets) + " | most frequent |", "|---|" + "---|" * (len(sets) + 1)]
    tables = {n: card.accuracy(l) for n, l in lines.items()}
    base = card.commonest(next(iter(lines.values())))
    for c in base:
        out.append("| %s | %s |" % (c, " | ".join([card.interval(*tables[n][c]) for n in sets] + ["%.1f" % (100 * base[c][0] / base[c][1])])))
    if a.notes:
        with open(a.notes) as f:
            out += ["", f.read().rstrip()]
    ids = a.ids
    if not ids:
        ids, seen = [], set()
        for i in shared:
            rows = [s[i] for s in sets.values()]
            if rows[0]["category"] not in seen and len({r["right"] for r in rows}) == 2:
                seen.add(rows[0]["category"])
                ids.append(i)
        ids = ids[:6]
    out += ["", "## Six items", "", "The first item of six categories about which the models disagree. Wrong answers are struck out.", ""]
    folder = os.path.join(os.path.dirname(a.out), "images")
    os.makedirs(folder, exist_ok=True)
    for i in ids:
        rows = {n: s[i] for n, s in sets.items()}
        first = next(iter(rows.values()))
        img = Image.open(os.path.join(a.suite, "images", i + ".png")).convert("RGB")
        img.thumbnail((560, 560), Image.BICUBIC)
        img.save(os.path.join(folder, i + ".jpg"), quality=85)
        out += ["![%s](images/%s.jpg)" % (i, i), "", "**%s** (%s, smallest detail %d px): %s" % (first["question"], first["category"], first["detail_px"], first["answer"]), ""]
        out += ["- %s: %s" % (n, r["text"] if r["right"] else "~~" + (r["text"] or "(nothing)") + "~~") for n, r in rows.items()] + [""]
    with open(a.out, "w") as f:
        f.write("\n".join(out).rstrip() + "\n")


if __name__ == "__main__":
    main()
