#!/usr/bin/env python3
"""Writes the texts that the built-in language models learn from, out of a Debian package.

usage: make_texts.py WORDNET_DIRECTORY OUT.tsv

WORDNET_DIRECTORY  from wordnet-base: usr/share/wordnet

A text is a synset's gloss, its examples too; every other one, by the SHA-256 of its gloss, has the
synset's words in front: "dog, domestic dog: a member of the genus Canis ...". Split "test" are the
definitions that the classification task `definitions` is tested on, as they stand there, without words and
examples; no text of the other splits has one of them. One in 64 is for validation.
"""
import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "datasets" / "embedded"))
import make_definitions  # noqa: E402


def read_synsets(directory, part):
    """(words, gloss) of each synset."""
    with open(pathlib.Path(directory) / f"data.{part}", encoding="ascii", errors="replace") as file:
        for line in file:
            if not line.startswith(" "):
                head, gloss = line.split(" | ", 1)
                fields = head.split()
                words = fields[4:4 + 2 * int(fields[3], 16):2]
                yield [w.split("(")[0].replace("_", " ") for w in words], gloss.strip()


def texts(directory, held_out):
    """(text, split), in the order of the hashes."""
    rows = {}
    for part in "noun", "verb", "adj", "adv":
        for words, gloss in read_synsets(directory, part):
            digest = hashlib.sha256(gloss.encode()).digest()
            if make_definitions.definition(gloss) in held_out or not gloss.isprintable():
                continue
            text = f"{', '.join(words)}: {gloss}" if digest[0] % 2 else gloss
            rows[digest] = text, "val" if digest[1] % 64 == 0 else "train"
    return [rows[digest] for digest in sorted(rows)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    tests = [text for _, text, split in make_definitions.choose(sys.argv[1]) if split == "test"]
    rows = texts(sys.argv[1], set(tests)) + [(text, "test") for text in tests]
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write("text\tsplit\n")
        file.writelines(f"{text}\t{split}\n" for text, split in rows)


if __name__ == "__main__":
    main()
