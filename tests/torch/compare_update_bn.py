#!/usr/bin/env python3
"""Holds BatchNorm statistics that thaw measures anew against torch.optim.swa_utils.update_bn.

    python3 tests/torch/compare_update_bn.py BUILD/trace

Needs torch, torchvision and numpy. Of some of networks.py's networks: the same weights, the same
batches (the last one smaller); update_bn in float64 is the truth, and thaw's distance from it may be
4 times that of update_bn in float32 (or 2 units in the last place of float32). Counters must be equal, and all other
tensors keep their bytes.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch.optim.swa_utils import update_bn

import tensors
from networks import NETWORKS

NAMES = ("resnet20, option A", "resnet20, option B", "resnet18", "mobilenet_v2", "vgg11_bn")
BATCHES = (16, 16, 16, 16, 5)
FACTOR, FLOOR = 4, 2**-22


def by_torch(network, start, batches, dtype):
    model = network.build(network.classes).to(dtype)
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in start.items()})
    update_bn([torch.from_numpy(x).to(dtype) for x in batches], model)
    return {name: value.numpy() for name, value in model.state_dict().items()}


def by_thaw(program, network, start, batches):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tensors.write(folder / "start.safetensors", start)
        named = {f"x.{i}": x for i, x in enumerate(batches)}
        named |= {f"y.{i}": np.zeros(len(x), np.int64) for i, x in enumerate(batches)}
        tensors.write(folder / "batches.safetensors", named)
        request = dict(network.request, rules=[], bn="torch", optim="sgd", steps=len(batches),
                       threads=2, update_bn=True, weights=str(folder / "start.safetensors"),
                       batches=str(folder / "batches.safetensors"), out=str(folder))
        (folder / "request.json").write_text(json.dumps(request))
        subprocess.run([program, folder / "request.json"], check=True)
        return tensors.read(folder / "final.safetensors")


def distance(state, truth, names):
    error = sum(float(np.sum((state[n].astype(np.float64) - truth[n]) ** 2)) for n in names)
    return (error / sum(float(np.sum(truth[n] ** 2)) for n in names)) ** 0.5


def compare(program, network):
    """Whether it held; prints a line."""
    random = np.random.default_rng(1)
    draw = lambda n: (random.standard_normal((n, *network.input)).astype(np.float32), None)
    torch.manual_seed(1)
    start = network.start(draw)
    batches = [draw(n)[0] * 1.7 + 0.3 for n in BATCHES]  # not what the statistics are of
    truth = by_torch(network, start, batches, torch.float64)
    single = by_torch(network, start, batches, torch.float32)
    ours = by_thaw(program, network, start, batches)
    moved = [n for n in truth if "running" in n]
    counters = [n for n in truth if n.endswith("num_batches_tracked")]
    others = [n for n in truth if n not in moved and n not in counters]
    mine, theirs = distance(ours, truth, moved), distance(single, truth, moved)
    good = (bool(moved) and mine <= FACTOR * max(theirs, FLOOR)
            and all(ours[n] == truth[n] == len(BATCHES) for n in counters)
            and all(ours[n].tobytes() == start[n].tobytes() for n in others))
    print(f"{network.name:24} {len(moved):4} tensors  thaw {mine:.2e}  float32 {theirs:.2e}  "
          f"start {distance(start, truth, moved):.2e}  {'' if good else 'FAILED'}", flush=True)
    return good


def main():
    chosen = [network for network in NETWORKS if network.name in NAMES]
    held = [compare(sys.argv[1], network) for network in chosen]
    print(f"{sum(held)} passed, {len(held) - sum(held)} failed")
    sys.exit(0 if all(held) and len(held) == len(NAMES) else 1)


main()
