"""ResNet-20 for small pictures, and its deeper relatives, in PyTorch.

Every ReLU is a module, so that a hook sees its input.
"""
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
    """With more blocks in each of the three layers, its deeper relatives: 9 make ResNet-56."""

    def __init__(self, channels, classes, option, blocks=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = self.layer(16, 16, 1, option, blocks)
        self.layer2 = self.layer(16, 32, 2, option, blocks)
        self.layer3 = self.layer(32, 64, 2, option, blocks)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def layer(planes_in, planes, stride, option, blocks):
        first = BasicBlock(planes_in, planes, stride, option)
        return nn.Sequential(first, *[BasicBlock(planes, planes, 1, option) for _ in range(blocks - 1)])

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))
