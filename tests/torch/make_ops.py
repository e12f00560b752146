#!/usr/bin/env python3
"""Writes tests/torch/ops.json: what PyTorch's operations give, forward and backward, in float64.

Needs torch (Debian: python3-torch). Inputs and parameters have two decimals and are rounded to
float32 before the computation, so that thaw's float operations see the same numbers. Orders are
PyTorch's: activations [n, c, h, w], convolution weights [out, in / groups, h, w].
"""
import json
import pathlib

import torch
from torch.nn import functional as F

torch.manual_seed(1)


def numbers(*shape, low=-1.0, high=1.0):
    """Random numbers with two decimals."""
    return torch.round((low + (high - low) * torch.rand(shape, dtype=torch.float64)) * 100) / 100


def as_float(x):
    return x.float().double()


def listed(x, digits):
    return [float(f"{v:.{digits}g}") for v in x.detach().flatten().tolist()]


def case(name, op, function, inputs, params=(), attr=None, labels=None, moved=None):
    """`function` takes inputs, params; params that are None are absent. `moved` lists those that
    the function itself changes (running statistics): they get no gradient."""
    moved = moved or []
    xs = [as_float(x).requires_grad_() for x in inputs]
    ps = [None if p is None else as_float(p).requires_grad_(i not in moved)
          for i, p in enumerate(params)]
    out = function(*xs, *ps)
    dout = numbers(*out.shape)
    out.backward(as_float(dout))
    result = {"name": name, "op": op, "attr": attr or {}, "shapes": [list(x.shape) for x in inputs],
              "in": [listed(x, 4) for x in inputs],
              "param": [None if p is None else listed(p, 4) for p in params],
              "dout": listed(dout, 4), "out": listed(out, 8), "din": [listed(x.grad, 8) for x in xs],
              "dparam": [listed(p.grad, 8) if p is not None and p.requires_grad else None for p in ps],
              "moved": [listed(p, 8) if i in moved else None for i, p in enumerate(ps)]}
    if labels is not None:
        result["labels"] = labels
    return result


def conv(name, x, out, kernel, stride=1, pad=0, groups=1, bias=False):
    weight = numbers(out, x[1] // groups, *kernel)
    attr = {"out": out, "kernel_h": kernel[0], "kernel_w": kernel[1], "stride": stride, "pad": pad,
            "groups": groups, "bias": bias}
    return case(name, "conv2d", lambda x, w, b: F.conv2d(x, w, b, stride, pad, 1, groups),
                [numbers(*x)], [weight, numbers(out) if bias else None], attr)


def norm(name, x, train):
    c = x[1]
    params = [numbers(c), numbers(c), numbers(c), numbers(c, low=0.5, high=2)]
    # Running statistics move in place, outside the graph.
    return case(name, "batch_norm",
                lambda x, w, b, mean, var: F.batch_norm(x, mean, var, w, b, train, 0.1, 1e-5),
                [numbers(*x)], params, {"eps": 1e-5, "momentum": 0.1, "batch_stats": train},
                moved=[2, 3])


def linear(name, n, width, out, bias):
    return case(name, "linear", F.linear, [numbers(n, width)],
                [numbers(out, width), numbers(out) if bias else None], {"out": out, "bias": bias})


def pool(name, op, function, x, kernel, stride, pad):
    return case(name, op, lambda x: function(x, kernel, stride, pad), [x],
                attr={"kernel": kernel, "stride": stride, "pad": pad})


def adaptive(name, x, h, w):
    return case(name, "adaptive_pool", lambda x: F.adaptive_avg_pool2d(x, (h, w)), [numbers(*x)],
                attr={"h": h, "w": w})


def shortcut(name, x, out, stride):
    pad = (out - x[1]) // 2
    return case(name, "pad_shortcut",
                lambda x: F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, pad, pad)),
                [numbers(*x)], attr={"out": out, "stride": stride})


def cross_entropy(name, n, classes, labels, smoothing, weight=None):
    target = torch.tensor(labels)
    weights = None if weight is None else as_float(torch.tensor(weight, dtype=torch.float64))
    attr = {"smoothing": smoothing} | ({} if weight is None else {"weight": weight})
    return case(name, "cross_entropy",
                lambda x: F.cross_entropy(x, target, weights, ignore_index=-1, reduction="none",
                                          label_smoothing=smoothing),
                [numbers(n, classes, low=-4, high=4)], attr=attr, labels=labels)


CASES = [
    conv("3x3 with bias", (2, 3, 4, 5), 4, (3, 3), pad=1, bias=True),
    conv("3x3, stride 2", (2, 3, 5, 6), 3, (3, 3), 2, 1),
    conv("1x1, stride 2", (2, 4, 5, 4), 6, (1, 1), 2),
    conv("7x7, stride 2", (1, 2, 7, 8), 2, (7, 7), 2, 3),
    conv("3x2, 2 groups", (2, 4, 4, 4), 4, (3, 2), 1, 1, 2, True),
    conv("depthwise", (1, 5, 5, 4), 5, (3, 3), 1, 1, 5),
    norm("by the batch", (3, 4, 2, 3), True),
    norm("by stored statistics", (3, 4, 2, 3), False),
    linear("with bias", 3, 7, 5, True),
    linear("without bias", 2, 6, 3, False),
    case("relu", "relu", F.relu, [numbers(2, 3, 3, 3)]),
    pool("3x3, stride 2", "max_pool", F.max_pool2d, numbers(2, 3, 5, 6), 3, 2, 1),
    pool("2x2", "max_pool", F.max_pool2d, numbers(2, 2, 5, 4), 2, 2, 0),
    pool("ties", "max_pool", F.max_pool2d, numbers(2, 2, 5, 5).mul(2).round().div(2), 3, 2, 1),
    pool("3x3, stride 2", "avg_pool", F.avg_pool2d, numbers(2, 3, 5, 6), 3, 2, 1),
    pool("2x2", "avg_pool", F.avg_pool2d, numbers(2, 2, 5, 4), 2, 2, 0),
    case("global", "global_pool", lambda x: F.adaptive_avg_pool2d(x, 1), [numbers(2, 4, 3, 4)]),
    shortcut("twice the channels", (2, 4, 5, 4), 8, 2),
    case("add", "add", torch.add, [numbers(2, 3, 2, 3), numbers(2, 3, 2, 3)]),
    cross_entropy("plain", 4, 6, [2, 0, -1, 5], 0.0),
    cross_entropy("smoothed", 4, 5, [1, 4, 0, -1], 0.1),
    conv("depthwise, stride 2, with bias", (2, 17, 5, 6), 17, (3, 3), 2, 1, 17, True),
    case("relu6", "relu", F.relu6, [numbers(2, 3, 3, 3, low=-3, high=9)], attr={"most": 6}),
    adaptive("7x5 to 3x3", (2, 3, 7, 5), 3, 3),
    adaptive("2x1 to 4x3", (1, 3, 2, 1), 4, 3),
    cross_entropy("weighted", 4, 3, [2, 0, -1, 1], 0.0, [0.25, 1.5, 4.0]),
    cross_entropy("weighted, smoothed", 5, 4, [1, 3, 0, -1, 2], 0.1, [0.5, 2.0, 1.0, 3.5]),
]

path = pathlib.Path(__file__).with_name("ops.json")
path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES) + "\n]\n")
print(f"{path.name}: {len(CASES)} cases, {path.stat().st_size} bytes")
