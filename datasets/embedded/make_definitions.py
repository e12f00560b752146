#!/usr/bin/env python3
"""Rebuilds the embedded definitions and their WordPiece vocabulary from a Debian package.

usage: make_definitions.py WORDNET_DIRECTORY

WORDNET_DIRECTORY  from wordnet-base: usr/share/wordnet

definitions.tsv: definitions of nouns (a synset's gloss up to its examples) and the lexicographers'
category that each belongs to, of the 14 noun categories with 2,000 synsets or more; 300 of each for
training and 200 for testing, those with the smallest SHA-256 of their text. A definition that two
synsets share is left out.

vocab.txt: 8,000 pieces in the form of BERT's, for lower-cased text: special tokens, the characters of
ASCII, then the most frequent pair of pieces merged, time and again (of equally frequent ones the first in
alphabetical order), over all glosses of all words, examples too, but for those of the test rows.
"""
import collections
import hashlib
import heapq
import os
import re
import sys

from make import write_packed

CATEGORIES = {
    4: "act", 5: "animal", 6: "artifact", 7: "attribute", 8: "body", 9: "cognition",
    10: "communication", 13: "food", 14: "group", 15: "location", 18: "person", 20: "plant",
    26: "state", 27: "substance",
}
TRAIN, TEST, PIECES = 300, 200, 8000
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def read_synsets(directory, part):
    """(category, gloss) of each synset."""
    with open(os.path.join(directory, "data." + part), encoding="ascii", errors="replace") as file:
        for line in file:
            if not line.startswith(" "):
                head, gloss = line.split(" | ", 1)
                yield int(head.split()[1]), gloss.strip()


def definition(gloss):
    return gloss.split('; "')[0].strip()


def choose(directory):
    """Rows (label, text, split), in the order of the texts' hashes."""
    categories = collections.defaultdict(set)
    seen = collections.Counter()
    for category, gloss in read_synsets(directory, "noun"):
        categories[category].add(definition(gloss))
        seen[definition(gloss)] += 1
    rows = []
    for number, label in CATEGORIES.items():
        texts = [(hashlib.sha256(text.encode()).digest(), text) for text in categories[number]
                 if seen[text] == 1 and text.isprintable() and "\ufffd" not in text]
        for i, (digest, text) in enumerate(sorted(texts)[:TRAIN + TEST]):
            rows.append((digest, label, text, "train" if i < TRAIN else "test"))
    return [row[1:] for row in sorted(rows)]


def count_words(directory, held_out):
    words = collections.Counter()
    for part in "noun", "verb", "adj", "adv":
        for _, gloss in read_synsets(directory, part):
            if definition(gloss) not in held_out:
                words.update(re.findall(r"[a-z]+|[0-9]+|[!-~]", gloss.lower()))
    return words


def joined(left, right):
    return left + right[2:]


class Merger:
    """Words as lists of pieces, and how often each pair of neighbours occurs."""

    def __init__(self, words):
        self.words = [([w[0]] + ["##" + c for c in w[1:]], n) for w, n in sorted(words.items())]
        self.pairs = collections.Counter()
        self.places = collections.defaultdict(set)
        for i in range(len(self.words)):
            self.count(i, 1)
        self.heap = [(-number, pair) for pair, number in self.pairs.items()]
        heapq.heapify(self.heap)  # numbers in it may be those of before

    def count(self, i, sign):
        pieces, number = self.words[i]
        for pair in zip(pieces, pieces[1:]):
            self.pairs[pair] += sign * number
            self.places[pair].add(i)

    def most_frequent(self):
        while True:
            number, pair = heapq.heappop(self.heap)
            if -number == self.pairs[pair]:
                return pair
            heapq.heappush(self.heap, (-self.pairs[pair], pair))

    def merge(self):
        best, new = self.most_frequent(), set()
        for i in self.places.pop(best):
            self.count(i, -1)
            pieces, number = self.words[i]
            merged = []
            for piece in pieces:
                if merged and (merged[-1], piece) == best:
                    merged[-1] = joined(*best)
                else:
                    merged.append(piece)
            self.words[i] = merged, number
            self.count(i, 1)
            new.update(pair for pair in zip(merged, merged[1:]) if joined(*best) in pair)
        for pair in new:
            heapq.heappush(self.heap, (-self.pairs[pair], pair))
        return joined(*best)


def train_vocabulary(words):
    merger = Merger(words)
    characters = [chr(c) for c in range(ord("!"), ord("~") + 1) if not chr(c).isupper()]
    characters += ["##" + c for c in characters if c.isalnum()]
    pieces = dict.fromkeys(SPECIAL + characters)
    while len(pieces) < PIECES:
        pieces[merger.merge()] = None
    return list(pieces)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = choose(sys.argv[1])
    table = "".join("\t".join(row) + "\n" for row in [("label", "text", "split")] + rows)
    write_packed("definitions", "definitions.tsv.gz", table.encode("ascii"))
    held_out = {text for _, text, split in rows if split == "test"}
    pieces = train_vocabulary(count_words(sys.argv[1], held_out))
    write_packed("definitions", "vocab.txt.gz", "".join(p + "\n" for p in pieces).encode("ascii"))


if __name__ == "__main__":
    main()
