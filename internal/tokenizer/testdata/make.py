"""Makes the fixtures of this folder: small models and what the reference libraries do with them.

    python3 make.py          unigram.model, bpe.model, sentencepiece.json       (sentencepiece 0.1.97, protobuf 3)
                             bytelevel.json, fallback.json, texts.json
    node make.mjs            tokenizers.json                                    (tokenizers 0.23.2)

The corpus and the texts are drawn from word lists with a fixed seed; no text of anyone else is in them.
"""
import collections
import io
import json
import random
import re
import tempfile

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb

random.seed(20)
NOUNS = "cat dog bus tile house river picture table colour window token image question answer".split()
VERBS = "shows holds sees reads paints carries counts asks answers describes".split()
WORDS = NOUNS + VERBS + "the a two three under over behind with without and or Größe café naïve Straße".split()
CORPUS = [
    " ".join(random.choice(WORDS) for _ in range(random.randint(4, 12))).capitalize() + random.choice([".", "?", "!"])
    for _ in range(600)
] + ["Русский текст и ещё слова.", "日本語の文と中文字符。", "한국어 문장", "🙂🚀"] * 10

ATOMS = WORDS + [
    " ", " ", "  ", "   ", "\u2581", "\t", "\n", "\r\n", "\n\n", "<|im_end|>", "<s>", "</s>", "<unk>", "<ctl>", "<image>",
    "<0x0A>", "ﬁ", "ＡＢ", "①", "e\u0301", "é", "日本", "文", "한", "Рус", "ё", "🙂", "🚀", "\u200b", "\u3000", "\xa0", "\ufeff",
    "\x00", "ß", "0", "12345", "3.14", "...", "**", "'s", "'LL", "'ſ", "²", "Ⅳ", "\u0301\u0316", "q", "xyz",
]


def text():
    if random.random() < 0.2:
        return random.choice(ATOMS) * random.randint(1, 12)
    return "".join(random.choice(ATOMS) for _ in range(random.randint(0, 12)))


TEXTS = [text() for _ in range(90)]


def train(**options):
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, minloglevel=2, num_threads=1, **options)
    return pb.ModelProto.FromString(model.getvalue())


def sentencepiece():
    rules = {"ﬁ": "fi", "ﬂ": "fl", "Ａ": "A", "Ｂ": "B", "①": "1", "e\u0301": "é", "\t": " ", "\u3000": " ", "\u200b": "",
             "ß": "ss"}
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as f:
        for old, new in rules.items():
            hexes = lambda s: " ".join("%X" % ord(c) for c in s)
            f.write(hexes(old) + "\t" + hexes(new) + "\n")
        f.flush()
        unigram = train(model_type="unigram", vocab_size=170, normalization_rule_tsv=f.name, character_coverage=0.999,
                        user_defined_symbols=["<|im_end|>", "  "], control_symbols=["<ctl>"])
    bpe = train(model_type="bpe", vocab_size=400, byte_fallback=True, normalization_rule_name="identity",
                remove_extra_whitespaces=False, character_coverage=0.98)
    for i, p in enumerate(bpe.pieces):  # every ninth longer piece falls apart again
        if p.type == 1 and len(p.piece) > 3 and i % 9 == 0:
            p.type = 5
    out = {}
    for name, m in ("unigram", unigram), ("bpe", bpe):
        m.normalizer_spec.ClearField("normalization_rule_tsv")
        m.trainer_spec.ClearField("input")
        m.ClearField("self_test_data")
        data = m.SerializeToString()
        with open(name + ".model", "wb") as f:
            f.write(data)
        sp = spm.SentencePieceProcessor(model_proto=data)
        cases = []
        for t in TEXTS:
            ids = sp.encode(t)
            other = [random.randrange(sp.get_piece_size()) for _ in range(random.randint(0, 10))]
            cases.append({"text": t, "ids": ids, "decode": sp.decode(ids), "other": other, "other_decode": sp.decode(other)})
        out[name] = cases
    with open("sentencepiece.json", "w") as f:
        json.dump(out, f, ensure_ascii=True, separators=(",", ":"))
    return bpe


def byte_chars():
    keep = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in keep]
    return {b: chr(b) for b in keep} | {b: chr(256 + i) for i, b in enumerate(rest)}


def bpe_merges(words, count):
    merges = []
    for _ in range(count):
        pairs = collections.Counter()
        for w, n in words.items():
            for pair in zip(w, w[1:]):
                pairs[pair] += n
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        joined = collections.Counter()
        for w, n in words.items():
            out = []
            for s in w:
                if out and (out[-1], s) == best:
                    out[-1] += s
                else:
                    out.append(s)
            joined[tuple(out)] += n
        words = joined
    return merges


def added(id, content, special=True, **flags):
    return dict(dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=not special,
                     special=special), **flags)


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def bos(token, id):
    return {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": token, "type_id": 0}},
                                                     {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]}}}


def model(vocab, merges, **settings):
    return dict(dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                     fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab=vocab, merges=merges), **settings)


def write(name, **parts):
    with open(name, "w") as f:
        json.dump(dict(version="1.0", truncation=None, padding=None, **parts), f, ensure_ascii=True,
                  separators=(",", ":"))


def byte_level():
    chars = byte_chars()
    words = collections.Counter(
        tuple(chars[b] for b in w.encode()) for line in CORPUS for w in re.findall(r" ?\w+|[^\w\s]+", line))
    merges = bpe_merges(words, 150)
    vocab = {t: i for i, t in enumerate(sorted(chars.values()) + list(dict.fromkeys(a + b for a, b in merges)))}
    n = len(vocab)
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "behavior": "Isolated", "invert": False, "pattern": {"Regex": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        r"\s*[\r\n]+|\s+(?!\S)|\s+")}}
    write("bytelevel.json",
          added_tokens=[added(n, "<s>"), added(n + 1, "</s>"), added(n + 2, "<|im_end|>", rstrip=True),
                        added(n + 3, "<image>", lstrip=True), added(n + 4, "xyz", False, single_word=True)],
          normalizer={"type": "NFC"}, pre_tokenizer=sequence("pretokenizers", split, level),
          post_processor=sequence("processors", level, bos("<s>", n)), decoder=level,
          model=model(vocab, [list(m) for m in merges], ignore_merges=True))


def fallback(bpe):
    vocab = {p.piece: i for i, p in enumerate(bpe.pieces)}
    scores = {p.piece: p.score for p in bpe.pieces if p.type in (1, 5)}
    merges = []
    for piece, score in scores.items():
        pairs = [(piece[:k], piece[k:]) for k in range(1, len(piece))]
        merges += [(-score, vocab[a], vocab[b], a + " " + b) for a, b in pairs if a in scores and b in scores]
    mark = "\u2581"
    write("fallback.json",
          added_tokens=[added(0, "<unk>"), added(1, "<s>"), added(2, "</s>"), added(len(vocab), "<image>")],
          normalizer=sequence("normalizers", {"type": "Prepend", "prepend": mark},
                              {"type": "Replace", "pattern": {"String": " "}, "content": mark}),
          pre_tokenizer=None, post_processor=bos("<s>", 1),
          decoder=sequence("decoders", {"type": "Replace", "pattern": {"String": mark}, "content": " "},
                           {"type": "ByteFallback"}, {"type": "Fuse"},
                           {"type": "Strip", "content": " ", "start": 1, "stop": 0}),
          model=model(vocab, [m[3] for m in sorted(merges)], unk_token="<unk>", fuse_unk=True, byte_fallback=True))


trained = sentencepiece()
byte_level()
fallback(trained)
with open("texts.json", "w") as f:
    json.dump(TEXTS, f, ensure_ascii=True, separators=(",", ":"))
