#!/usr/bin/python3
"""Makes the JPEG files of this folder and expected.json, what the reference decoder says about each of them.

Needs Pillow 9.4.0 on libjpeg-turbo 2.1.5 (Debian 12: python3-pil, libjpeg-turbo-progs), which is the reference, and
cjpeg. All pictures are computed here. Run it without arguments; the result is the same each time.
"""
import hashlib
import json
import os
import random
import struct
import subprocess

from PIL import Image, features

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = {}


def scene(width, height, channels=3, seed=1, noise=10):
    """Slopes, a few rectangles and noise: bytes, row by row."""
    r = random.Random(f"{seed} {width} {height} {channels}")
    slope = [(r.uniform(-5, 5), r.uniform(-5, 5), r.uniform(60, 190)) for _ in range(channels)]
    boxes = [(r.randrange(width), r.randrange(height), r.randint(1, 20), r.randint(1, 20),
              [r.randrange(256) for _ in range(channels)]) for _ in range(4)]
    out = bytearray()
    for y in range(height):
        for x in range(width):
            pixel = [int(sx * x + sy * y + base) % 256 for sx, sy, base in slope]
            for bx, by, w, h, color in boxes:
                if bx <= x < bx + w and by <= y < by + h:
                    pixel = color
            out += bytes(max(0, min(255, v + r.randint(-noise, noise))) for v in pixel)
    return bytes(out)


def cjpeg(width, height, *args, gray=False, scans=None, **kw):
    pixels = scene(width, height, 1 if gray else 3, **kw)
    pnm = b"%s\n%d %d\n255\n" % (b"P5" if gray else b"P6", width, height) + pixels
    args = ["cjpeg", *args]
    if scans:
        path = os.path.join(HERE, "scans.tmp")
        with open(path, "w") as f:
            f.write(scans)
        args += ["-scans", path]
    data = subprocess.run(args, input=pnm, capture_output=True, check=True).stdout
    if scans:
        os.remove(path)
    return data


def segments(b):
    """(marker, start, end) of each segment; a scan's data belongs to its SOS."""
    out, i = [], 2
    while i < len(b):
        if b[i + 1] == 0xD9:
            out.append((0xD9, i, i + 2))
            break
        j = i + 2 + struct.unpack(">H", b[i + 2:i + 4])[0]
        if b[i + 1] == 0xDA:
            while not (b[j] == 0xFF and b[j + 1] != 0 and not 0xD0 <= b[j + 1] <= 0xD7):
                j += 1
        out.append((b[i + 1], i, j))
        i = j
    return out


def segment(marker, payload):
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def only(b, keep):
    return b[:2] + b"".join(b[s:e] for m, s, e in segments(b) if keep(m))


def without(b, *markers):
    return only(b, lambda m: m not in markers)


def adobe(b, transform):
    b = without(b, 0xE0, 0xEE)
    return b[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform])) + b[2:]


def renumber(b, ids):
    """Other component numbers, no JFIF or Adobe marker."""
    b = bytearray(without(b, 0xE0, 0xEE))
    new = {}
    for m, s, _ in segments(bytes(b)):
        if m in (0xC0, 0xC1, 0xC2):
            for k in range(b[s + 9]):
                new[b[s + 10 + 3 * k]] = ids[k]
                b[s + 10 + 3 * k] = ids[k]
        if m == 0xDA:
            for k in range(b[s + 4]):
                b[s + 5 + 2 * k] = new[b[s + 5 + 2 * k]]
    return bytes(b)


def cmyk(width, height, **kw):
    path = os.path.join(HERE, "cmyk.tmp")
    Image.frombytes("CMYK", (width, height), scene(width, height, 4)).save(path, "JPEG", **kw)
    with open(path, "rb") as f:
        data = f.read()
    os.remove(path)
    return data


def scans_of(b):
    return [s for s in segments(b) if s[0] == 0xDA]


def stop(b, count):
    """The first scans of a file, then its end."""
    return b[:scans_of(b)[count][1]] + b"\xFF\xD9"


def stop_inside(b, index, share):
    _, s, e = scans_of(b)[index]
    cut = s + 14 + int((e - s - 14) * share)
    while b[cut - 1] == 0xFF:
        cut += 1
    return b[:cut] + b"\xFF\xD9"


def wide_steps(b, factor):
    """Quantisation tables of 16 bits with larger steps."""
    out = b[:2]
    for m, s, e in segments(b):
        part = b[s:e]
        if m == 0xDB:
            p, q = b[s + 4:e], b""
            while p:
                steps = [min(65535, v * factor) for v in p[1:65]]
                q, p = q + bytes([0x10 | p[0]]) + struct.pack(">64H", *steps), p[65:]
            part = segment(m, q)
        out += part
    return out


def restart_markers(b):
    return [i for i in range(len(b) - 1) if b[i] == 0xFF and 0xD0 <= b[i + 1] <= 0xD7]


def accepted(path):
    try:
        Image.open(path).load()
        return True
    except (OSError, SyntaxError):
        return False


def no_end(want):
    """A file without its end-of-image marker that the reference takes, or not."""
    path = os.path.join(HERE, "end.tmp")
    for seed in range(1000):
        b = cjpeg(20, 12, "-quality", "60", seed=seed)[:-2]
        with open(path, "wb") as f:
            f.write(b)
        if accepted(path) == want:
            os.remove(path)
            return b
    raise SystemExit("no such file")


def make():
    f = FILES
    for name, (w, h, sample) in {
        "444": (17, 13, "1x1"), "422": (33, 9, "2x1"), "420": (31, 29, "2x2"), "440": (21, 35, "1x2"),
        "411": (37, 10, "4x1"), "410": (35, 19, "4x2"), "1x4": (13, 35, "1x4"), "3x1": (26, 9, "3x1"),
        "3x3": (25, 25, "3x3"), "mixed": (29, 23, "2x2,1x2,2x1"), "2x4": (19, 37, "2x4,1x2,1x2"),
        "chroma_larger": (19, 27, "1x1,2x2,1x1"), "all_2x1": (23, 9, "2x1,2x1,2x1"),
    }.items():
        script = "0;1;2;" if name in ("3x3", "2x4") else None  # too many blocks for one MCU
        f[f"sample_{name}"] = cjpeg(w, h, "-sample", sample, scans=script)
    for w, h in ((1, 1), (2, 40), (4, 4), (5, 3), (6, 17), (16, 16), (17, 1), (1, 17)):
        f[f"420_{w}x{h}"] = cjpeg(w, h, "-sample", "2x2", "-quality", "90")
    f["440_1x33"] = cjpeg(1, 33, "-sample", "1x2")
    f["422_4x2"] = cjpeg(4, 2, "-sample", "2x1")
    f["gray"] = cjpeg(27, 18, gray=True)
    f["gray_2x2"] = cjpeg(27, 18, "-sample", "2x2", gray=True)
    f["gray_restart"] = cjpeg(40, 21, "-restart", "3B", gray=True)
    f["quality1"] = cjpeg(40, 33, "-quality", "1")
    f["quality100"] = cjpeg(40, 33, "-quality", "100", "-sample", "1x1", noise=90)
    f["quality95"] = cjpeg(70, 52, "-quality", "95", "-sample", "2x2", noise=90)
    f["larger"] = cjpeg(90, 70, "-quality", "85", "-optimize")
    f["restart"] = cjpeg(50, 40, "-restart", "1B")

    base = cjpeg(22, 15, "-sample", "2x1")
    f["adobe_rgb"], f["adobe_ycc"], f["adobe_odd"] = adobe(base, 0), adobe(base, 1), adobe(base, 7)
    f["rgb"] = cjpeg(22, 15, "-rgb")
    f["ids_rgb"] = renumber(base, b"RGB")
    f["ids_123"], f["ids_other"] = renumber(base, [1, 2, 3]), renumber(base, [9, 0, 255])
    f["adobe_late"] = f["ids_123"][:-2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + base[-2:]
    f["ids_equal"] = renumber(base, [5, 5, 5])
    f["jfif_beats_ids"] = base[:20] + renumber(base, b"RGB")[2:]
    f["cmyk"] = cmyk(21, 14)
    f["cmyk_420"] = cmyk(21, 14, subsampling=2, progressive=True)
    f["ycck"], f["cmyk_plain"] = adobe(f["cmyk"], 2), without(f["cmyk"], 0xEE)

    prog = cjpeg(45, 37, "-progressive", "-sample", "2x2")
    f["prog"], f["prog_gray"] = prog, cjpeg(33, 26, "-progressive", gray=True)
    f["prog_restart"] = cjpeg(40, 30, "-progressive", "-restart", "2B")
    script = "0,1,2: 0-0, 0, 2;0: 1-9, 0, 1;2: 1-63, 0, 0;0: 10-63, 0, 3;0,1,2: 0-0, 2, 1;0: 10-63, 3, 2;" \
             "1: 1-20, 0, 2;1: 21-63, 0, 0;0: 1-9, 1, 0;0: 10-63, 2, 1;1: 1-20, 2, 1;0,1,2: 0-0, 1, 0;" \
             "0: 10-63, 1, 0;1: 1-20, 1, 0;"
    odd = cjpeg(45, 37, "-sample", "2x1", scans=script)
    f["prog_script"] = odd
    f["sequential_scans"] = cjpeg(29, 20, "-sample", "2x2", scans="1;0,2;")
    f["smooth_dc"], f["smooth_dc_bits"] = stop(prog, 1), stop(odd, 1)
    for n in (2, 3, 5, 9):
        f[f"smooth_{n}"] = stop(odd, n)
    f["smooth_inside_dc"] = stop_inside(prog, 0, 0.5)
    f["smooth_inside_ac"] = stop_inside(prog, 1, 0.4)
    f["smooth_inside_refine"] = stop_inside(odd, 5, 0.5)
    f["smooth_two_wide"] = stop(cjpeg(16, 60, "-progressive", gray=True), 1)
    f["smooth_one_wide"] = stop(cjpeg(7, 60, "-progressive", gray=True), 1)
    f["smooth_flat"] = stop(cjpeg(60, 7, "-progressive", gray=True), 1)
    f["smooth_tall_units"] = stop(cjpeg(30, 100, "-progressive", "-sample", "1x2", gray=True), 1)
    f["scan_missing"] = without(f["sequential_scans"], 0xD9)[:scans_of(f["sequential_scans"])[1][1]] + b"\xFF\xD9"

    f["steps_16_bits"], f["steps_overflow"] = wide_steps(base, 1), wide_steps(cjpeg(24, 16), 200)
    f["no_huffman_tables"] = without(cjpeg(30, 22), 0xC4)
    f["tables_first"] = only(base, lambda m: m in (0xDB, 0xC4)) + b"\xFF\xD9" + without(base, 0xDB, 0xC4)
    f["fill_bytes"] = base[:2] + b"".join(b"\xFF\xFF\xFF" + base[s:e] for _, s, e in segments(base))
    f["comments"] = base[:2] + segment(0xFE, b"text") + segment(0xE5, bytes(300)) + b"\xFF\xFE\0\0" + base[2:]
    f["stray_bytes"] = base[:20] + b"".join(b"stray\xFF\0" + base[s:e] for m, s, e in segments(base)[1:])
    f["trailing"] = base + b"what follows is not read \xFF\xDA\0\1"
    f["dnl_repeated"] = base[:-2] + segment(0xDC, struct.pack(">H", 15)) + base[-2:]
    end = len(base) - 20
    f["stops_early"], f["second_scan"] = base[:end] + b"\xFF\xD9", base[:-2] + base[scans_of(base)[0][1]:]

    rst = f["restart"]
    at = restart_markers(rst)
    f["restart_lost"] = rst[:at[3]] + rst[at[3] + 2:]
    f["restart_early"] = rst[:at[3]] + rst[at[5]:at[5] + 2] + rst[at[3] + 2:]
    f["restart_late"] = rst[:at[5]] + rst[at[3]:at[3] + 2] + rst[at[5] + 2:]
    f["restart_far"] = rst[:at[4] + 1] + b"\xD0" + rst[at[4] + 2:]
    f["restart_cut"] = rst[:at[2] - 4] + rst[at[2]:]
    bad = bytearray(f["quality95"])
    for k in range(5):
        i = len(bad) // 2 + 37 * k
        if bad[i] != 0xFF and bad[i - 1] != 0xFF:
            bad[i] ^= 0x55
    f["flipped"] = bytes(bad)

    f["end_missing"], f["end_missing_taken"] = no_end(False), no_end(True)
    f["prog_end_missing"] = prog[:-2]
    f["cut"] = base[:end]
    f["cut_header"] = base[:100]
    f["two_components"] = bytes([0xFF, 0xD8]) + segment(0xC0, b"\x08\0\x08\0\x08\x02\x01\x11\0\x02\x11\0") + base[-60:]


def describe(path):
    try:
        im = Image.open(path)
        im.load()
    except (OSError, SyntaxError) as e:
        return {"error": type(e).__name__}
    return {"mode": im.mode, "width": im.width, "height": im.height,
            "pixels": hashlib.sha256(im.tobytes()).hexdigest(),
            "rgb": hashlib.sha256(im.convert("RGB").tobytes()).hexdigest()}


def main():
    import PIL
    assert PIL.__version__ == "9.4.0", PIL.__version__
    assert features.version("jpg") in ("6.2", "2.1.5"), features.version("jpg")
    make()
    expected = {}
    for name, data in sorted(FILES.items()):
        path = os.path.join(HERE, name + ".jpg")
        with open(path, "wb") as f:
            f.write(data)
        expected[name + ".jpg"] = describe(path)
    with open(os.path.join(HERE, "expected.json"), "w") as f:
        json.dump(expected, f, indent=1)
        f.write("\n")


main()
