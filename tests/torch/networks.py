"""The networks that compare.py trains: a resnet20 of our own, and torchvision's resnet18.

Every ReLU is a module, so that a hook sees its input.
"""
import torch
import torchvision
from torch import nn
from torch.nn import functional


class PadShortcut(nn.Module):
    """Option A: every second pixel, and zeros for the new channels on both sides."""

    def __init__(self, extra):
        super().__init__()
        self.pad = (0, 0, 0, 0, extra // 2, extra // 2)

    def forward(self, x):
        return functional.pad(x[:, :, ::2, ::2], self.pad)


class BasicBlock(nn.Module):
    def __init__(self, planes_in, planes, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(planes_in, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU()
        self.shortcut = nn.Sequential()
        if planes_in != planes and option == "a":
            self.shortcut = PadShortcut(planes - planes_in)
        elif planes_in != planes:
            conv = nn.Conv2d(planes_in, planes, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(planes))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet20(nn.Module):
    def __init__(self, channels, classes, option):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = self.layer(16, 16, 1, option)
        self.layer2 = self.layer(16, 32, 2, option)
        self.layer3 = self.layer(32, 64, 2, option)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def layer(planes_in, planes, stride, option):
        first = BasicBlock(planes_in, planes, stride, option)
        return nn.Sequential(first, *[BasicBlock(planes, planes, 1, option) for _ in range(2)])

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class Network:
    """What is compared: a network, its input and the names of its last block and head."""

    classes = 10

    def __init__(self, name, build, input, tail, request):
        self.name, self.build, self.input, self.tail = name, build, input, tail
        self.request = dict(request, input=input, classes=self.classes)

    def start(self, draw):
        """A state to start from: random weights, and statistics of 10 batches that `draw` gives."""
        model = self.build(self.classes)
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.1)
                module.momentum = None  # the mean over all batches
        with torch.no_grad():
            for _ in range(10):
                model(torch.from_numpy(draw(16)[0]))
        return {name: value.numpy() for name, value in model.state_dict().items()}


NETWORKS = [
    Network("resnet20, option A", lambda classes: ResNet20(3, classes, "a"), (3, 32, 32),
            ("layer3.2.", "linear."), {"model": "resnet20", "shortcut": "a"}),
    Network("resnet20, option B", lambda classes: ResNet20(1, classes, "b"), (1, 28, 28),
            ("layer3.2.", "linear."), {"model": "resnet20", "shortcut": "b"}),
    Network("resnet18", lambda classes: torchvision.models.resnet18(num_classes=classes),
            (3, 48, 48), ("layer4.1.", "fc."), {"model": "resnet18"}),
]
