#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/image: small pictures of every kind that thaw reads, each behind one byte
that the fuzz target takes (1: grey, 2: the name is a TGA's). Needs PIL (Debian: python3-pil)."""
import io
import pathlib

from PIL import Image

out = pathlib.Path(__file__).parent / "corpus" / "image"
out.mkdir(parents=True, exist_ok=True)


def picture(mode, w=9, h=7):
    bands = Image.new(mode, (1, 1)).getbands()
    image = [Image.frombytes("L", (w, h), bytes((x * 29 + y * 17 + b * 71) % 256 for y in range(h)
                                                for x in range(w))) for b in range(len(bands))]
    if mode == "P":
        return Image.merge("RGB", 3 * image).quantize(16)
    if mode == "1":
        return image[0].convert("1")
    if mode == "I;16":
        return Image.frombytes("I;16", (w, h), bytes((i * 37) % 256 for i in range(2 * w * h)))
    return Image.merge(mode, image) if len(image) > 1 else image[0]


def save(name, image, first=b"\0", **options):
    data = io.BytesIO()
    image.save(data, **options)
    (out / name).write_bytes(first + data.getvalue())


for mode in ("L", "RGB", "CMYK"):
    save(f"jpeg-{mode}", picture(mode, 17, 17), format="JPEG", quality=50)
save("jpeg-progressive", picture("RGB", 17, 17), format="JPEG", quality=50, progressive=True)
save("jpeg-444", picture("RGB", 9, 9), format="JPEG", subsampling=0, restart_marker_blocks=1)
for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
    save(f"png-{mode.replace(';', '')}", picture(mode), b"\1", format="PNG")
save("png-transparent", picture("P"), format="PNG", transparency=3)
for mode in ("1", "L", "P", "RGB", "RGBA"):
    save(f"bmp-{mode}", picture(mode), format="BMP")
save("gif", picture("P"), format="GIF")
save("gif-two", picture("P"), format="GIF", save_all=True, append_images=[picture("P", 9, 7)],
     transparency=2, interlace=1)
for mode in ("L", "LA", "P", "RGB", "RGBA"):
    save(f"tga-{mode}", picture(mode), b"\2", format="TGA")
    save(f"tga-{mode}-rle", picture(mode), b"\2", format="TGA", compression="tga_rle")
for name, body in {
    "pbm-text": b"P1\n# c\n3 2\n101\n0 1 0\n", "pgm-text": b"P2 3 2 15\n1 2 3 4 5 15\n",
    "ppm-text": b"P3 1 2 255 1 2 3 4 5 6", "pbm": b"P4 9 2\n\xff\x80\x55\x00",
    "pgm": b"P5 3 2 255\nabcdef", "pgm-16": b"P5 2 2 65535\nabcdefgh", "ppm": b"P6 1 2 100\nabcdef",
}.items():
    (out / name).write_bytes(b"\0" + body)
