"""Makes pillow.zip: small picture files of every supported kind and what Pillow 9.4 reads from them, and resized
pictures' digests. Needs Pillow 9.4.0 and numpy; run it in this folder. The same seed gives the same files.

pillow.zip holds
  cases.bin        the files one after the other
  decode.json      [{name, bytes, format, mode, width, height, sha256}] of Image.open(NAME).convert("RGB"); names with
                   ".turned." were passed through ImageOps.exif_transpose first; or [{name, error}] for damaged files,
                   where error is the class that Go's side must report and "pillow" says what Pillow did
  resize.json      [{seed, from, to, filter, sha256}]: picture noise(seed, w, h) resized
"""
import hashlib
import io
import json
import struct
import zipfile
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

assert PIL.__version__ == "9.4.0", PIL.__version__
rng = np.random.default_rng(20240512)
files, errors = {}, {}


def pick(*options):
    return options[int(rng.integers(len(options)))]


def between(lo, hi):
    return int(rng.integers(lo, hi + 1))


def put(name, data, error=None):
    assert name not in files, name
    files[name] = data
    if error:
        errors[name] = error


def noise(seed, w, h):
    """The picture that the Go test makes too: a hash of the byte's index."""
    v = (np.arange(w * h * 3, dtype=np.uint64) * 2654435761 + seed * 40503) & 0xFFFFFFFF
    v ^= v >> 15
    v = v * 2246822519 & 0xFFFFFFFF
    v ^= v >> 13
    return (v >> 24 & 255).astype(np.uint8).reshape(h, w, 3)


def digest(im):
    """The first 16 hexadecimal digits of the SHA-256 of the pixels: plenty against accidents."""
    return hashlib.sha256(im.tobytes()).hexdigest()[:16]


def smooth(w, h):
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([127 + 127 * np.sin(x / 7 + y / 11), 127 + 127 * np.cos(x / 5 - y / 13), (x * 3 + y * 5) % 256], -1)
    return np.clip(a + rng.normal(0, pick(0, 5, 40), a.shape), 0, 255).astype(np.uint8)


def random_bytes(n):
    return rng.integers(0, 256, n, dtype=np.uint8).tobytes()


def palette_bytes(n):
    """Colours that differ but compress."""
    return bytes(k * 89 % 251 for k in range(n))


def samples(w, h, spp, levels):
    v = rng.integers(0, levels, (h, w, spp), dtype=np.int64)
    return (np.cumsum(v, axis=1) // 9) % levels if rng.random() < 0.5 else v


def pack(v, bits, order=">"):
    """Rows of samples as bytes, high bits first."""
    if bits == 16:
        return [r.reshape(-1).astype(order + "u2").tobytes() for r in v]
    if bits == 8:
        return [r.reshape(-1).astype(np.uint8).tobytes() for r in v]
    return [np.packbits(np.unpackbits(r.reshape(-1, 1).astype(np.uint8), axis=1)[:, 8 - bits:].reshape(-1)).tobytes() for r in v]


# PNG ------------------------------------------------------------------------------------------------------------------
SIGNATURE = b"\x89PNG\r\n\x1a\n"
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_filter(rows, bpp):
    out, up = b"", np.zeros(len(rows[0]), int)
    for r in rows:
        f, a = between(0, 4), np.frombuffer(r, np.uint8).astype(int)
        left = np.concatenate([np.zeros(bpp, int), a])[:len(a)]
        corner = np.concatenate([np.zeros(bpp, int), up])[:len(a)]
        q = left + up - corner
        pa, pb, pc = abs(q - left), abs(q - up), abs(q - corner)
        paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, up, corner))
        o = a - [0, left, up, (left + up) // 2, paeth][f]
        out += bytes([f]) + (o & 255).astype(np.uint8).tobytes()
        up = a
    return out


def png(w, h, depth, colour, interlaced=0, before=b"", palette=None, levels=None, tail=b"", cut=3, after=b""):
    spp = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    v, bpp = samples(w, h, spp, levels or 1 << depth), max(1, spp * depth // 8)
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = v[y0::dy, x0::dx]
        if part.shape[0] and part.shape[1]:
            raw += png_filter(pack(part, depth), bpp)
    z = zlib.compress(raw + tail)
    b = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlaced)) + before
    if colour == 3:
        b += chunk(b"PLTE", palette_bytes(3 << depth) if palette is None else palette)
        if rng.random() < 0.5:
            b += chunk(b"tRNS", palette_bytes(1 << depth))
    if colour == 0 and rng.random() < 0.3:
        b += chunk(b"tRNS", b"\0\1")
    cuts = [0] + sorted(between(0, len(z)) for _ in range(cut - 1)) + [len(z)]
    for i, j in zip(cuts, cuts[1:]):
        b += chunk(b"IDAT", z[i:j])
    return b + after + chunk(b"IEND", b"")


def make_png():
    for colour, depths in {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}.items():
        for depth in depths:
            for i, (w, h) in enumerate([(1, 1), (17, 13), (5, 3), (19, 11)]):
                put(f"c{colour}d{depth}_{i}.png", png(w, h, depth, colour, i % 2))
    put("profile.png", png(5, 4, 8, 2, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(b"junk" * 99)) + chunk(b"gAMA", b"\0\0\xb1\x8f")))
    put("moredata.png", png(5, 4, 8, 2, tail=b"more than the picture needs"))
    put("shortpalette.png", png(8, 8, 8, 3, palette=bytes(range(30)), levels=10))
    put("trailing.png", png(9, 9, 8, 2) + b"trailing")
    frame = struct.pack(">IIIIIHHBB", 0, 12, 10, 0, 0, 1, 10, 1, 1)
    put("animated.png", png(12, 10, 8, 6, before=chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", frame)))
    put("animateddefault.png", png(12, 10, 8, 6, before=chunk(b"acTL", struct.pack(">II", 1, 0)),
                                   after=chunk(b"fcTL", frame) + chunk(b"fdAT", struct.pack(">I", 1) + zlib.compress(bytes(41 * 12)))))
    good = png(9, 9, 8, 2, cut=1)
    put("noend.png", good[:-12], "truncated")
    put("cut.png", good[:len(good) // 2], "truncated")
    put("crc.png", good[:60] + bytes([good[60] ^ 1]) + good[61:], "format")
    put("indexout.png", png(8, 8, 8, 3, palette=bytes(range(30)), levels=200), "format")
    put("nopalette.png", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 3, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""), "format")
    put("split.png", good[:33] + chunk(b"IDAT", b"") + chunk(b"tEXt", b"a\0b") + good[33:], "format")
    put("adler.png", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0ab\0cd")[:-1] + b"\x99") + chunk(b"IEND", b""), "format")
    put("fewrows.png", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 3, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0ab\0cd")) + chunk(b"IEND", b""), "truncated")
    put("filter.png", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\5ab\0cd")) + chunk(b"IEND", b""), "format")
    put("twoheaders.png", good[:33] + good[8:], "format")
    put("nodata.png", good[:33] + chunk(b"IEND", b""), "format")
    put("critical.png", good[:33] + chunk(b"ABCD", b"") + good[33:], "unsupported")
    put("chunkname.png", good[:33] + chunk(b"te t", b"") + good[33:], "format")
    put("palettesize.png", png(8, 8, 8, 3, palette=bytes(31)), "format")
    put("interlace.png", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 2)) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b""), "format")
    put("deflate.png", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) + chunk(b"IDAT", b"x\x9cnonsense") + chunk(b"IEND", b""), "format")
    put("depth.png", SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 4, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0ab\0cd")) + chunk(b"IEND", b""), "format")


# BMP ------------------------------------------------------------------------------------------------------------------
def bmp(w, h, bits, compression=0, palette=b"", colours=0, data=None, header=40, masks=b"", offset=None):
    stride = (w * bits + 31) // 32 * 4
    data = random_bytes(stride * abs(h)) if data is None else data
    if header == 12:
        head = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", header, w, h, 1, bits, compression, len(data), 2835, 2835, colours, 0)
    if header > 40:
        head, masks = (head + masks).ljust(header, b"\0"), b""
    at = 14 + len(head) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at if offset is None else offset) + head + masks + palette + data


def run_lengths(w, h, nibbles, kind):
    out = b""
    for _ in range(h):
        x = 0
        while x < w:
            n = between(1, min(200, w - x))
            if kind == 1 and rng.random() < 0.2:
                n += 5  # runs past the row are cut
            if rng.random() < 0.6 or n < 4:
                out += bytes([n]) + random_bytes(1)
            else:
                n -= n % 2 if nibbles else 0
                k = n // 2 if nibbles else n
                out += bytes([0, n]) + random_bytes(k) + bytes(k % 2)
            x += n
        out += b"\0\0"
    return out + b"\0\1"


def make_bmp():
    for bits in (1, 4, 8, 16, 24, 32):
        for i, (w, h) in enumerate([(7, 5), (21, -9), (1, 1)]):
            put(f"b{bits}_{i}.bmp", bmp(w, h, bits, palette=palette_bytes(4 << bits) if bits <= 8 else b""))
    for bits in (1, 4, 8, 24):
        put(f"os2_{bits}.bmp", bmp(13, 9, bits, palette=palette_bytes(3 << bits) if bits <= 8 else b"", header=12))
    for name, bits, masks in [
        ("565", 16, (0xF800, 0x7E0, 0x1F, 0)), ("555", 16, (0x7C00, 0x3E0, 0x1F, 0)), ("bgrx", 32, (0xFF0000, 0xFF00, 0xFF, 0)),
        ("xbgr", 32, (0xFF000000, 0xFF0000, 0xFF00, 0)), ("abgr", 32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
        ("rgba", 32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)), ("bgra", 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), ("zero", 32, (0, 0, 0, 0)),
    ]:
        put(f"mask_{name}.bmp", bmp(13, 9, bits, 3, header=108, masks=struct.pack("<4I", *masks)))
        if masks[3] == 0:
            put(f"mask40_{name}.bmp", bmp(13, 9, bits, 3, masks=struct.pack("<3I", *masks[:3])))
    put("mask_odd.bmp", bmp(13, 9, 32, 3, masks=struct.pack("<3I", 0x3FF, 0xFFC00, 0x3FF00000)), "unsupported")
    ramp = b"".join(bytes([k, k, k, 0]) for k in range(256))
    put("blackwhite.bmp", bmp(13, 9, 1, palette=b"\0\0\0\0\xff\xff\xff\0"))
    put("blackwhite8.bmp", bmp(13, 9, 8, palette=b"\0\0\0\0\xff\xff\xff\0", colours=2))
    put("gray.bmp", bmp(13, 9, 8, palette=ramp))
    put("fewcolours.bmp", bmp(13, 9, 8, palette=palette_bytes(80), colours=20))
    put("manycolours.bmp", bmp(13, 9, 8, palette=palette_bytes(1200), colours=300), "format")
    put("offset.bmp", bmp(13, 9, 8, palette=palette_bytes(1024), offset=54))
    put("nooffset.bmp", bmp(13, 9, 24, offset=0))
    put("nopadding.bmp", bmp(13, 9, 24)[:-1])
    put("cut.bmp", bmp(13, 9, 24)[:-2], "truncated")
    put("jpeg.bmp", bmp(13, 9, 24, 4), "unsupported")
    put("bits2.bmp", bmp(13, 9, 2, palette=palette_bytes(16)), "unsupported")
    put("negative.bmp", bmp(-13, 9, 24, data=b""), "format")
    for i in range(8):
        bits = 4 if i % 2 else 8
        put(f"rle{bits}_{i}.bmp", bmp(between(8, 40), between(2, 12), bits, 2 if i % 2 else 1, palette=ramp[:4 << bits] if i == 4 else palette_bytes(4 << bits),
                                      data=run_lengths(40, 12, i % 2, i // 2 % 2)))
    put("rle24.bmp", bmp(20, 9, 24, 1), "format")
    put("rlebit.bmp", bmp(13, 9, 1, 1, palette=b"\0\0\0\0\xff\xff\xff\0"), "unsupported")
    put("rlemove.bmp", bmp(13, 3, 8, 1, palette=palette_bytes(1024), data=b"\5\7\0\2\0\0\3\1\x0d\4\x0d\3\0\1"), "truncated")
    put("masks.bmp", bmp(13, 9, 32, 3)[:60], "truncated")
    put("header.bmp", bmp(13, 9, 24)[:40], "truncated")
    put("headersize.bmp", bmp(13, 9, 24, header=56), "unsupported")
    put("offset0.bmp", bmp(13, 9, 24, offset=1 << 30), "truncated")
    put("rleend.bmp", bmp(20, 9, 8, 1, palette=palette_bytes(1024), data=b"\x05\x07\0\1"), "truncated")


# GIF ------------------------------------------------------------------------------------------------------------------
def lzw(data, bits, clears=True):
    clear = 1 << bits
    codes, table, width = [(clear, bits + 1)], {}, bits + 1

    def fresh():
        return {bytes([i]): i for i in range(clear)}

    table, free, w = fresh(), clear + 2, b""
    for k in data:
        k = bytes([k])
        if w + k in table:
            w += k
            continue
        codes.append((table[w], width))
        if free < 4096:
            table[w + k] = free
            if free == 1 << width and width < 12:
                width += 1
            free += 1
        elif clears:
            codes.append((clear, width))
            table, free, width = fresh(), clear + 2, bits + 1
        w = k
    codes.append((table[w], width))
    if free == 1 << width and width < 12:
        width += 1
    codes.append((clear + 1, width))
    acc = n = 0
    for c, wd in codes:
        acc |= c << n
        n += wd
    b = acc.to_bytes((n + 7) // 8, "little")
    return b"".join(bytes([len(b[i:i + 255])]) + b[i:i + 255] for i in range(0, len(b), 255)) + b"\0"


def frame(x, y, w, h, bits, interlaced=0, local=None, transparent=None, disposal=0, data=None, clears=True):
    b = b"!\xf9\x04" + bytes([disposal << 2 | (transparent is not None)]) + b"\5\0" + bytes([transparent or 0]) + b"\0"
    b += b"," + struct.pack("<HHHH", x, y, w, h) + bytes([interlaced << 6 | (0x80 | bits - 1 if local else 0)]) + (local or b"")
    data = samples(w, h, 1, 1 << bits).astype(np.uint8).tobytes() if data is None else data
    return b + bytes([max(2, bits)]) + lzw(data, max(2, bits), clears)


def gif(w, h, bits, *parts, palette=None, background=0):
    b = b"GIF89a" + struct.pack("<HH", w, h) + bytes([0x80 | bits - 1 if bits else 0, background, 0])
    return b + ((palette_bytes(3 << bits) if palette is None else palette) if bits else b"") + b"".join(parts) + b";"


def make_gif():
    ramp = bytes(k // 3 for k in range(768))
    for i, bits in enumerate([1, 2, 3, 5, 8, 8, 8, 4]):
        w, h = between(1, 40), between(1, 40)
        x, y = (0, 0) if i % 3 else (between(0, 9), between(0, 9))
        transparent = between(0, (1 << bits) - 1) if i % 2 else None
        local = palette_bytes(3 << bits) if i % 4 == 3 else None
        parts = [b"!\xfe\5hello\3abc\0", frame(x, y, w, h, bits, i % 2, local, transparent, i % 4)]
        if i % 4 == 0:
            parts.append(frame(0, 0, w, h, bits, 0, None, 1, 1))
        put(f"g{i}.gif", gif(w + x + i % 3, h + y + i % 2 * 7, bits, *parts, background=1))
    put("full.gif", gif(90, 50, 8, frame(0, 0, 90, 50, 8, data=random_bytes(4500), clears=False)))
    put("nopalette.gif", gif(25, 15, 0, frame(2, 2, 20, 10, 8)))
    put("nopalettetransparent.gif", gif(25, 15, 0, frame(2, 2, 20, 10, 8, transparent=77)))
    put("ramp.gif", gif(20, 10, 8, frame(0, 0, 20, 10, 8), palette=ramp))
    put("ramplocal.gif", gif(30, 20, 8, frame(2, 2, 20, 10, 8, local=ramp, transparent=3)))
    put("rampglobal.gif", gif(20, 10, 8, frame(0, 0, 20, 10, 8, local=palette_bytes(768)), palette=ramp))
    put("indexout.gif", gif(20, 10, 2, frame(0, 0, 20, 10, 5)))
    put("bigger.gif", gif(10, 10, 4, frame(3, 5, 20, 10, 4)))
    put("junk.gif", gif(20, 10, 4, b"\0\0xx", frame(0, 0, 20, 10, 4))[:-1] + b"junk")
    put("more.gif", gif(10, 10, 4, frame(0, 0, 10, 10, 4, data=bytes(300))))
    good = gif(30, 30, 8, frame(0, 0, 30, 30, 8))
    put("cut.gif", good[:len(good) * 3 // 4], "truncated")
    put("early.gif", gif(40, 40, 4, frame(0, 0, 40, 40, 4, data=bytes(300))), "truncated")
    put("noframe.gif", gif(10, 10, 4), "format")
    put("empty.gif", gif(20, 10, 4, frame(0, 0, 0, 10, 4, data=bytes(3))), "format")
    put("control.gif", good.replace(b"!\xf9\x04", b"!\xf9\x02"), "format")
    put("codes.gif", good[:-400] + b"\xff" * 399 + b";", "format")
    put("codesize.gif", good.replace(b"\0\x1e\0\x1e\0\0\x08", b"\0\x1e\0\x1e\0\0\x0d"), "format")


# WebP -----------------------------------------------------------------------------------------------------------------
def save(a, kind, **options):
    f = io.BytesIO()
    (a if isinstance(a, Image.Image) else Image.fromarray(a)).save(f, kind, **options)
    return f.getvalue()


def riff(*chunks):
    b = b"WEBP" + b"".join(n + struct.pack("<I", len(d)) + d + bytes(len(d) & 1) for n, d in chunks)
    return b"RIFF" + struct.pack("<I", len(b)) + b


def u24(v):
    return struct.pack("<I", v)[:3]


def make_webp():
    for i, (w, h) in enumerate([(1, 1), (2, 2), (1, 17), (17, 1), (3, 3), (33, 31), (50, 20), (40, 31)]):
        a = smooth(w, h)
        if i % 3 == 1:
            a = np.concatenate([a, rng.integers(0, 256, (h, w, 1), dtype=np.uint8)], -1)
        put(f"lossy_{i}.webp", save(a, "WEBP", quality=pick(0, 30, 60, 95), method=pick(0, 4, 6), exact=True))
        put(f"lossless_{i}.webp", save(a, "WEBP", lossless=True, method=pick(0, 6), exact=True))
    frames = [Image.fromarray(smooth(24, 18)) for _ in range(3)]
    put("animated.webp", save(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50))
    for name, data in [("vp8", save(smooth(30, 20), "WEBP", quality=50)), ("vp8l", save(smooth(30, 20), "WEBP", lossless=True))]:
        n = struct.unpack("<I", data[16:20])[0]
        stream = (data[12:16], data[20:20 + n])
        anim = (b"ANIM", b"\xff\x80\x40\xff\0\0")

        def extended(flags, w, h):
            return b"VP8X", bytes([flags, 0, 0, 0]) + u24(w - 1) + u24(h - 1)

        def placed(x, y, w, h):
            return b"ANMF", u24(x // 2) + u24(y // 2) + u24(w - 1) + u24(h - 1) + u24(10) + b"\0" + riff(stream)[12:]

        put(f"extended_{name}.webp", riff(extended(0, 30, 20), (b"ABCD", b"xyz"), stream, (b"ZZZZ", b"1")))
        put(f"offset_{name}.webp", riff(extended(18, 50, 40), anim, placed(4, 6, 30, 20), placed(0, 0, 30, 20)))
        put(f"trailing_{name}.webp", data + b"trailing")
        put(f"canvas_{name}.webp", riff(extended(0, 40, 20), stream), "format")
        put(f"outside_{name}.webp", riff(extended(2, 33, 40), anim, placed(4, 6, 30, 20)), "format")
        put(f"twice_{name}.webp", riff(extended(0, 30, 20), stream, stream), "format")
        put(f"framesize_{name}.webp", riff(extended(2, 50, 40), anim, placed(4, 6, 31, 20)), "format")
        put(f"cut_{name}.webp", data[:-9], "truncated")
        put(f"short_{name}.webp", riff((stream[0], stream[1][:n * 2 // 3])), "truncated")
    put("early_vp8.webp", riff((b"VP8X", bytes([2, 0, 0, 0]) + u24(49) + u24(39)), (b"ANMF", bytes(24))), "format")
    put("first.webp", riff((b"ABCD", b"1234"), stream), "format")
    put("late.webp", riff(extended(0, 30, 20), extended(0, 30, 20), stream), "format")
    put("mixed.webp", riff(extended(2, 30, 20), anim, stream), "format")
    put("shortx.webp", riff((b"VP8X", b"123456"), stream), "format")
    put("shortframe.webp", riff(extended(2, 30, 20), anim, (b"ANMF", b"123")), "format")
    put("emptyframe.webp", riff(extended(2, 30, 20), anim, (b"ANMF", bytes(6) + u24(29) + u24(19) + bytes(4))), "format")
    put("magic_vp8.webp", riff((b"VP8 ", bytes(30))), "format")
    put("magic_vp8l.webp", riff((b"VP8L", bytes(30))), "format")
    put("length.webp", b"RIFF" + struct.pack("<I", 4) + b"WEBPVP8 " + bytes(20), "format")
    put("nostream.webp", riff(extended(0, 30, 20)), "format")


# TIFF -----------------------------------------------------------------------------------------------------------------
def tiff(order, fields, blocks):
    kinds = {1: "B", 3: "H", 4: "I", 9: "i"}
    offsets = list(np.cumsum([8] + [len(b) for b in blocks])[:-1])
    body = b"".join(blocks)
    body += bytes(len(body) & 1)
    directory, extra = 8 + len(body), b""
    entries = b""
    for tag in sorted(fields):
        kind, values = fields[tag]
        values = offsets if values == "offsets" else values
        raw = struct.pack(order + kinds[kind] * len(values), *[int(v) for v in values])
        if len(raw) > 4:
            where = directory + 6 + 12 * len(fields) + len(extra)
            extra += raw + bytes(len(raw) & 1)
            raw = struct.pack(order + "I", where)
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + raw.ljust(4, b"\0")
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", directory) + body + struct.pack(order + "H", len(fields)) + entries + bytes(4) + extra


def tiff_lzw(data):
    codes, width, free, w = [(256, 9)], 9, 258, b""
    table = {bytes([i]): i for i in range(256)}
    for k in data:
        k = bytes([k])
        if w + k in table:
            w += k
            continue
        codes.append((table[w], width))
        table[w + k] = free
        free += 1
        width += free in (512, 1024, 2048)
        assert free < 4094, "the fixtures are too small for a clear code"
        w = k
    codes.append((table[w], width))
    free += 1
    width += free in (512, 1024, 2048)
    codes.append((257, width))
    bits = "".join(f"{c:0{n}b}" for c, n in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def pack_bits(row):
    out, i = b"", 0
    while i < len(row):
        n = 1
        while i + n < len(row) and n < 128 and row[i + n] == row[i]:
            n += 1
        if n > 1:
            out += bytes([257 - n, row[i]])
        else:
            while i + n < len(row) and n < 128 and row[i + n] != row[i + n - 1]:
                n += 1
            out += bytes([n - 1]) + row[i:i + n]
        i += n
    return out


def tiff_picture(order, photometric, bits, spp, extra, compression, tile=None, planar=False, reverse=False, turn=0):
    w, h = 13, 9
    v = samples(w, h, spp, 1 << bits)
    predictor = compression in (5, 8) and bits >= 8 and rng.random() < 0.5

    def block(part):
        if predictor:
            part = np.concatenate([part[:, :1], np.diff(part, axis=1) % (1 << bits)], axis=1)
        rows = pack(part, bits, order)
        raw = {1: b"".join, 5: lambda r: tiff_lzw(b"".join(r)), 8: lambda r: zlib.compress(b"".join(r)), 32773: lambda r: b"".join(map(pack_bits, r))}[compression](rows)
        return bytes(int(f"{b:08b}"[::-1], 2) for b in raw) if reverse else raw

    fields = {256: (4, [w]), 257: (4, [h]), 258: (3, [bits] * spp), 259: (3, [compression]), 262: (3, [photometric]), 277: (3, [spp])}
    for tag, on, value in [(266, reverse, [2]), (274, turn, [turn]), (284, planar, [2]), (317, predictor, [2]), (338, extra, extra), (320, photometric == 3, [k * 40503 % 65536 for k in range(3 << bits)])]:
        if on:
            fields[tag] = (3, value)
    blocks = []
    for p in np.split(v, spp, axis=2) if planar else [v]:
        if tile:
            full = np.zeros((-(-h // tile) * tile, -(-w // tile) * tile, p.shape[2]), p.dtype)
            full[:h, :w] = p
            blocks += [block(full[y:y + tile, x:x + tile]) for y in range(0, h, tile) for x in range(0, w, tile)]
        else:
            blocks += [block(p[y:y + 4]) for y in range(0, h, 4)]
    if tile:
        fields |= {322: (4, [tile]), 323: (4, [tile]), 324: (4, "offsets"), 325: (4, [len(b) for b in blocks])}
    else:
        fields |= {273: (4, "offsets"), 278: (4, [4]), 279: (4, [len(b) for b in blocks])}
    return tiff(order, fields, blocks)


def make_tiff():
    kinds = [(0, 1, 1, []), (1, 1, 1, []), (0, 2, 1, []), (1, 4, 1, []), (0, 8, 1, []), (1, 8, 1, []), (1, 16, 1, []), (1, 8, 2, [2]), (3, 1, 1, []), (3, 4, 1, []),
             (3, 8, 1, []), (3, 8, 2, [2]), (2, 8, 3, []), (2, 16, 3, []), (2, 8, 4, []), (2, 8, 4, [0]), (2, 8, 4, [1]), (2, 8, 4, [2]), (2, 16, 4, [1]), (2, 16, 4, [2]), (5, 8, 4, [])]
    for i, kind in enumerate(kinds):
        for j, compression in [(0, 1), (1, 5), (2, 8), (3, 32773)][i % 2::2]:
            put(f"t{i}_{compression}.tif", tiff_picture("<>"[(i + j) % 2], *kind, compression, tile=16 if (i + j // 2) % 3 == 0 else None))
    put("whitezero16.tif", tiff_picture("<", 0, 16, 1, [], 1))
    for compression in (1, 8):
        put(f"planes_{compression}.tif", tiff_picture("<", 2, 8, 3, [], compression, planar=True))
        put(f"planes4_{compression}.tif", tiff_picture(">", 2, 8, 4, [2], compression, planar=True, tile=16))
        put(f"reversed_{compression}.tif", tiff_picture("<", 1, 1, 1, [], compression, reverse=True))
    for turn in range(1, 9):
        put(f"turn_{turn}.tif", tiff_picture("<", 2, 8, 3, [], 8, turn=turn))
    good = tiff_picture("<", 2, 8, 3, [], 1)
    put("cut.tif", good[:len(good) // 2], "truncated")
    for name, tag, field, error in [
        ("planes", 284, (3, [3]), "format"), ("order", 266, (3, [3]), "format"), ("offsets", 278, (4, [1]), "format"), ("kind", 262, (9, [2]), "format"),
        ("novalue", 259, (3, []), "format"), ("bits", 258, (3, [8, 8, 4]), "unsupported"), ("extra", 338, (3, [7]), "unsupported"), ("predictor", 317, (3, [3]), "unsupported"),
        ("tilesize", 322, (4, [0]), "format"), ("lab", 262, (3, [8]), "unsupported"), ("planes16", 258, (3, [16, 16, 16]), "truncated"),
    ]:
        fields = {256: (4, [5]), 257: (4, [2]), 258: (3, [8] * 3), 259: (3, [8]), 262: (3, [2]), 277: (3, [3]), 273: (4, "offsets"), 279: (4, [len(zlib.compress(bytes(30)))])}
        if name == "extra":
            fields |= {258: (3, [8] * 4), 277: (3, [4])}
        if name == "tilesize":
            del fields[273], fields[279]
            fields |= {323: (4, [16]), 324: (4, "offsets"), 325: (4, [9])}
        put(f"field_{name}.tif", tiff("<", fields | {tag: field}, [zlib.compress(bytes(30))]), error)
    deflated = {256: (4, [5]), 257: (4, [2]), 258: (3, [8] * 3), 259: (3, [8]), 262: (3, [2]), 277: (3, [3]), 273: (4, "offsets"), 279: (4, [100])}
    put("checksum.tif", tiff("<", deflated, [(zlib.compress(bytes(30))[:-1] + b"\x99").ljust(100)]), "format")
    put("morerows.tif", tiff("<", deflated | {278: (4, [2])}, [zlib.compress(bytes(60)).ljust(100)]), "format")
    put("nozlib.tif", tiff("<", deflated, [bytes(100)]), "format")
    put("colours.tif", tiff("<", {256: (4, [5]), 257: (4, [2]), 258: (3, [8]), 262: (3, [3]), 320: (3, [1, 2, 3]), 273: (4, "offsets"), 279: (4, [10])}, [bytes(10)]), "format")
    put("outside.tif", tiff("<", deflated | {279: (4, [1 << 30])}, [zlib.compress(bytes(30))]), "truncated")
    put("directory.tif", b"II*\0\xff\0\0\0", "truncated")
    put("entries.tif", b"II*\0\x08\0\0\0\xff\0", "truncated")
    put("jpeg.tif", tiff("<", deflated | {259: (3, [7])}, [bytes(100)]), "unsupported")
    put("oldlzw.tif", tiff("<", deflated | {259: (3, [34925])}, [bytes(100)]), "unsupported")
    put("float.tif", tiff("<", {256: (4, [1]), 257: (4, [1]), 258: (3, [32]), 262: (3, [1]), 339: (3, [3]), 273: (4, "offsets"), 279: (4, [4])}, [b"\0\0\0\0"]), "unsupported")
    put("fax.tif", tiff("<", {256: (4, [1]), 257: (4, [1]), 259: (3, [4]), 262: (3, [1]), 273: (4, "offsets"), 279: (4, [4])}, [b"\0\0\0\0"]), "unsupported")


# JPEG is tested in its own package; these are for the way there -----------------------------------------------------------
def make_jpeg():
    put("rgb.jpg", save(smooth(33, 21), "JPEG", quality=60))
    put("gray.jpg", save(Image.fromarray(smooth(33, 21)).convert("L"), "JPEG"))
    put("cmyk.jpg", save(Image.fromarray(smooth(33, 21)).convert("CMYK"), "JPEG"))
    put("cut.jpg", save(smooth(33, 21), "JPEG")[:-60], "truncated")


def make_turned():
    for turn in range(0, 10):
        exif = Image.Exif()
        exif[0x112] = turn
        put(f"{turn}.turned.png", save(smooth(7, 5), "PNG", exif=exif))
        put(f"{turn}.turned.webp", save(smooth(7, 5), "WEBP", exif=exif, lossless=True))
        put(f"{turn}.turned.jpg", save(smooth(7, 5), "JPEG", exif=exif, quality=95))


def decode_cases():
    out = []
    for name, data in files.items():
        try:
            im = Image.open(io.BytesIO(data))
            fmt, mode = im.format, im.mode
            if ".turned." in name:
                im = ImageOps.exif_transpose(im)
            rgb = im.convert("RGB")
            case = {"name": name, "format": fmt, "mode": mode, "width": rgb.width, "height": rgb.height, "sha256": digest(rgb)}
            if name in errors:
                case = {"name": name, "error": errors[name], "pillow": "opens it"}
        except Exception as e:
            assert name in errors, (name, e)
            case = {"name": name, "error": errors[name], "pillow": type(e).__name__}
        out.append(case | {"bytes": len(data)})
    return out


def resize_cases():
    filters = {"bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS, "bilinear": Image.BILINEAR}
    sizes = [[between(1, s) for _ in range(4)] for s in (6, 40, 150, 300) for _ in range(60)]
    sizes += [[w, h, a, b] for w, h in [(1, 1), (1, 3000), (3000, 1), (2, 900), (4, 4)] for a, b in [(1, 1), (56, 56), (1, 300), (300, 1), (7, 5)]]
    sizes += [[900, 700, 224, 174], [60, 40, 504, 336], [336, 336, 336, 336], [400, 300, 400, 3], [400, 300, 3, 300]]
    out = []
    for seed, (w, h, a, b) in enumerate(sizes):
        for name in filters if w * h < 400 else [list(filters)[seed % 3]]:
            r = Image.fromarray(noise(seed, w, h)).resize((a, b), filters[name])
            out.append({"seed": seed, "from": [w, h], "to": [a, b], "filter": name, "sha256": digest(r)})
    return out


for make in (make_png, make_bmp, make_gif, make_webp, make_tiff, make_jpeg, make_turned):
    make()
with zipfile.ZipFile("pillow.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
    def add(name, data):
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        z.writestr(info, data)

    decode, resize = decode_cases(), resize_cases()
    add("decode.json", "[\n" + ",\n".join(map(json.dumps, decode)) + "\n]\n")
    add("resize.json", "[\n" + ",\n".join(map(json.dumps, resize)) + "\n]\n")
    add("cases.bin", b"".join(files.values()))
print(len(decode), "files,", sum("error" in c for c in decode), "of them damaged,", len(resize), "resizes")
