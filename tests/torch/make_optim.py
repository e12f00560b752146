#!/usr/bin/env python3
"""Writes tests/torch/optim.json: what PyTorch's optimisers and schedulers do.

Needs torch 1.13 or later (Debian: python3-torch). The same gradients are fed to every run; a tensor
that is frozen at a step has no gradient there (grad None), as a frozen one in training.
"""
import json
import math
import pathlib

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, OneCycleLR

STEPS = 5
TENSORS = [("conv.weight", "weight", False, 19), ("conv.bias", "bias", False, 5),
           ("bn.weight", "weight", True, 3), ("bn.bias", "bias", True, 3)]

SGD = {"kind": "sgd", "momentum": 0.0, "nesterov": False}
ADAM = {"kind": "adam", "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
ADAMW = dict(ADAM, kind="adamw")
# l2_sp: strength; new: tensors that are not pulled to the start, as they were not pretrained.
# lr: one for all tensors, or one each. frozen: [step, tensor] pairs. keep false: the state of a
# tensor is dropped when it freezes.
RUNS = [
    dict(SGD, name="sgd", lr=0.1),
    dict(SGD, name="sgd decay", lr=0.1, weight_decay=0.01),
    dict(SGD, name="sgd momentum", lr=0.05, momentum=0.9, weight_decay=5e-4),
    dict(SGD, name="sgd nesterov", lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4),
    dict(SGD, name="sgd decay all", lr=0.05, momentum=0.9, weight_decay=0.1, decay_all=True),
    dict(SGD, name="sgd clip", lr=0.1, momentum=0.9, clip=1.5),
    dict(SGD, name="sgd clip unreached", lr=0.1, momentum=0.9, clip=1000.0),
    dict(SGD, name="sgd late thaw", lr=0.1, momentum=0.9, clip=1.0, frozen=[[0, 1], [1, 1]]),
    dict(SGD, name="sgd refreeze reset", lr=0.1, momentum=0.9, frozen=[[2, 0], [3, 2]]),
    dict(SGD, name="sgd refreeze keep", lr=0.1, momentum=0.9, keep=True, frozen=[[2, 0], [3, 2]]),
    dict(SGD, name="sgd rates", lr=[0.1, 0.01, 0.3, 0.0], momentum=0.5),
    dict(ADAM, name="adam", lr=1e-3),
    dict(ADAM, name="adam betas", lr=0.02, beta1=0.7, beta2=0.95, eps=1e-3),
    dict(ADAM, name="adam decay", lr=0.01, weight_decay=0.1),
    dict(ADAM, name="adam clip", lr=0.01, clip=0.5),
    dict(ADAM, name="adam late thaw", lr=0.01, frozen=[[0, 0], [1, 0], [2, 0]]),
    dict(ADAM, name="adam refreeze reset", lr=0.01, frozen=[[2, 0], [3, 2]]),
    dict(ADAM, name="adam refreeze keep", lr=0.01, keep=True, frozen=[[2, 0], [3, 2]]),
    dict(ADAMW, name="adamw", lr=0.01, weight_decay=0.01),
    dict(SGD, name="sgd l2-sp", lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.2, l2_sp=0.1),
    dict(SGD, name="sgd l2-sp clip new", lr=0.1, weight_decay=0.2, l2_sp=0.5, clip=1.5, new=[0, 1],
         decay_all=True),
    dict(ADAM, name="adam l2-sp", lr=0.01, weight_decay=0.1, l2_sp=0.3, frozen=[[0, 0], [1, 0]]),
    dict(ADAMW, name="adamw l2-sp", lr=0.01, weight_decay=0.1, l2_sp=0.3, decay_all=True, new=[3]),
    dict(ADAMW, name="adamw decay all", lr=0.05, weight_decay=0.3, decay_all=True, clip=2.0),
]

STEP = {"shape": "step", "gamma": 0.1, "milestones": [0.5, 0.75]}
ONE_CYCLE = {"shape": "one-cycle", "start_div": 25.0, "end_div": 1e4, "rise": 0.3}
CURVES = [
    {"shape": "constant", "peak": 0.03, "total": 5},
    {"shape": "constant", "peak": 0.03, "total": 17, "warmup": 0.3},
    dict(STEP, peak=0.1, total=20),
    dict(STEP, peak=0.1, total=21, gamma=0.3, milestones=[0.1, 0.35, 0.9], warmup=0.2),
    {"shape": "cosine", "peak": 0.1, "total": 20},
    {"shape": "cosine", "peak": 0.1, "total": 33, "floor": 0.05, "warmup": 0.1},
    {"shape": "cosine", "peak": 0.1, "total": 10, "warmup": 1.0},
    dict(ONE_CYCLE, peak=0.1, total=20),
    dict(ONE_CYCLE, peak=0.02, total=37, start_div=10.0, end_div=100.0, rise=0.45),
    dict(ONE_CYCLE, peak=0.02, total=12, rise=0.0),
    dict(ONE_CYCLE, peak=0.02, total=12, rise=1.0),
    dict(ONE_CYCLE, peak=0.02, total=1),
]


def floats(tensor):
    return [float(f"{x:.9g}") for x in tensor.tolist()]


def is_spared(run, i):
    _, kind, norm, _ = TENSORS[i]
    return (kind == "bias" or norm) and not run.get("decay_all", False)


def is_pulled(run, i):
    return run.get("l2_sp", 0) > 0 and i not in run.get("new", []) and not is_spared(run, i)


def pull(run, rate, tensor, start):
    """The penalty l2_sp / 2 * |w - w0|^2, by its gradient; decoupled for AdamW, as its decay."""
    leaf = tensor.clone().requires_grad_()
    (run["l2_sp"] / 2 * ((leaf - start) ** 2).sum()).backward()
    if run["kind"] == "adamw":
        tensor -= rate * leaf.grad
    else:
        tensor.grad += leaf.grad


def make_optimizer(run, tensors):
    rates = run["lr"] if isinstance(run["lr"], list) else [run["lr"]] * len(tensors)
    decay = run.get("weight_decay", 0.0)
    groups = []
    for i, (tensor, rate) in enumerate(zip(tensors, rates)):
        spared = is_spared(run, i) or is_pulled(run, i)
        groups.append({"params": [tensor], "lr": rate, "weight_decay": 0.0 if spared else decay})
    if run["kind"] == "sgd":
        return torch.optim.SGD(groups, lr=0.1, momentum=run["momentum"], nesterov=run["nesterov"])
    kind = torch.optim.Adam if run["kind"] == "adam" else torch.optim.AdamW
    return kind(groups, lr=0.1, betas=(run["beta1"], run["beta2"]), eps=run["eps"])


def follow(run, start, gradients):
    """The tensors and the gradient's norm after each step."""
    tensors = [t.clone() for t in start]
    optimizer = make_optimizer(run, tensors)
    after, norms = [], []
    for step, gradient in enumerate(gradients):
        for i, tensor in enumerate(tensors):
            frozen = [step, i] in run.get("frozen", [])
            tensor.grad = None if frozen else gradient[i].clone()
            if frozen and not run.get("keep", False):
                optimizer.state.pop(tensor, None)
        norm = torch.nn.utils.clip_grad_norm_(tensors, run.get("clip") or math.inf)
        for i, tensor in enumerate(tensors):
            if is_pulled(run, i) and tensor.grad is not None:
                pull(run, run["lr"], tensor, start[i])
        optimizer.step()
        norms.append(float(norm))
        after.append([floats(t) for t in tensors])
    return dict(run, after=after, norms=norms)


def closed_form(scheduler, step):
    scheduler.last_epoch = step
    return scheduler._get_closed_form_lr()[0]


def rounded(x):
    return math.floor(x + 0.5)


def rates(curve):
    total, peak = curve["total"], curve["peak"]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=peak)
    if curve["shape"] == "one-cycle":
        scheduler = OneCycleLR(optimizer, peak, total_steps=total, pct_start=curve["rise"],
                               div_factor=curve["start_div"], final_div_factor=curve["end_div"],
                               cycle_momentum=False)
        values = []
        for step in range(total):
            scheduler.last_epoch = step
            values.append(scheduler.get_lr()[0])
        return values
    warmup = rounded(curve.get("warmup", 0.0) * total)
    ramp = [min(1.0, (step + 1) / max(warmup, 1)) for step in range(total)]
    if curve["shape"] == "constant":
        return [factor * peak for factor in ramp]
    if curve["shape"] == "step":
        milestones = [rounded(m * total) for m in curve["milestones"]]
        scheduler = MultiStepLR(optimizer, milestones, gamma=curve["gamma"])
        return [factor * closed_form(scheduler, step) for step, factor in enumerate(ramp)]
    scheduler = CosineAnnealingLR(optimizer, max(total - warmup, 1),
                                  eta_min=curve.get("floor", 0.0) * peak)
    return [ramp[step] * peak if step < warmup else closed_form(scheduler, step - warmup)
            for step in range(total)]


def main():
    torch.manual_seed(1)
    start = [torch.randn(size) for *_, size in TENSORS]
    gradients = [[torch.randn(size) for *_, size in TENSORS] for _ in range(STEPS)]
    document = {
        "torch": torch.__version__,
        "tensors": [{"name": name, "kind": kind, "norm": norm, "value": floats(value)}
                    for (name, kind, norm, _), value in zip(TENSORS, start)],
        "gradients": [[floats(g) for g in step] for step in gradients],
        "runs": [follow(run, start, gradients) for run in RUNS],
        "curves": [dict(curve, rates=rates(curve)) for curve in CURVES],
    }
    path = pathlib.Path(__file__).parent / "optim.json"
    lines = ["{"]
    for key, value in document.items():
        if key in ("runs", "curves", "gradients"):
            lines.append(f'"{key}": [')
            lines.append(",\n".join(json.dumps(item) for item in value))
            lines.append("],")
        else:
            lines.append(f'"{key}": {json.dumps(value)},')
    lines[-1] = lines[-1].rstrip(",")
    path.write_text("\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
