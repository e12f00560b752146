#!/usr/bin/env python3
"""Writes tests/torch/pictures.json: what PIL and torchvision make of small pictures.

Needs torchvision and PIL (Debian: python3-torchvision). Pictures are formulas, so that they need no
files: channel c of pixel (x, y) is (x * 37 + y * 91 + c * 53 + x * y * 7) % 256.
"""
import base64
import io
import json
import math
import pathlib
import random

import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional as F


def picture(w, h, channels=3):
    data = bytes((x * 37 + y * 91 + c * 53 + x * y * 7) % 256
                 for y in range(h) for x in range(w) for c in range(channels))
    return Image.frombytes("RGB" if channels == 3 else "L", (w, h), data)


def resized():
    cases = []
    for w, h, shorter, size, channels in [
            (40, 30, 12, 12, 3), (40, 30, 16, 11, 3), (7, 5, 13, 13, 3), (64, 64, 32, 32, 1),
            (33, 70, 16, 16, 3), (5, 90, 8, 7, 1), (12, 12, 12, 12, 3), (90, 17, 9, 8, 3),
            (16, 12, 12, 9, 3), (31, 29, 20, 19, 1)]:
        image = F.center_crop(F.resize(picture(w, h, channels), shorter), size)
        cases.append({"w": w, "h": h, "shorter": shorter, "size": size, "channels": channels,
                      "out": list(image.tobytes())})
    return cases


def cropped():
    cases = []
    for w, h, box, size in [(40, 30, (3, 5, 20, 31), 12), (9, 8, (1, 2, 6, 5), 16),
                            (50, 20, (0, 0, 20, 50), 10), (30, 40, (17, 9, 1, 3), 4)]:
        top, left, bh, bw = box
        image = F.resized_crop(picture(w, h), top, left, bh, bw, [size, size])
        cases.append({"w": w, "h": h, "box": box, "size": size, "out": list(image.tobytes())})
    return cases


class Draws:
    """Stands in for torch in RandomResizedCrop: uniform draws come from a list."""

    def __init__(self, draws):
        self.draws, self.places = list(draws), []

    def empty(self, _):
        outer = self

        class Value:
            def uniform_(self, low, high):
                low, high = (torch.tensor(v, dtype=torch.float32) for v in (float(low), float(high)))
                u = torch.tensor(outer.draws.pop(0), dtype=torch.float32)
                return low + u * (high - low)

        return Value()

    def randint(self, low, high, size):
        self.places.append((low, high))
        return torch.zeros(size, dtype=torch.int64)

    def __getattr__(self, name):
        return getattr(torch, name)


def boxes():
    """The height and width of each try, and what is taken when none of ten fits."""
    random.seed(4)
    cases = []
    for i in range(120):
        w, h = random.randint(1, 90), random.randint(1, 90)
        least = random.choice([0.08, 0.25, 0.35, 0.9])
        # Multiples of 2^-12 are exact in single precision.
        draws = [random.randrange(4096) / 4096 for _ in range(2)]
        fake = Draws(draws + [0.999755859375, 0.999755859375] * 9)
        module, kept = transforms.transforms, transforms.transforms.torch
        module.torch = fake
        top, left, bh, bw = transforms.RandomResizedCrop.get_params(
            picture(w, h), (least, 1.0), (3 / 4, 4 / 3))
        module.torch = kept
        first = len(fake.draws) == 18
        cases.append({"w": w, "h": h, "least": least, "draws": draws, "fits": first,
                      "box": [bh, bw] if first else None})
    for w, h in [(10, 90), (90, 10), (30, 30), (31, 24), (7, 10), (1, 50), (50, 1), (3, 2)]:
        module, kept = transforms.transforms, transforms.transforms.torch
        module.torch = Draws([0.999755859375, 0.999755859375] * 10)
        # A share of more than 1 never fits.
        box = transforms.RandomResizedCrop.get_params(picture(w, h), (4.0, 5.0), (3 / 4, 4 / 3))
        module.torch = kept
        cases.append({"w": w, "h": h, "centre": list(box)})
    return cases


def jittered():
    image = F.to_tensor(picture(6, 5)).float()
    functions = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
    factors = [(0.5, 0.8125, 1.25, 1.75)] * 3 + [(-0.5, -0.1875, 0.0625, 0.4375)]
    return [{"which": i, "factor": factor,
             "out": [round(v, 7) for v in f(image, factor).permute(1, 2, 0).flatten().tolist()]}
            for i, f in enumerate(functions) for factor in factors[i]]


def encoded(image, colour, **options):
    data = io.BytesIO()
    image.save(data, **options)
    back = Image.open(io.BytesIO(data.getvalue())).convert(colour)
    return data.getvalue(), back.tobytes()


def decoded():
    """Files, and what PIL's convert makes of them. JPEG decoders may differ by a few levels."""
    rgb, grey = picture(9, 7), picture(9, 7, 1)
    alpha = Image.merge("RGBA", (*rgb.split(), grey))
    deep = Image.frombytes("I;16", (3, 2), bytes((i * 37 + 11) % 256 for i in range(12)))
    smooth = Image.frombytes("RGB", (24, 20), bytes(
        min(255, x * 5 + y * 3 + c * 40) for y in range(20) for x in range(24) for c in range(3)))
    plan = [
        ("a.png", rgb, {}), ("grey.png", grey, {}), ("alpha.png", alpha, {}),
        ("la.png", Image.merge("LA", (grey, grey)), {}), ("palette.png", rgb.quantize(8), {}),
        ("transparent.png", rgb.quantize(8), {"transparency": 2}),
        ("bits.png", grey.convert("1"), {}),
        ("a.bmp", rgb, {}), ("grey.bmp", grey, {}), ("palette.bmp", rgb.quantize(8), {}),
        ("a.gif", rgb.quantize(8), {}), ("a.tga", rgb, {}), ("grey.tga", grey, {}),
        ("rle.tga", alpha, {"compression": "tga_rle"}), ("a.ppm", rgb, {}), ("a.pgm", grey, {}),
        ("a.pbm", grey.convert("1"), {}),
        ("a.jpg", smooth, {"quality": 92}),
        ("444.jpg", smooth, {"quality": 92, "subsampling": 0}),
        ("progressive.jpg", smooth, {"quality": 92, "progressive": True}),
        ("grey.jpg", smooth.convert("L"), {"quality": 92}),
        ("cmyk.jpg", smooth.convert("CMYK"), {"quality": 92}),
    ]
    formats = {"jpg": "JPEG", "ppm": "PPM", "pgm": "PPM", "pbm": "PPM"}
    cases = []
    for name, image, options in plan:
        ending = name.split(".")[1]
        for colour in ("RGB", "L"):
            file, out = encoded(image, colour, format=formats.get(ending, ending.upper()), **options)
            cases.append({"name": name, "grey": colour == "L", "w": image.width, "h": image.height,
                          "off": 6 if ending == "jpg" else 0,
                          "file": base64.b16encode(file).decode(), "out": list(out)})
    # PIL cuts grey of 16 bits at 255; the upper byte is what it takes of 16-bit colour.
    data = io.BytesIO()
    deep.save(data, format="PNG")
    upper = [deep.getpixel((x, y)) >> 8 for y in range(2) for x in range(3)]
    cases.append({"name": "deep.png", "grey": True, "w": 3, "h": 2, "off": 0,
                  "file": base64.b16encode(data.getvalue()).decode(), "out": upper})
    return cases


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("pictures.json")
    content = {"resized": resized(), "cropped": cropped(), "boxes": boxes(), "jittered": jittered(),
               "decoded": decoded()}
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(
            f"{json.dumps(k)}: [\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in v) + "\n]"
            for k, v in content.items()) + "\n}\n")
