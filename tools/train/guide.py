"""Where attention should look: for each answer token, the words of the question and the patches that it depends on.

Labels say where every object and character is, so training can tell attention directly instead of waiting until it finds
out: a part of the loss asks two heads of the second layer to look at the question's key words (a third, in the options of a
choice, at the letter before them), two of the third at the patches they name, and one of the last at the option that fits.
In the first two layers the patch of a character looks at that of the character before it, the first of a string at the
prompt before the picture, and must say behind them which of its string it is: that is how a string is walked along. Without all this the decoder
spent thousands of steps at chance. The other heads are free, and llavabench knows nothing of it: it is only a loss.
"""

import re

import numpy as np

import scenes as S

WORD_LAYER, PATCH_LAYER, OPTION_LAYER = 1, 2, 3
WALK_HEAD = 3
PLACES = 4  # a character's place in its string; training scenes have up to four
ANY, BASE, FINE = 0, 1, 2  # which views a look-up is meant for
NAME = "(%s) (%s)" % ("|".join(S.COLOURS), "|".join(S.SHAPES))


def patches(shape=0, colour=0, char=-1, view=ANY):
    """A description of patches: label numbers of shape and colour (0 for any), the place of a character in its string."""
    return shape, colour, char, view


def of_name(name, view=ANY):
    colour, shape = name
    return patches(1 + S.SHAPES.index(shape), 1 + S.COLOURS.index(colour), view=view)


def singular(word):
    return "cross" if word == "crosses" else word[:-1]


def match(what, lab, index, coarse):
    """Which of the rows [n, tables], with the places of their characters [n, 3] and a flag for rows of the base view, fit a
    description. Where there is one view it serves for both kinds."""
    shape, colour, char, view = what
    m = lab[:, 0] == shape if shape else (lab[:, 0] > 0) & (lab[:, 0] != S.SIGN)
    if colour:
        m &= lab[:, 1] == colour
    if char >= 0:
        m &= (index == char).any(1)
    if view and coarse.any() and not coarse.all():
        m &= coarse if view == BASE else ~coarse
    return m


def plan(q, tokens, model, question_ids, answer_ids):
    """What the answer's tokens should look at: a list of (answer token, word offsets of head 0, of head 1, patches of head 0,
    of head 1, option offsets); empty or None where nothing is asked."""
    text = q["question"]
    base, *options = re.split(r" [A-D]\. ", text)
    pieces = [tokens.sp.id_to_piece(i).lstrip("\u2581") for i in question_ids]
    head = len(tokens.question(base, model)) - 1 if options else len(pieces)

    def at(*words):
        return [i for i, p in enumerate(pieces[:head]) if p in words]

    names = re.findall(NAME, base)
    rows = []
    choice = []
    if options:
        found = options_of(pieces)
        choice = found["ABCD".index(q["answer"])][1] if len(found) == len(options) else []
    if base.startswith("What is written"):
        colour = base.split()[5]
        sign = patches(S.SIGN, 1 + S.COLOURS.index(colour), view=FINE)
        if options:
            rows.append((0, at(colour), at(colour), patches(S.SIGN, sign[1], 0, FINE), sign, choice))
        else:
            for k in range(len(q["answer"])):
                rows.append((1 + k, at(colour), at(colour), patches(S.SIGN, sign[1], k, FINE), sign, []))
            rows.insert(0, (0, at(colour), at(colour), sign, sign, []))
    elif base.startswith("What colour"):
        shape = base.rstrip("?").split()[4]
        what = patches(shape=1 + S.SHAPES.index(shape))
        rows.append((0, at(shape), at(shape), what, what, choice))
    elif base.startswith("What shape"):
        colour = base.split()[4]
        what = patches(colour=1 + S.COLOURS.index(colour))
        rows.append((0, at(colour), at(colour), what, what, choice))
    elif base.startswith("How many"):
        word = base.split()[2]
        rows.append((0, at(word), at(word), None, None, []))
    elif base.startswith("Is there a"):
        what = of_name(names[0]) if q["answer"] == "yes" else None
        rows.append((0, at(names[0][0]), at(names[0][1]), what, what, []))
    elif len(names) == 1:
        what = of_name(names[0], BASE)
        rows.append((0, at(names[0][0]), at(names[0][1]), what, what, []))
    else:
        rows.append((0, nth(pieces, names[0], False), nth(pieces, names[1], True), of_name(names[0], BASE), of_name(names[1], BASE), []))
    return [r for r in rows if r[0] < len(answer_ids)]


def nth(pieces, name, last):
    """Offsets of the colour and the shape of the first or the last name in a question."""
    out = []
    for i in range(len(pieces) - 1):
        if (pieces[i], pieces[i + 1]) == tuple(name):
            out.append([i, i + 1])
    return out[-1 if last else 0] if out else []


def options_of(pieces):
    """For each option the offset of its letter and those of its pieces: what follows letter and stop, up to the next letter."""
    starts = [i for i in range(1, len(pieces)) if pieces[i] == "." and pieces[i - 1] in ("A", "B", "C", "D")]
    ends = [s - 1 for s in starts[1:]] + [len(pieces) - 1]
    return [(s - 1, list(range(s + 1, e))) for s, e in zip(starts, ends)]


def previous(lab, index, view, before):
    """For each patch with a character the patches of the character before it, in the same view and string; the prompt's tokens
    before the picture for the first: [n, before + n]. Signs of a picture have different colours."""
    first = index[:, 0]
    sign = np.where(first >= 0, lab[:, 1] + 100 * view, -1)
    m = np.zeros((len(lab), before + len(lab)), bool)
    m[first == 0, :before] = True
    for i in np.flatnonzero(first > 0):
        m[i, before:] = (sign == sign[i]) & (index == first[i] - 1).any(1)
    return m


class Masks:
    """Collects the targets of a batch: boolean masks over [batch, text rows, keys]."""

    def __init__(self, n, rows, image, before):
        self.words = np.zeros((3, n, rows, rows), bool)
        self.patches = np.zeros((2, n, rows, image), bool)
        self.option = np.zeros((1, n, rows, rows), bool)
        self.previous = np.zeros((1, n, image, before + image), bool)

    def add(self, b, first, question_length, rows, letters, lab, index, coarse, real):
        for letter, offsets in letters:
            self.words[2, b, [first + o for o in offsets], first + letter] = True
        for answer, w0, w1, p0, p1, option in rows:
            r = first + question_length - 1 + answer
            for h, offsets in enumerate((w0, w1)):
                self.words[h, b, r, [first + o for o in offsets]] = True
            for h, what in enumerate((p0, p1)):
                if what is not None:
                    self.patches[h, b, r] = match(what, lab, index, coarse) & real
            self.option[0, b, r, [first + o for o in option]] = True
