"""The networks that compare.py trains: a resnet20 of our own, and torchvision's."""
import torch
import torchvision
from torch import nn

from resnet20 import ResNet20

RESIZED_STEPS = 10


class Network:
    """What is compared: a network, its input, the names of its last block and of its head. Steps,
    masks and optimisers are compare.py's own unless given. deep: see there. lr: a factor, where the
    usual rate makes errors grow from step to step. long: only with --long, or when asked for."""

    classes = 10
    resized = False

    def __init__(self, name, build, input, block, head, request, steps=None, masks=None,
                 optims=("sgd",), deep=False, lr=1, long=False):
        self.name, self.build, self.input = name, build, input
        self.parts = {"all": ("",), "tail": (*block, head), "head": (head,)}
        self.steps, self.optims, self.deep, self.lr, self.long = steps, optims, deep, lr, long
        self.masks = masks or ("full", "tail, bn frozen", "tail, bn torch")
        self.request = dict(request, input=input, classes=self.classes)

    def resize(self, size):
        """Images of another size."""
        self.input = self.request["input"] = (self.input[0], size, size)
        self.deep = self.resized = True
        self.steps = min(self.steps or RESIZED_STEPS, RESIZED_STEPS)

    draw = None  # of samples that are no pictures: (random, n) to x, y

    def targets(self, logits, x, y):
        """What the loss compares: rows of logits, and their labels."""
        return logits, y

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


def resnet(name, block, **options):
    build = getattr(torchvision.models, name)
    return Network(name, lambda classes: build(num_classes=classes), (3, 48, 48), (block,), "fc.",
                   {"model": name}, **options)


# In place of VGG's 120 million parameters, which take seconds to write and read at every step.
HEAD = ["linear 64", "relu", "linear"]


def vgg(name, **options):
    def build(classes):
        model = getattr(torchvision.models, name)(init_weights=False)
        model.classifier = nn.Sequential(nn.Linear(512 * 7 * 7, 64), nn.ReLU(),
                                         nn.Linear(64, classes))
        return model

    kinds = [type(module) for module in build(10).features]
    last = max(i for i, kind in enumerate(kinds) if kind is nn.Conv2d)
    block = (f"features.{last}.", f"features.{last + 1}.")  # the second one may be a BatchNorm
    masks = None if nn.BatchNorm2d in kinds else ("full", "tail, bn frozen", "head")
    return Network(name, build, (3, 32, 32), block, "classifier.", {"model": name, "head": HEAD},
                   masks=masks, **options)


def whole_vgg(name):
    build = getattr(torchvision.models, name)
    return Network(f"{name}, whole", lambda classes: build(num_classes=classes, dropout=0),
                   (3, 32, 32), (), "classifier.6.", {"model": name}, steps=2, masks=("last",))


def mobilenet_v2(classes):
    return torchvision.models.mobilenet_v2(num_classes=classes, dropout=0)


BOTH = ("sgd", "adam")
NETWORKS = [
    Network("resnet20, option A", lambda classes: ResNet20(3, classes, "a"), (3, 32, 32),
            ("layer3.2.",), "linear.", {"model": "resnet20", "shortcut": "a"},
            optims=(*BOTH, "weighted")),
    Network("resnet20, option B", lambda classes: ResNet20(1, classes, "b"), (1, 28, 28),
            ("layer3.2.",), "linear.", {"model": "resnet20", "shortcut": "b"}, optims=BOTH),
    resnet("resnet18", "layer4.1.", optims=BOTH),
    resnet("resnet34", "layer4.2.", steps=10, deep=True, long=True),
    resnet("resnet50", "layer4.2.", steps=10, deep=True),
    resnet("resnet101", "layer4.2.", steps=2, deep=True),
    Network("mobilenet_v2", mobilenet_v2, (3, 48, 48), ("features.18.",), "classifier.",
            {"model": "mobilenet_v2"}, steps=10, deep=True),
    vgg("vgg11", steps=10, lr=0.02),
    vgg("vgg11_bn", steps=10, lr=0.1),
    vgg("vgg16_bn", steps=2, lr=0.1),
    *[vgg(name, steps=2, lr=0.1 if name.endswith("_bn") else 0.02, long=True) for name in
      ("vgg13", "vgg13_bn", "vgg16", "vgg19", "vgg19_bn")],
    whole_vgg("vgg16"),
]
