#!/usr/bin/env python3
"""Writes tests/training/figures.json: figures of made-up predictions, straight from their definitions.

Needs numpy. Nothing here is clever: true and false positives are counted sample by sample, AUROC is
counted pair by pair. These are the definitions of scikit-learn's precision_recall_fscore_support,
balanced_accuracy_score, f1_score(average="macro") and roc_auc_score(multi_class="ovr"), but that a
figure which is 0 / 0 is null, and left out of means.
"""
import json
import pathlib

import numpy as np


def ratio(part, whole):
    return part / whole if whole else None


def mean(values):
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def auroc(score, positive):
    pairs = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]
    return ratio(sum(pairs), len(pairs))


def figures(label, probability):
    predicted = probability.argmax(1)
    classes = range(probability.shape[1])
    rows = []
    for c in classes:
        is_c, says_c = label == c, predicted == c
        tp, fp = int((is_c & says_c).sum()), int((~is_c & says_c).sum())
        fn, tn = int((is_c & ~says_c).sum()), int((~is_c & ~says_c).sum())
        rows.append({"support": tp + fn, "precision": ratio(tp, tp + fp), "recall": ratio(tp, tp + fn),
                     "specificity": ratio(tn, tn + fp), "f1": ratio(2 * tp, 2 * tp + fp + fn),
                     "auroc": auroc(probability[:, c], label == c)})
    lists = {name: [row[name] for row in rows] for name in rows[0]}
    matrix = [[int(((label == a) & (predicted == b)).sum()) for b in classes] for a in classes]
    return dict(lists, predicted=predicted.tolist(), matrix=matrix,
                balanced_accuracy=mean(lists["recall"]), macro_f1=mean(lists["f1"]),
                mean_auroc=lists["auroc"][1] if len(classes) == 2 else mean(lists["auroc"]))


def case(name, seed, n, classes, digits, absent=()):
    """Probabilities with few digits, so that there are ties; `absent` classes have no samples."""
    random = np.random.default_rng(seed)
    present = [c for c in range(classes) if c not in absent]
    label = random.choice(present, n)
    logits = random.standard_normal((n, classes)) + 1.2 * np.eye(classes)[label]
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    probability = probability.round(digits).astype(np.float32)
    return {"name": name, "classes": classes, "label": label.tolist(),
            "probability": [float(f"{p:.9g}") for p in probability.flatten()],
            **figures(label, probability)}


CASES = [
    case("two classes", 1, 40, 2, 2),
    case("four classes, many ties", 2, 60, 4, 1),
    case("one class without samples", 3, 30, 3, 2, absent=[1]),
]
path = pathlib.Path(__file__).with_name("figures.json")
path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES) + "\n]\n")
print(f"{path.name}: {len(CASES)} cases, {path.stat().st_size} bytes")
