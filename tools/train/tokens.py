"""The tokenizer: SentencePiece, BPE with byte fallback, trained on the suite's own text, and the prompts in its ids.

    python3 tools/train/tokens.py --scenes bin/scenes --out runs/tokenizer.model

Letters and digits of signs are left out of the training text and only enter as single symbols, so that a sign such as
"4FK" is always one token per symbol, behind the token of the space. The names of the roles are pieces of their own.
"""

import argparse
import collections
import re
import struct

import scenes as S

SYSTEM = ("A chat between a curious %s and an artificial intelligence assistant. "
          "The assistant gives helpful, detailed, and polite answers to the %s's questions.")
# The templates that llavabench picks for the checkpoints by their configuration: llava_v1 for the linear projector,
# vicuna_v1 for the others.
WHO = {"llava1": "human", "llava15": "user", "llava15hd": "user", "llava16": "user"}
EOS = 2
# Written in the Hugging Face layout, whose tokenizer puts no space before what follows the picture.
HUGGING_FACE = ("llava15", "llava16")
SPACE = "\u2581"
ROLES = ["USER:", "ASSISTANT:"]


def prompt(model):
    """The text before the picture."""
    who = WHO[model]
    return SYSTEM % (who, who) + " USER: "


def after(question):
    """The text behind the picture."""
    return "\n" + question + " ASSISTANT:"


class Tokens:
    def __init__(self, path):
        import sentencepiece
        self.sp = sentencepiece.SentencePieceProcessor(model_file=path)
        self.size = self.sp.get_piece_size()

    def before(self, model):
        return [self.sp.bos_id()] + self.sp.encode(prompt(model))

    def question(self, text, model):
        ids = self.sp.encode(after(text))
        return ids[1:] if model in HUGGING_FACE else ids

    def answer(self, question, answer):
        whole = self.sp.encode(after(question) + " " + answer)
        head = self.sp.encode(after(question))
        assert whole[:len(head)] == head, (question, answer)
        return whole[len(head):] + [EOS]

    def text(self, ids):
        return self.sp.decode([i for i in ids if i > 2]).strip()


def words(binary, count):
    """The words of the suite's text with their counts. A word carries the mark of the space before it."""
    n = collections.Counter()
    for _, _, qa, _ in S.stream(binary, "item", 1, count=count, pixels=False):
        for q in qa:
            text = q["question"]
            if "sign" in text:
                text = re.sub(r" [A-D]\. .*", "", text)  # options that are signs
            answer = q["answer"] if q["answer"].islower() else ""
            n.update((text + " " + answer).split())
            n["\n" + text.split()[0]] += 1
    for who in set(WHO.values()):
        for w in (SYSTEM % (who, who)).split():
            n[w] += count
    marked = collections.Counter()
    for w, c in n.items():
        w = re.sub(r"[^A-Za-z]*$", "", w)  # stops stay symbols of their own
        if w:
            marked[w[1:] if w[0] == "\n" else SPACE + w] += c
    return marked


def merges(counts):
    """Byte-pair merges until every word is one piece, the commonest pair first, ties in alphabetical order."""
    split = {w: list(w) for w in counts}
    out = []
    while True:
        pairs = collections.Counter()
        for w, c in counts.items():
            for pair in zip(split[w], split[w][1:]):
                pairs[pair] += c
        if not pairs:
            return out
        a, b = min(pairs, key=lambda p: (-pairs[p], p))
        out.append(a + b)
        for w, parts in split.items():
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == (a, b):
                    parts[i:i + 2] = [a + b]
                i += 1


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """A field of a protocol buffer: bytes, a float, or a non-negative number."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def model(merged, letters):
    """The bytes of tokenizer.model (sentencepiece_model.proto): <unk> <s> </s>, 256 bytes, the roles, merges, letters."""
    normal, unknown, control, user, byte = 1, 2, 3, 4, 6
    pieces = [("<unk>", 0.0, unknown), ("<s>", 0.0, control), ("</s>", 0.0, control)]
    pieces += [("<0x%02X>" % b, 0.0, byte) for b in range(256)]
    pieces += [(r, 0.0, user) for r in ROLES]
    pieces += [(m, -float(i), normal) for i, m in enumerate(merged)]
    pieces += [(c, -float(len(merged) + i), normal) for i, c in enumerate(letters)]
    out = b"".join(field(1, field(1, p.encode()) + field(2, s) + field(3, t)) for p, s, t in pieces)
    trainer = field(3, 2) + field(4, len(pieces)) + field(35, 1) + field(40, 0) + field(41, 1) + field(42, 2) + field(43, (1 << 64) - 1)
    normalizer = field(1, b"identity") + field(3, 1) + field(4, 0) + field(5, 1)
    return out + field(2, trainer) + field(3, normalizer)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--scenes", required=True)
    a.add_argument("--out", required=True, help="tokenizer.model to write")
    a.add_argument("--count", type=int, default=2000)
    a = a.parse_args()
    counts = words(a.scenes, a.count)
    merged = merges(counts)
    letters = [SPACE] + sorted(set("".join(counts)) - {SPACE} | set(S.SYMBOLS) | set("?.,':"))
    with open(a.out, "wb") as f:
        f.write(model(merged, letters))


if __name__ == "__main__":
    main()
