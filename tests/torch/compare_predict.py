#!/usr/bin/env python3
"""Holds what `thaw predict` says of pictures against PyTorch with torchvision's transforms.

    python3 tests/torch/compare_predict.py THAW [ONLY] [--size 224] [--long] [--data FOLDER]

Needs torch, torchvision, PIL and numpy (Debian: python3-torch, python3-torchvision). ONLY and --long as in
compare.py. --data: the folder with weights/resnet_cifar10 and datasets/flowers5_thumbs, whose networks are
asked about 50 of the flowers, too.

For each of networks.py's networks, ten pictures of ten classes, as PNG, of odd sizes:

    given   the state_dict that torch.save wrote, named by an experiment's model.weights
    trained what `thaw run` made of it in two steps with everything thawed: best loaded into PyTorch by
            load_state_dict(strict=True), as a run's last.safetensors

Both times thaw's probabilities are compared with PyTorch's in float64: the largest error may be 8 times
that of PyTorch in float32, or of 2^-22 where that is less: twice what direct convolutions keep to, as
compare.py says of Winograd's.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from torchvision import transforms

import tensors
from compare import LIMITS, WINOGRAD, make_draw
from networks import NETWORKS, ResNet20

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FLOOR, LIMIT = 2.0**-22, WINOGRAD * LIMITS["logits"]
EXPERIMENT = """\
model: {model}
data: {{name: folder, path: pictures, size: {size}, resize: {resize}, colour: {colour},
  mean: {mean}, std: {std}, validation: 0}}
train: {{epochs: 1, batch: 5}}
freeze: {{rules: [thaw all], bn: batch}}
optim: {{lr: 0.000001}}
schedule: {{name: constant}}
"""


class Subject:
    """A network with its experiment, and the pictures that it is asked about."""

    def __init__(self, folder, build, model, input, pictures):
        channels, self.size = input[0], input[1]
        self.folder, self.build, self.pictures = folder, build, pictures
        self.resize = self.size * 8 // 7
        self.mean, self.std = (MEAN, STD) if channels == 3 else (MEAN[:1], STD[:1])
        self.mode = "RGB" if channels == 3 else "L"
        (folder / "a.yaml").write_text(EXPERIMENT.format(
            model=json.dumps(dict(model, weights="model.pth")), size=self.size, resize=self.resize,
            colour="rgb" if channels == 3 else "grey", mean=list(self.mean), std=list(self.std)))

    def batch(self):
        change = transforms.Compose([transforms.Resize(self.resize), transforms.CenterCrop(self.size),
                                     transforms.ToTensor(), transforms.Normalize(self.mean, self.std)])
        return torch.stack([change(Image.open(path).convert(self.mode)) for path in self.pictures])

    def logits(self, state, dtype):
        model = self.build(10).eval().to(dtype)
        model.load_state_dict(state, strict=True)
        with torch.no_grad():
            return model(self.batch().to(dtype))

    def by_torch(self, state, dtype):
        return self.logits(state, dtype).softmax(1).double().numpy()

    def soften(self, state):
        """Makes the logits small: where one class has all the probability, nothing can be compared."""
        size = self.logits(state, torch.float64).std().float()
        for name in list(state)[-2:]:  # the last layer's weight and bias
            state[name] /= size

    def by_thaw(self, thaw, subject):
        lines = run(thaw, "predict", subject, *self.pictures, "--json", "--top", "10", cwd=self.folder)
        out = []
        for line, path in zip(map(json.loads, lines.splitlines()), self.pictures, strict=True):
            assert line["picture"] == str(path)
            by_name = {one["class"]: one["probability"] for one in line["classes"]}
            out.append([by_name[name] for name in sorted(by_name)])
        return np.array(out)

    def compare(self, name, ours, state):
        """Prints a line; returns whether it held."""
        truth = self.by_torch(state, torch.float64)
        error = np.abs(ours - truth).max()
        single = np.abs(self.by_torch(state, torch.float32) - truth).max()
        good = error <= LIMIT * max(single, FLOOR) and (ours.argmax(1) == truth.argmax(1)).all()
        print(f"{name:40} {error:9.2e} {single:9.2e} {error / max(single, FLOOR):6.2f} "
              f"{'' if good else 'FAILED'}", flush=True)
        return good


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:3]))}: {done.stderr}")
    return done.stdout


def draw_pictures(folder, size, random):
    """One a class: a few large spots of colour and noise over them."""
    for i in range(10):
        w, h = (int(n) for n in random.integers(size, size * 3 // 2, 2))
        spots = Image.fromarray(random.integers(0, 256, (4, 4, 3), np.uint8))
        pixels = np.asarray(spots.resize((w, h), Image.BICUBIC)).astype(int)
        pixels += random.integers(-20, 21, pixels.shape)
        path = folder / "pictures" / f"class{i}" / "1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        yield path


def check(thaw, network, folder):
    random = np.random.default_rng(1)
    torch.manual_seed(1)
    start = network.start(make_draw(network, 1))
    state = {name: torch.from_numpy(a.copy()) for name, a in start.items()}
    pictures = list(draw_pictures(folder, network.input[1], random))
    keys = ("shortcut", "head")
    model = {"name": network.request["model"], **{k: network.request[k] for k in keys if k in network.request}}
    subject = Subject(folder, network.build, model, network.input, pictures)
    subject.soften(state)
    torch.save(state, folder / "model.pth")
    yield subject.compare(f"{network.name}, given", subject.by_thaw(thaw, "a.yaml"), state)
    run(thaw, "run", "a.yaml", "--quiet", "--out", "run", cwd=folder)
    file = tensors.read(folder / "run" / "last.safetensors")
    changed = {name: torch.from_numpy(a.copy()) for name, a in file.items()}
    assert any(not torch.equal(changed[name], state[name]) for name in state)
    yield subject.compare(f"{network.name}, trained", subject.by_thaw(thaw, "run"), changed)


def check_cifar(thaw, data, depth, file, folder):
    """A network that someone else trained, on real pictures (as PNG: decoders of JPEG differ)."""
    path = data / "weights" / "resnet_cifar10" / file
    state = {name.removeprefix("module."): value for name, value in
             torch.load(path, map_location="cpu")["state_dict"].items()}
    (folder / "model.pth").symlink_to(path.resolve())
    pictures = []
    for i, jpeg in enumerate(sorted((data / "datasets" / "flowers5_thumbs").rglob("*.jpg"))[::40]):
        pictures.append(folder / "pictures" / f"class{i % 10}" / f"{i:03}.png")
        pictures[-1].parent.mkdir(parents=True, exist_ok=True)
        Image.open(jpeg).convert("RGB").save(pictures[-1])
    build = lambda classes: ResNet20(3, classes, "a", (depth - 2) // 6)
    subject = Subject(folder, build, {"name": f"resnet{depth}", "shortcut": "a"}, (3, 32, 32), pictures)
    yield subject.compare(f"{file} on {len(pictures)} flowers", subject.by_thaw(thaw, "a.yaml"), state)


def checks(arguments):
    thaw = str(pathlib.Path(arguments.thaw).resolve())
    for network in NETWORKS:
        if arguments.only not in network.name or network.long and not (arguments.long or arguments.only):
            continue
        if arguments.size:
            network.resize(arguments.size)
        with tempfile.TemporaryDirectory() as name:
            yield from check(thaw, network, pathlib.Path(name))
    for depth, file in (20, "resnet20-12fca82f.th"), (56, "resnet56-4bfd9763.th"):
        if arguments.data and arguments.data.is_dir() and arguments.only in file:
            with tempfile.TemporaryDirectory() as name:
                yield from check_cifar(thaw, arguments.data, depth, file, pathlib.Path(name))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("thaw")
    parser.add_argument("only", nargs="?", default="")
    parser.add_argument("--size", type=int, help="of the images; for networks of any size")
    parser.add_argument("--long", action="store_true", help="all networks")
    parser.add_argument("--data", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    print(f"{'case':40} {'thaw':>9} {'float32':>9}  ratio")
    results = list(checks(arguments))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
