"""A training in PyTorch, which may choose its batches so that no gradient jumps (see compare.py)."""
import torch
from torch import nn
from torch.nn import functional


class TooNear(Exception):
    """A batch comes too near to where a gradient jumps."""


def relu_gaps(module, x):
    return x.abs()


def relu6_gaps(module, x):
    return torch.minimum(x.abs(), (x - 6).abs())


def max_pool_gaps(module, x):
    windows = functional.unfold(x, module.kernel_size, 1, module.padding, module.stride)
    windows = windows.view(*x.shape[:2], module.kernel_size**2, -1)
    best, second = windows.topk(2, dim=2).values.unbind(2)
    return torch.where(best > 0, best - second, best.max())  # at 0, the ReLU before stops gradients


GAPS = {nn.ReLU: relu_gaps, nn.ReLU6: relu6_gaps, nn.MaxPool2d: max_pool_gaps}


BUDGET, CLEARANCE = 3.6, 0.3  # see compare.py


class TorchRun:
    """mask and optim: see compare.py. No decay for biases and norms, which have one dimension."""

    def __init__(self, network, start, dtype, mask, optim):
        self.network, self.dtype = network, dtype
        self.model = network.build(network.classes)
        self.model.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in start.items()})
        self.model.to(dtype).train(mask["train"])
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name.startswith(network.parts[mask["part"]]))
        self.thawed = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        weights = optim.get("class_weights")
        self.loss = nn.CrossEntropyLoss(None if weights is None else torch.tensor(weights, dtype=dtype),
                                        label_smoothing=optim.get("smoothing", 0))
        parameters = self.thawed.values()
        groups = [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": optim["weight_decay"]},
            {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0},
        ]
        if optim["optim"] == "adam":
            self.optim = torch.optim.Adam(groups, optim["lr"], eps=optim["eps"])
        else:
            self.optim = torch.optim.SGD(
                groups, optim["lr"], momentum=optim["momentum"], nesterov=optim["nesterov"]
            )

    def watch(self):
        """From now on batches raise TooNear."""
        for module in self.model.modules():
            if type(module) in GAPS:
                module.register_forward_pre_hook(self.look)
        self.looks, self.clearance = 0, 0

    def look(self, module, inputs):
        if not inputs[0].requires_grad:
            return
        self.looks += 1
        x = inputs[0].detach()
        gaps = GAPS[type(module)](module, x)
        if gaps.min() < self.clearance / gaps.numel() * x.square().mean().sqrt():
            raise TooNear

    def count_looks(self, x):
        """Sets the clearance by how often a forward pass looks; x is any batch."""
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        self.model(torch.from_numpy(x).to(self.dtype))
        self.restore(buffers)
        self.clearance = min(CLEARANCE, BUDGET / max(1, self.looks))

    def restore(self, buffers):
        for buffer, old in zip(self.model.buffers(), buffers):
            buffer.copy_(old)

    def step(self, x, y):
        """Loss, gradients by name, logits."""
        self.optim.zero_grad()
        logits = self.model(torch.from_numpy(x).to(self.dtype))
        loss = self.loss(*self.network.targets(logits, torch.from_numpy(x), torch.from_numpy(y)))
        loss.backward()
        gradients = {name: p.grad.numpy().copy() for name, p in self.thawed.items()}
        self.optim.step()
        return loss.item(), gradients, logits.detach().numpy().copy()

    def draw_step(self, draw, n):
        """The same on a batch of its own choice, which it also returns."""
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        while True:
            x, y = draw(n)
            try:
                return x, y, self.step(x, y)
            except TooNear:  # the statistics of the layers before have already moved
                self.restore(buffers)

    def state(self):
        return {name: value.numpy() for name, value in self.model.state_dict().items()}
