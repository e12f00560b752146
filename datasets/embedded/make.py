#!/usr/bin/env python3
"""Rebuilds the embedded data sets from the files of two Debian packages, to the same bytes.

usage: make.py FASHION_DIRECTORY DIGITS_CSV_GZ

FASHION_DIRECTORY  from dataset-fashion-mnist: usr/share/datasets/fashion-mnist
DIGITS_CSV_GZ      from python3-sklearn: usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz

fashion-mini: the first 300 images of each class of the training file and the first 200 of each
class of the test file, in file order. digits: the first 1,000 images are for training, the other
797 for testing, in file order; pixels are 0 to 16. The files are written beside this script.
The packed bytes depend on zlib's version; what they unpack to does not.
"""
import gzip
import os
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))


def read_idx(path):
    """(sizes, bytes) of a packed idx file of bytes."""
    with gzip.open(path) as file:
        data = file.read()
    rank = data[3]
    sizes = struct.unpack(">%dI" % rank, data[4 : 4 + 4 * rank])
    return sizes, data[4 + 4 * rank :]


def write_packed(folder, name, raw):
    """Packs without time, name or system in the header, so that nothing but the data decides."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + packer.compress(raw) + packer.flush()
    packed += struct.pack("<II", zlib.crc32(raw), len(raw))
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    with open(os.path.join(HERE, folder, name), "wb") as file:
        file.write(packed)


def write_idx(folder, name, sizes, data):
    raw = struct.pack(">HBB%dI" % len(sizes), 0, 8, len(sizes), *sizes) + bytes(data)
    write_packed(folder, name, raw)


def write_pair(folder, part, images, labels, side):
    write_idx(folder, part + "-images-idx3-ubyte.gz", (len(images), side, side), b"".join(images))
    write_idx(folder, part + "-labels-idx1-ubyte.gz", (len(labels),), labels)


def fashion(directory, part, per_class):
    (count, side, _), pixels = read_idx(os.path.join(directory, part + "-images-idx3-ubyte.gz"))
    _, labels = read_idx(os.path.join(directory, part + "-labels-idx1-ubyte.gz"))
    seen, chosen = [0] * 10, []
    for i in range(count):
        if seen[labels[i]] < per_class:
            seen[labels[i]] += 1
            chosen.append(i)
    size = side * side
    images = [pixels[i * size : (i + 1) * size] for i in chosen]
    write_pair("fashion-mini", part, images, [labels[i] for i in chosen], side)


def digits(path):
    with gzip.open(path, "rt") as file:
        rows = [[int(value) for value in line.split(",")] for line in file]
    for part, some in ("train", rows[:1000]), ("t10k", rows[1000:]):
        write_pair("digits", part, [bytes(r[:64]) for r in some], [r[64] for r in some], 8)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    fashion(sys.argv[1], "train", 300)
    fashion(sys.argv[1], "t10k", 200)
    digits(sys.argv[2])


if __name__ == "__main__":
    main()
