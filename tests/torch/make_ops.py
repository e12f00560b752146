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
              "dout": listed(dout, 4), "out": listed(out, 8), "din": [listed(x.grad, 8) if x.grad is not None else None for x in xs],
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


# Texts: activations are [n, c, tokens] here, as everything else has its channels second; of sample i
# `lengths[i]` tokens are there, and what is behind them takes part in nothing.


def text(name, op, function, inputs, params=(), attr=None, lengths=None):
    """`function` takes and gives [n, tokens, c]."""
    inputs = [x.transpose(1, 2) if x.dim() == 3 else x for x in inputs]
    tokens, n = inputs[0].shape[2], inputs[0].shape[0]
    lengths = lengths or [tokens] * n

    def run(*tensors):
        xs = [x.transpose(1, 2) for x in tensors[:len(inputs)]]
        out = function(lengths, *xs, *tensors[len(inputs):])
        if out.dim() == 3:
            there = torch.arange(tokens)[None, :] < torch.tensor(lengths)[:, None]
            out = (out * there[:, :, None]).transpose(1, 2)
        return out

    result = case(name, op, run, inputs, params, attr)
    result["lengths"] = lengths
    return result


def ids(lengths, tokens, rows):
    drawn = torch.randint(0, rows, (len(lengths), tokens, 1)).double()
    return drawn.masked_fill((torch.arange(tokens) >= torch.tensor(lengths)[:, None])[..., None], -1)


def embedding(name, lengths, tokens, rows, out):
    return text(name, "embedding", lambda _, x, w: F.embedding(x[..., 0].long().clamp(0), w) + 0 * x,
                [ids(lengths, tokens, rows)], [numbers(rows, out)], {"rows": rows, "out": out},
                lengths)


def token_add(name, lengths, tokens, channels, rows, place):
    def run(_, x, w):
        return x + (w[:tokens] if place else w[0])

    return text(name, "token_add", run, [numbers(len(lengths), tokens, channels)],
                [numbers(rows, channels)], {"rows": rows, "place": place}, lengths)


def token_linear(name, lengths, tokens, channels, out, bias):
    return text(name, "token_linear", lambda _, x, w, b: F.linear(x, w, b),
                [numbers(len(lengths), tokens, channels)],
                [numbers(out, channels), numbers(out) if bias else None], {"out": out, "bias": bias},
                lengths)


def layer_norm(name, lengths, tokens, c, eps):
    return text(name, "layer_norm", lambda _, x, w, b: F.layer_norm(x, (c,), w, b, eps),
                [numbers(len(lengths), tokens, c)], [numbers(c), numbers(c)], {"eps": eps}, lengths)


def gelu(name, lengths, tokens, channels, tanh):
    return text(name, "gelu", lambda _, x: F.gelu(x, approximate="tanh" if tanh else "none"),
                [numbers(len(lengths), tokens, channels, low=-4, high=4)], attr={"tanh": tanh},
                lengths=lengths)


def heads_of(x, heads):
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def attend(lengths, q, k, v, heads, causal):
    tokens = q.shape[1]
    q, k, v = (heads_of(x, heads) for x in (q, k, v))
    scores = q @ k.transpose(2, 3) / q.shape[3]**0.5
    hidden = torch.arange(tokens)[None, None, :] >= torch.tensor(lengths)[:, None, None]
    if causal:
        hidden = hidden | torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
    scores = scores.masked_fill(hidden[:, None], -torch.inf)
    return (scores.softmax(3) @ v).transpose(1, 2).flatten(2)


def attention(name, lengths, tokens, channels, heads, causal):
    return text(name, "attention", lambda n, q, k, v: attend(n, q, k, v, heads, causal),
                [numbers(len(lengths), tokens, channels, low=-2, high=2) for _ in range(3)],
                attr={"heads": heads, "causal": causal}, lengths=lengths)


def attention_packed(name, lengths, tokens, channels, heads):
    return text(name, "attention_packed",
                lambda n, x: attend(n, *x.chunk(3, 2), heads, True),
                [numbers(len(lengths), tokens, 3 * channels, low=-2, high=2)],
                attr={"heads": heads, "causal": True}, lengths=lengths)


def token_pool(which, lengths, tokens, channels):
    def run(lengths, x):
        rows = [x[i, :n] for i, n in enumerate(lengths)]
        take = {"first": lambda r: r[0], "last": lambda r: r[-1], "mean": lambda r: r.mean(0)}
        return torch.stack([take[which](r) for r in rows])

    return text(which, "token_pool", run, [numbers(len(lengths), tokens, channels)],
                attr={"which": which}, lengths=lengths)


def token_loss(name, lengths, tokens, rows, labels):
    """labels: of each text those of its rows, -1: none."""
    def run(lengths, x):
        return torch.stack([F.cross_entropy(x[i, :n], torch.tensor(labels[i][:n]), ignore_index=-1,
                                            reduction="sum")
                            for i, n in enumerate(lengths)])[:, None]

    made = text(name, "token_loss", run, [numbers(len(lengths), tokens, rows, low=-4, high=4)],
                lengths=lengths)
    return dict(made, labels=[label for row in labels for label in row])


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
    embedding("of tokens", [4, 1, 3], 4, 6, 5),
    token_add("positions", [4, 2, 3], 4, 5, 7, True),
    token_add("a segment", [4, 2, 3], 4, 5, 2, False),
    token_linear("with bias", [5, 2], 5, 6, 7, True),
    token_linear("without bias", [3, 4], 4, 5, 3, False),
    layer_norm("GPT-2's", [4, 1], 4, 7, 1e-5),
    layer_norm("BERT's", [3, 4], 4, 18, 1e-12),
    gelu("exact", [4, 2], 4, 9, False),
    gelu("by tanh", [4, 2], 4, 9, True),
    case("tanh", "tanh", torch.tanh, [numbers(3, 20, low=-4, high=4)]),
    attention("of all", [6, 3], 6, 8, 2, False),
    attention("causal", [6, 3], 6, 6, 3, True),
    attention_packed("causal", [5, 4], 5, 6, 2),
    token_pool("first", [4, 2], 4, 5),
    token_pool("last", [4, 2], 4, 5),
    token_pool("mean", [4, 2], 4, 5),
    token_loss("of some", [5, 3], 5, 6, [[3, -1, 0, 5, 1], [2, 4, -1, 0, 0]]),
]

path = pathlib.Path(__file__).with_name("ops.json")
path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES) + "\n]\n")
print(f"{path.name}: {len(CASES)} cases, {path.stat().st_size} bytes")
