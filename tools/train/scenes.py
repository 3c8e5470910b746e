"""Reads the picture stream of the Go command beside this file, and labels the patches of a view."""

import json
import os
import struct
import subprocess

import numpy as np
from PIL import Image

SYMBOLS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
COLOURS = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"]
SHAPES = ["circle", "square", "triangle", "cross", "ring", "diamond", "star"]
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
PATCH = 14
SIGN = len(SHAPES) + 1  # class of "a sign" in the shape head; 0 is none
IGNORE = -100


def stream(binary, kind, seed, start=0, step=1, split="train", more=8, count=0, views="", side=336, pixels=True, checkpoint=""):
    """Yields (index, scene, questions, pixels uint8 [h, w, 3]) of pictures, or with views, the name of a generation,
    (index, scene, questions, frame, pixels uint8 [views, side, side, 3]) of what the tower sees of them. Without pixels only
    the labels are made, which takes no time to speak of."""
    cmd = [binary, "-kind", kind, "-split", split, "-seed", str(seed), "-from", str(start), "-step", str(step),
           "-more", str(more), "-count", str(count), "-pixels=" + str(pixels).lower()]
    if views:
        cmd += ["-views", views, "-side", str(side), "-checkpoint", checkpoint]
    with subprocess.Popen(cmd, stdout=subprocess.PIPE, bufsize=1 << 22) as proc:
        out = proc.stdout
        while True:
            head = out.read(4)
            if len(head) < 4:
                return
            frame = json.loads(out.read(struct.unpack("<I", head)[0]))
            s = frame["scene"]
            shape = (len(frame["places"]), side, side, 3) if views else (s["height"], s["width"], 3)
            data = np.frombuffer(out.read(int(np.prod(shape))), np.uint8).reshape(shape) if pixels else None
            if views:
                yield frame["index"], s, frame["qa"] or [], frame, data
            else:
                yield frame["index"], s, frame["qa"] or [], data


class View:
    """A view of a scene: the pixels the tower sees and where the scene's points went."""

    def __init__(self, pixels, scale, dx, dy):
        self.pixels, self.sx, self.dx, self.dy = pixels, scale, dx, dy

    def at(self, x, y):
        return x * self.sx[0] + self.dx, y * self.sx[1] + self.dy


def resized(pixels, w, h):
    if (pixels.shape[1], pixels.shape[0]) == (w, h):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((w, h), Image.BICUBIC))


def label(scene, view, gh, gw, rng=None):
    """Per-patch labels of a view of gh x gw patches: shape, colour, three characters, centre flag, patches at whose border a
    character lies, and the characters' places in their strings. A character within 1.5 px of a border may be answered by
    either patch: the neighbour's label is ignored. With rng the labels say what a tower
    would: small characters are mistaken or missed, the more the smaller."""
    shape = np.zeros((gh, gw), np.int64)
    colour = np.zeros((gh, gw), np.int64)
    chars = np.zeros((3, gh, gw), np.int64)
    centre = np.zeros((gh, gw), np.int64)
    fuzzy = np.zeros((gh, gw), bool)
    place = np.full((3, gh, gw), -1, np.int64)
    cx = (np.arange(gw) + 0.5) * PATCH
    cy = (np.arange(gh) + 0.5) * PATCH

    for o in scene["objects"] or []:
        x, y = view.at(o["x"], o["y"])
        r = o["r"] * view.sx[0]
        inside = (np.abs(cx[None] - x) <= r * 0.8) & (np.abs(cy[:, None] - y) <= r * 0.8)
        k = int(y // PATCH), int(x // PATCH)
        if 0 <= k[0] < gh and 0 <= k[1] < gw:
            inside[k] = True
            centre[k] = 1
        shape[inside] = 1 + SHAPES.index(o["shape"])
        colour[inside] = 1 + COLOURS.index(o["colour"])
    for g in scene["signs"] or []:
        b = g["box"]
        x0, y0 = view.at(b["x"], b["y"])
        x1, y1 = view.at(b["x"] + b["w"], b["y"] + b["h"])
        inside = (cx[None] >= x0) & (cx[None] <= x1) & (cy[:, None] >= y0) & (cy[:, None] <= y1)
        h = g["height"]
        gwid = max((h * 5 + 3) // 7, 1)
        adv = gwid + max((h + 3) // 6, 1)
        ty = g["text_y"] + h / 2
        for i, ch in enumerate(g["text"]):
            x, y = view.at(g["text_x"] + i * adv + gwid / 2, ty)
            r, c = int(y // PATCH), int(x // PATCH)
            if not (0 <= r < gh and 0 <= c < gw):
                continue
            inside[r, c] = True
            symbol = 1 + SYMBOLS.index(ch)
            if rng is not None and rng.random() < min(max((9 - h * view.sx[1]) / 6, 0.03), 0.9):
                symbol = int(rng.integers(1, len(SYMBOLS) + 1)) if rng.random() < 0.5 else 0
            for slot in range(3):
                if symbol and chars[slot, r, c] == 0:
                    chars[slot, r, c], place[slot, r, c] = symbol, i
                    break
            for rr, cc, d in ((r - 1, c, y - r * PATCH), (r + 1, c, (r + 1) * PATCH - y), (r, c - 1, x - c * PATCH), (r, c + 1, (c + 1) * PATCH - x)):
                if d < 1.5:
                    fuzzy[r, c] = True
                    if 0 <= rr < gh and 0 <= cc < gw:
                        fuzzy[rr, cc] = True
        shape[inside] = SIGN
        colour[inside] = 1 + COLOURS.index(g["colour"])
    return shape, colour, chars, centre, fuzzy, place


def normalise(pixels):
    """uint8 [..., h, w, 3] to float32 [..., 3, h, w]."""
    x = (pixels.astype(np.float32) / 255 - MEAN) / STD
    return np.moveaxis(x, -1, -3)


def save_atomically(obj, path):
    import torch
    torch.save(obj, path + ".tmp")
    os.replace(path + ".tmp", path)
