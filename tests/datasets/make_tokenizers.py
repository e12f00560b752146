#!/usr/bin/env python3
"""Writes tokenizers.json: hard cases and their ids, worked out here from the published algorithms.

usage: make_tokenizers.py TOKENIZERS

TOKENIZERS  the folder with bert-base-uncased-vocab.txt, gpt2-encoder.json and gpt2-vocab.bpe

WordPiece: Devlin et al., tokenization.py, in the form that datasets/wordpiece.h describes. BPE: Radford
et al., encoder.py; its pattern runs over one letter for each character's class (L, N, S, O), as
Python's own `re` knows no \\p{L}. Slow and literal on purpose. A small vocabulary of each kind is in
the file, so that tests need nothing else.
"""
import json
import os
import re
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))

CASES = [
    "",
    " ",
    "Hello, world!",
    "hello",
    "unaffable un affable",
    "The quick brown fox jumped over the lazy dog.",
    "Caf\u00e9 na\u00efve \u00c5ngstr\u00f6m r\u00e9sum\u00e9 pi\u00f1ata",
    "Cafe\u0301 A\u030angstro\u0308m",
    "\u0130stanbul I\u0307 \u0131 \u00df \u1e9e \ufb01x \u01c5",
    "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0419\u0451",
    "\u5317\u4eac\u5927\u5b66 and \u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8",
    "x\u4e00y\u3400z\U00020000w\uf900v",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u05e9\u05c1\u05dc\u05d5\u05dd \u0645\u064e\u0631",
    "\U0001f600 \U0001f44d\U0001f3fd \U0001f469\u200d\U0001f4bb \u2764\ufe0f a\U0001f600b",
    "don't I'll we've they're he's I'm she'd DON'T I'LL o'clock 'tis rock'n'roll",
    "it\u2019s \u201cquoted\u201d \u2014 dashes\u2013and\u2026",
    "  two  spaces   three    ",
    "tabs\tand\nnew\r\nlines\n\n\nend\n",
    "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u1680g\u202fh",
    "zero\u200bwidth\u200djoin\ufeffbom\u00adsoft\u2060word",
    "bell\u0007 escape\u001b delete\u007f next\u0085line tab\u000bform\u000cfeed \u001cfs",
    "bad\ufffdcharacter private\ue000use \U000f0000",
    "$100 100% 3.14 1,000,000 x=y+z a_b-c/d\\e `f` ^g| ~h <i> #j @k",
    "\u00bd \u00b2 \u2167 \u0663\u0664 \U0001d7d8 12th 2\u20e3 \u3007",
    "[CLS] [SEP] [UNK] [MASK] [PAD] <|endoftext|>",
    "##ing ## # a##b",
    "a" * 100,
    "a" * 101,
    "\u00e9" * 100 + " " + "\u00e9" * 101,
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "http://www.example.com/a?b=c&d=e#f user@example.org",
    "!'s 's ' s ''s '' \"'t x'd'd",
    " 1 2  3 4a b5",
    "Zalgo Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324a\u0353lgo",
    "\u1100\u1161 \u212b \u2126 \u1e9b\u0323 \u0344 \u1fef \u037e",
    "\u2460 \u24b6 \u2122 \u00a9 \u20ac \u00a3 \u221a \u2260 \u2192",
    "abcabcabc aaaa aaaaa abab",
    "\u0000nul\u0000",
]


def is_whitespace(c):
    return c in " \t\n\r" or unicodedata.category(c) == "Zs"


def is_control(c):
    return c not in "\t\n\r" and unicodedata.category(c).startswith("C")


def is_punctuation(c):
    code = ord(c)
    ascii_range = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_range or unicodedata.category(c).startswith("P")


def is_cjk(c):
    ranges = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
              (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]
    return any(low <= ord(c) <= high for low, high in ranges)


def basic_tokens(text, lower):
    clean = ""
    for c in text:
        if ord(c) in (0, 0xFFFD) or is_control(c):
            continue
        clean += " " if is_whitespace(c) else " " + c + " " if is_cjk(c) else c
    words = []
    for word in clean.split():
        if lower:
            word = unicodedata.normalize("NFD", "".join(c.lower() for c in word))
            word = "".join(c for c in word if unicodedata.category(c) != "Mn")
        parts, fresh = [], True
        for c in word:
            if is_punctuation(c) or fresh:
                parts.append(c)
            else:
                parts[-1] += c
            fresh = is_punctuation(c)
        words += parts
    return " ".join(words).split()


def wordpiece(text, ids, lower):
    out = [ids["[CLS]"]]
    for word in basic_tokens(text, lower):
        pieces, start = [], 0
        while start < len(word) and len(word) <= 100:
            end = len(word)
            while end > start and ("##" if start else "") + word[start:end] not in ids:
                end -= 1
            if end == start:
                break
            pieces.append(ids[("##" if start else "") + word[start:end]])
            start = end
        out += pieces if start == len(word) else [ids["[UNK]"]]
    return out + [ids["[SEP]"]]


def byte_letters():
    letters, others = {}, 0
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte:
            letters[byte] = chr(byte)
        else:
            letters[byte] = chr(256 + others)
            others += 1
    return letters


# White_Space and nothing else: unlike str.isspace, without U+001C to U+001F.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def letter_class(c):
    category = unicodedata.category(c)[0]
    return category if category in "LN" else "S" if c in SPACES else "O"


def split_words(text):
    """encoder.py's pattern: contractions on the text, everything else on its classes."""
    classes = "".join(" " if c == " " else letter_class(c) for c in text)
    contraction = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d")
    other = re.compile(r" ?L+| ?N+| ?O+|[S ]+(?![LNO])|[S ]+")
    at = 0
    while at < len(text):
        match = contraction.match(text, at) or other.match(classes, at)
        yield text[at : match.end()]
        at = match.end()


def bpe(text, ids, merges, letters=byte_letters()):
    ranks, out = {pair: i for i, pair in enumerate(merges)}, []
    for word in split_words(text):
        pieces = [letters[byte] for byte in word.encode()]
        while True:
            known = [pair for pair in zip(pieces, pieces[1:]) if pair in ranks]
            if not known:
                break
            best, merged, i = min(known, key=ranks.get), [], 0
            while i < len(pieces):
                both = tuple(pieces[i : i + 2]) == best
                merged.append(pieces[i] + pieces[i + 1] if both else pieces[i])
                i += 2 if both else 1
            pieces = merged
        out += [ids[piece] for piece in pieces]
    return out


SMALL_PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] hello world un ##aff ##able aff ##a ##b ##c ##ab a b c ab , . ! ' # $ "
    "cafe naive don t the quick ##ing \u03c3 ##\u03c3 ##\u03c2 \u5317 \u4eac \u0438 \u0439 \u1112 ##\u1161 ##\u11ab e ##e "
    "i ##i ss ##ss \U0001f600 x y 1 ##0 100 3").split(" ")
SMALL_CASED = ("[PAD] [UNK] [CLS] [SEP] [MASK] Hello world Caf\u00e9 Cafe ##\u0301 A ##a a , ! I ##\u0307 \u0130 "
               "##stan ##bul \u5317 \u4eac [ ] CLS").split(" ")
SMALL_MERGES = [tuple(m.split()) for m in (
    "a b|ab c|a a|aa b|\u0120 a|h e|l l|he ll|hell o|\u0120 w|o r|\u0120w or|l d|\u0120wor ld|\u0120 \u0120|b a|\u010a \u010a|"
    "\u00c3 \u00a9|aa aa|' s|abc abc|1 0|10 0|\u00f0 \u0141|\u00f0\u0141 \u013a|r e|o n|d on|b c").split("|")]


def number(pieces):
    return {piece: i for i, piece in enumerate(pieces)}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    def path(name):
        return os.path.join(sys.argv[1], name)

    with open(path("bert-base-uncased-vocab.txt"), encoding="utf-8", newline="\n") as file:
        bert = number(line.rstrip("\n") for line in file)
    with open(path("gpt2-encoder.json"), encoding="utf-8") as file:
        gpt2 = json.load(file)
    with open(path("gpt2-vocab.bpe"), encoding="utf-8") as file:
        gpt2_merges = [tuple(line.split()) for line in file.read().split("\n")[1:-1]]
    small_bpe = number(sorted(byte_letters().values()) + ["".join(m) for m in SMALL_MERGES])
    cases = [{
        "text": text,
        "bert": wordpiece(text, bert, True),
        "gpt2": bpe(text, gpt2, gpt2_merges),
        "small": wordpiece(text, number(SMALL_PIECES), True),
        "cased": wordpiece(text, number(SMALL_CASED), False),
        "bpe": bpe(text, small_bpe, SMALL_MERGES),
    } for text in CASES]
    out = {"small": SMALL_PIECES, "cased": SMALL_CASED, "bpe": small_bpe,
           "merges": [" ".join(m) for m in SMALL_MERGES]}
    with open(os.path.join(HERE, "tokenizers.json"), "w", encoding="ascii") as file:
        file.write("{\n")
        for key, value in out.items():
            file.write(" %s: %s,\n" % (json.dumps(key), json.dumps(value)))
        file.write(' "cases": [\n  %s\n ]\n}\n' % ",\n  ".join(json.dumps(case) for case in cases))


if __name__ == "__main__":
    main()
