#!/usr/bin/env python3
"""Writes tests/models/*.names: the names and shapes of PyTorch's state_dict, in its order; and
tests/models/torchvision.txt, for each of torchvision's networks that thaw has: its name, how many
parameters it trains, and the 64-bit FNV-1a hash of what its .names file would be.

    make_names.py [NETWORK]    with one of torchvision's: only prints its names and shapes

Needs torch and torchvision (Debian: python3-torch, python3-torchvision). Prints, for each network,
how many parameters it trains. The networks other than torchvision's are written here independently
of thaw's builders.
"""
import pathlib
import sys

import torchvision
from torch import nn


class PadShortcut(nn.Module):
    """Option A: no parameters, so no names."""


class BasicBlock(nn.Module):
    def __init__(self, planes_in, planes, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(planes_in, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if (stride != 1 or planes_in != planes) and option == "A":
            self.shortcut = PadShortcut()
        elif stride != 1 or planes_in != planes:
            conv = nn.Conv2d(planes_in, planes, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(planes))


class ResNet(nn.Module):
    def __init__(self, depth, channels, classes, option):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self.layer(16, 16, blocks, 1, option)
        self.layer2 = self.layer(16, 32, blocks, 2, option)
        self.layer3 = self.layer(32, 64, blocks, 2, option)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def layer(planes_in, planes, blocks, stride, option):
        first = BasicBlock(planes_in, planes, stride, option)
        rest = [BasicBlock(planes, planes, 1, option) for _ in range(blocks - 1)]
        return nn.Sequential(first, *rest)


class Cnn(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        widths = [channels, 32, 64, 128]
        self.features = nn.Sequential(*[self.block(i, o) for i, o in zip(widths, widths[1:])])
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Linear(128 * 3 * 3, classes))

    @staticmethod
    def block(inputs, outputs):
        conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2))


class Mlp(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(inputs, 256)
        self.fc2 = nn.Linear(256, 128)
        self.fc3 = nn.Linear(128, classes)


def report(name, model):
    count = sum(p.numel() for p in model.parameters())
    print(f"{name}: {count} trainable parameters")


FOLDER = pathlib.Path(__file__).parent.parent / "models"
TORCHVISION = ["resnet18", "resnet34", "resnet50", "resnet101", "vgg11", "vgg11_bn", "vgg13",
               "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "mobilenet_v2"]


def names(model):
    return "".join(f"{key} {list(value.shape)}\n" for key, value in model.state_dict().items())


def write(name, model):
    (FOLDER / f"{name}.names").write_text(names(model))
    report(name, model)


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def torchvision_line(name):
    model = getattr(torchvision.models, name)(init_weights=False) if name.startswith("vgg") \
        else getattr(torchvision.models, name)()
    report(name, model)
    count = sum(p.numel() for p in model.parameters())
    return f"{name} {count} {fnv(names(model)):016x}\n"


if len(sys.argv) == 2:
    print(names(getattr(torchvision.models, sys.argv[1])()), end="")
    sys.exit()
(FOLDER / "torchvision.txt").write_text("".join(map(torchvision_line, TORCHVISION)))
write("mlp", Mlp(28 * 28, 10))
write("cnn", Cnn(1, 10))
write("resnet20", ResNet(20, 3, 10, "B"))
write("resnet18", torchvision.models.resnet18())
for depth in 8, 20, 32, 44, 56:
    report(f"resnet{depth}, option A", ResNet(depth, 3, 10, "A"))
    report(f"resnet{depth}, option B", ResNet(depth, 3, 10, "B"))
