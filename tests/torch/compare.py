#!/usr/bin/env python3
"""Holds 20 steps of thaw's training (of deep networks fewer) against the same steps in PyTorch.

    python3 tests/torch/compare.py BUILD/trace [ONLY] [--seed N] [--all-steps] [--size 224] [--long]

Needs torch, torchvision and numpy (Debian: python3-torch, python3-torchvision), and 3 GB of memory.
ONLY: just the cases whose name contains this text. --long: also the networks that differ from others
only in how often they repeat a layer.

Cases: each of the networks of networks.py and text_networks.py x its masks of MASKS x its optimisers of OPTIMS. Three runs start from the same float32
weights and take the same batches: PyTorch in float64 (the truth), PyTorch in float32, and thaw (by
tests/torch/trace.c). Each goes its own way from there: weights, momentum and running statistics are
never brought together again. At every step, with the weights that each run then has, the errors
against float64 are

    loss:      |loss - loss64|
    logits:    ||l - l64|| / ||l64||
    gradient:  ||g - g64|| / ||g64||, the norm over all gradients of thawed parameters together

and at the end

    update:    ||w - w64|| / ||w64 - start||, over all thawed parameters
    statistic: ||s - s64|| / ||s64||, over the running means and variances that moved
    tensor:    as gradient, but of a single parameter, the largest over the steps; of the parameter
               where thaw's stands worst beside float32's

What is required, of each measure: thaw's error <= 4 x max(error of PyTorch float32, floor). For loss,
logits and gradient both errors are the largest over the steps so far, and it must hold after every step. The
floor is 2 units in the last place of float32: 2^-22, times |loss64| for the loss; without it an
error of PyTorch float32 that happens to be 0 would forbid thaw any. For `tensor` the factor is 8: it
is there so that no small tensor hides behind large ones, and PyTorch sums the gradients of a
BatchNorm in double where thaw sums short blocks in float. All this is required with --precise, that
is, of direct convolutions; Winograd's, which thaw takes by default, round in three places where those
round in one, and their errors are measured at twice the size (src/base/kernels_winograd.h): there the
factors are twice as large. Also, frozen tensors must keep their bytes,
num_batches_tracked must be PyTorch's, and no other parameters may have gradients than PyTorch's.

Which batches: where the input of a ReLU crosses 0, or another element becomes the largest of a
max-pooling window, a gradient jumps (by 1e-3 of its norm in these networks, a thousand roundings),
and which float32 run jumps first is luck, not accuracy. So batches are drawn at random, but one is
drawn again while in the float64 run one of a ReLU's N inputs is nearer to 0, or one of N windows has
its two largest elements nearer together, than C / N of the inputs' root mean square. Only the M
modules that gradients go back through are looked at, and C is 3.6 / M, at most 0.3: for any network
one batch in twenty or more passes. Only the float64 run chooses. What remains is rounding, which can be compared at every
step.

Deep networks (M of 30 and more) have so many inputs of ReLUs, and enlarge rounding errors so much, that
no batch is far from all jumps. Their rates are lower (SLOW), so that a jump does not show in the next
loss, with everything thawed they run two steps, and what is required of them is what does not jump:
loss, logits and statistics; of gradient and update only that the error is no larger than 4 x 1e-2.
Also, a single loss may be right by accident: float32's error there counts as at least what its
logits' error makes of a loss on average, half their root mean square.

With --size, images of another size, all this holds for all networks: of hundreds of thousands of
inputs of a ReLU some lie nearer to 0 than rounding errors, with any mask. The runs are of at most 10
steps at the lowest rate. (At the tail's rate, ResNet-18 at 224 with Adam and seeds 1 to 5: gradients
jumped in thaw alone with seed 1, in PyTorch float32 alone with seed 2, in both with the others.)

Which eps: Adam divides a gradient by about its own size + eps, so at the usual 1e-8 it makes whole
steps, in a direction that is luck, of gradients that are rounding errors themselves. 1e-6 keeps them
small; --eps 1e-8 shows the other. (tests/optim.c checks the formula at 1e-8.)
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch reads it: do not spin on busy machines

import numpy as np
import torch

import tensors
from networks import NETWORKS
from text_networks import TEXT_NETWORKS
from torch_run import TorchRun

STEPS, BATCH, THREADS = 20, 4, 2
FLOOR = 2.0**-22
LIMITS = {"loss": 4, "logits": 4, "gradient": 4, "update": 4, "statistic": 4, "tensor": 8}
WINOGRAD = 2  # its errors beside those of direct convolutions
DECAY = 1e-4

# What is thawed: everything, the last block and the head, or the head; and whether PyTorch's BatchNorms are
# in training mode.
MASKS = {
    "full": {"part": "all", "train": True, "rules": ["thaw all"], "bn": "batch"},
    "tail, bn frozen": {"part": "tail", "train": False, "rules": ["thaw last-1-blocks"],
                        "bn": "frozen"},
    "tail, bn torch": {"part": "tail", "train": True, "rules": ["thaw last-1-blocks"],
                       "bn": "torch"},
    "head": {"part": "head", "train": False, "rules": ["thaw head"], "bn": "frozen"},
    "last": {"part": "head", "train": False, "rules": ["thaw classifier.6"], "bn": "frozen"},
}
SLOW = {"all": 1e-3, "tail": 0.1, "head": 1}  # factor of the rate of deep networks
JUMP = 1e-2
OPTIMS = {
    "sgd": {"optim": "sgd", "lr": 1e-3, "momentum": 0.9, "nesterov": True, "weight_decay": DECAY},
    "adam": {"optim": "adam", "lr": 1e-4, "eps": 1e-6, "weight_decay": DECAY},
    "weighted": {"optim": "sgd", "lr": 1e-3, "momentum": 0.9, "nesterov": True, "weight_decay": DECAY,
                 "smoothing": 0.1, "class_weights": [0.25, 4, 1, 2, 0.5, 1, 3, 0.1, 1, 8]},
}


def make_draw(network, seed):
    """A function that draws n samples: a pattern for each class, and noise."""
    random = np.random.default_rng(seed)
    if network.draw:
        return lambda n: network.draw(random, n)
    patterns = random.standard_normal((network.classes, *network.input))

    def draw(n):
        y = random.integers(0, network.classes, n)
        x = patterns[y] + random.standard_normal((n, *network.input))
        return x.astype(np.float32), y

    return draw


def square(a):
    a = np.asarray(a, np.float64).ravel()
    return float(a @ a)


def distance(a, truth, origin=None):
    """||a - truth|| / ||truth - origin|| of what is in `truth`, all of it together."""
    error = sum(square(a[name] - truth[name]) for name in truth)
    size = sum(square(truth[name] - (origin[name] if origin else 0)) for name in truth)
    return (error / size) ** 0.5


class Errors:
    """What one run has done wrong so far."""

    def __init__(self):
        self.loss, self.logits, self.gradient, self.tensor = [], [], [], {}

    def add(self, result, truth):
        """Of one step: loss, gradients and logits."""
        assert result[1].keys() == truth[1].keys(), "gradients of other parameters"
        self.loss.append(abs(result[0] - truth[0]))
        self.logits.append((square(result[2] - truth[2]) / square(truth[2])) ** 0.5)
        errors = {name: square(result[1][name] - value) for name, value in truth[1].items()}
        sizes = {name: square(value) for name, value in truth[1].items()}
        self.gradient.append((sum(errors.values()) / sum(sizes.values())) ** 0.5)
        least = 1e-14 * sum(sizes.values())  # a bias before a BatchNorm: the gradient is 0, rounded
        for name, error in errors.items():
            if sizes[name] > least:
                worst = max(self.tensor.get(name, 0), (error / sizes[name]) ** 0.5)
                self.tensor[name] = worst

    def end(self, state, truth, start, thawed):
        """After the last step: the state, and the names of thawed parameters."""
        trained = {name: truth[name] for name in thawed}
        moved = {
            name: value
            for name, value in truth.items()
            if "running" in name and not np.array_equal(value, start[name])
        }
        self.update = distance(state, trained, start)
        self.statistic = distance(state, moved) if moved else None


def limit(measure, precise):
    return LIMITS[measure] * (1 if precise else WINOGRAD)


def ratios(ours, theirs, floors):
    """Of the largest errors so far, after each step."""
    bound = np.maximum(np.maximum.accumulate(theirs), floors)
    return np.maximum.accumulate(ours) / bound


def trace(program, folder, network, mask, optim, start, batches):
    tensors.write(folder / "start.safetensors", start)
    named = {f"{kind}.{i}": value for i, batch in enumerate(batches)
             for kind, value in zip("xy", batch)}
    tensors.write(folder / "batches.safetensors", named)
    request = dict(network.request, **optim, rules=mask["rules"], bn=mask["bn"], steps=len(batches),
                   threads=THREADS, weights=str(folder / "start.safetensors"),
                   batches=str(folder / "batches.safetensors"), out=str(folder))
    (folder / "request.json").write_text(json.dumps(request))
    subprocess.run([program, folder / "request.json"], check=True)


def read_step(folder, step):
    values = tensors.read(folder / f"step-{step}.safetensors")
    loss, logits = float(values.pop("loss")), values.pop("logits")
    return loss, {n.removeprefix("grad."): v for n, v in values.items()}, logits


def same_where_frozen(state, truth, start, thawed):
    """Whether all that PyTorch left alone has its bytes, and counters are PyTorch's."""
    counters = [name for name in truth if name.endswith("num_batches_tracked")]
    frozen = [name for name in truth
              if name not in thawed and np.array_equal(truth[name], start[name])]
    return (all(np.array_equal(state[name], truth[name]) for name in counters)
            and all(state[name].tobytes() == start[name].tobytes() for name in frozen))


class Case:
    def __init__(self, network, mask, optim):
        self.network, self.mask, self.optim = network, MASKS[mask], dict(OPTIMS[optim])
        self.jumps = network.deep and self.mask["part"] == "all"
        self.steps = 2 if self.jumps else network.steps or STEPS
        slow = SLOW["all" if network.resized else self.mask["part"]] if network.deep else 1
        self.optim["lr"] *= network.lr * slow
        self.name = f"{network.name}, {mask}, {optim}"

    def run(self, program, start, draw, precise):
        truth, single = [
            TorchRun(self.network, start, dtype, self.mask, self.optim)
            for dtype in (torch.float64, torch.float32)
        ]
        if not self.jumps:
            truth.watch()
            truth.count_looks(draw(BATCH)[0])
        steps = [truth.draw_step(draw, BATCH) for _ in range(self.steps)]
        self.ours, self.theirs = Errors(), Errors()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            batches = [(x, y) for x, y, _ in steps]
            optim = dict(self.optim, precise=precise)
            trace(program, folder, self.network, self.mask, optim, start, batches)
            for i, (x, y, expected) in enumerate(steps):
                self.theirs.add(single.step(x, y), expected)
                self.ours.add(read_step(folder, i), expected)
            state = tensors.read(folder / "final.safetensors")
        self.ours.end(state, truth.state(), start, truth.thawed)
        self.theirs.end(single.state(), truth.state(), start, truth.thawed)
        self.losses = np.array([expected[0] for _, _, expected in steps])
        self.sizes = np.array([np.sqrt(np.mean(expected[2] ** 2)) for _, _, expected in steps])
        self.frozen = same_where_frozen(state, truth.state(), start, truth.thawed)

    def measures(self):
        """Name, thaw's error, float32's, the worst ratio."""
        ours, theirs, deep = self.ours, self.theirs, self.network.deep
        floors = np.maximum(FLOOR * np.abs(self.losses), self.sizes * theirs.logits / 2 if deep else 0)
        yield ("loss", max(ours.loss), max(theirs.loss),
               ratios(ours.loss, theirs.loss, floors).max())
        yield ("logits", max(ours.logits), max(theirs.logits),
               ratios(ours.logits, theirs.logits, FLOOR).max())
        yield ("gradient", max(ours.gradient), max(theirs.gradient),
               ratios(ours.gradient, theirs.gradient, JUMP if deep else FLOOR).max())
        ratio = {n: ours.tensor[n] / max(e, FLOOR) for n, e in theirs.tensor.items()}
        worst = max(ratio, key=ratio.get)
        if not deep:
            yield "tensor", ours.tensor[worst], theirs.tensor[worst], ratio[worst]
        floor = JUMP if deep else FLOOR
        yield "update", ours.update, theirs.update, ours.update / max(theirs.update, floor)
        if theirs.statistic is not None:
            yield ("statistic", ours.statistic, theirs.statistic,
                   ours.statistic / max(theirs.statistic, FLOOR))

    def report(self, all_steps, precise):
        """Prints a line for each measure; returns how many held and how many did not."""
        passed = failed = 0
        for name, ours, theirs, ratio in self.measures():
            good = bool(ratio <= limit(name, precise))
            passed, failed = passed + good, failed + (not good)
            print(f"{self.name:40} {name:10} {ours:9.2e} {theirs:9.2e} {ratio:6.2f} "
                  f"{'' if good else 'FAILED'}", flush=True)
        if not self.frozen:
            print(f"{self.name:40} frozen tensors or counters: FAILED")
        if all_steps:
            self.report_steps()
        return passed + self.frozen, failed + (not self.frozen)

    def report_steps(self):
        for i, loss in enumerate(self.losses):
            print(f"  step {i:2}: loss {loss:.4f} errors {self.ours.loss[i]:.1e} "
                  f"{self.theirs.loss[i]:.1e}, gradient {self.ours.gradient[i]:.1e} "
                  f"{self.theirs.gradient[i]:.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trace")
    parser.add_argument("only", nargs="?", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all-steps", action="store_true", help="print the errors at every step")
    parser.add_argument("--eps", type=float, help="of Adam")
    parser.add_argument("--precise", action="store_true", help="thaw with train.precise: true")
    parser.add_argument("--long", action="store_true", help="all networks")
    parser.add_argument("--size", type=int, help="of the images; for networks of any size")
    arguments = parser.parse_args()
    OPTIMS["adam"]["eps"] = arguments.eps or OPTIMS["adam"]["eps"]
    torch.set_num_threads(THREADS)
    passed = failed = 0
    began = time.time()
    print(f"{'case':40} {'measure':10} {'thaw':>9} {'float32':>9}  ratio")
    for network in NETWORKS + TEXT_NETWORKS:
        if arguments.size and not network.draw:
            network.resize(arguments.size)
        cases = [Case(network, mask, optim) for mask in network.masks
                 for optim in network.optims]
        if network.long and not arguments.long and not arguments.only:
            continue
        cases = [case for case in cases if arguments.only in case.name]
        if not cases:
            continue
        torch.manual_seed(arguments.seed)
        start = network.start(make_draw(network, arguments.seed))
        for case in cases:
            case.run(arguments.trace, start, make_draw(network, arguments.seed),
                     arguments.precise)
            good, bad = case.report(arguments.all_steps, arguments.precise)
            passed, failed = passed + good, failed + bad
    print(f"{time.time() - began:.0f} seconds")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
