#!/usr/bin/env python3
"""Training steps in PyTorch, for against_torch.py, which starts it with the environment it needs.

    torch_step.py '{"model": "resnet18", "batch": 16, "size": 224, "classes": 1000, "threads": 2,
                    "thaw": ["layer4", "fc"], "cached": false}'

Says `ready`, then does one step (forward, backward, SGD with momentum) and prints its seconds by
the clock and of processors for every line it reads; at the end, as JSON, the bytes that it had in
memory before it built the network, and at most, and by which instruction sets it multiplied. What
is not thawed has no gradient and its BatchNorm normalises by stored statistics; a frozen layer of
BERT drops nothing. cached: steps on what everything but the last layer computed, kept by hand.
"""
import ctypes
import json
import os
import sys
import time

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torch"))
from resnet20 import ResNet20  # noqa: E402
import torchvision  # noqa: E402


class BertBase(nn.Module):
    """torch.nn's encoder layers between BERT's embeddings and its head, with BERT's dropout."""

    def __init__(self, classes):
        super().__init__()
        self.bert = nn.Module()
        self.bert.words, self.bert.positions = nn.Embedding(30522, 768), nn.Embedding(512, 768)
        self.bert.norm, self.bert.drop = nn.LayerNorm(768, eps=1e-12), nn.Dropout(0.1)
        self.bert.encoder = nn.Module()
        self.bert.encoder.layer = nn.ModuleList(
            nn.TransformerEncoderLayer(768, 12, 3072, 0.1, "gelu", 1e-12, batch_first=True)
            for _ in range(12))
        self.bert.pooler, self.drop = nn.Linear(768, 768), nn.Dropout(0.1)
        self.classifier = nn.Linear(768, classes)

    def forward(self, ids):
        x = self.bert.words(ids) + self.bert.positions.weight[:ids.shape[1]]
        x = self.bert.drop(self.bert.norm(x))
        for layer in self.bert.encoder.layer:
            x = layer(x)
        return self.classifier(self.drop(torch.tanh(self.bert.pooler(x[:, 0]))))


def build(work):
    if work["model"] == "bert-base":
        return BertBase(work["classes"])
    if work["model"] == "resnet20":
        return ResNet20(3, work["classes"], "a")
    return getattr(torchvision.models, work["model"])(num_classes=work["classes"])


def freeze(model, thaw):
    """Only what lies below a name in `thaw` is trained; "all": everything."""
    def thawed(name):
        return "all" in thaw or any(name == t or name.startswith(t + ".") for t in thaw)

    for name, parameter in model.named_parameters():
        parameter.requires_grad_(thawed(name))
    model.train()
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d) and not thawed(name):
            module.eval()
        if isinstance(module, nn.TransformerEncoderLayer) and not thawed(name):
            module.eval()  # no dropout, and its fast way
    if isinstance(model, BertBase) and not thawed("bert"):
        model.bert.drop.eval()
    return [p for p in model.parameters() if p.requires_grad]


def prepare(work):
    """The model, its input, its optimiser."""
    torch.manual_seed(1)
    torch.set_num_threads(work["threads"])
    model = build(work).to(memory_format=torch.channels_last)
    thawed = freeze(model, work["thaw"])
    if isinstance(model, BertBase):
        x = torch.randint(0, 20011, (work["batch"], work["size"]))
    else:
        x = torch.randn(work["batch"], 3, work["size"], work["size"])
        x = x.contiguous(memory_format=torch.channels_last)
    if work["cached"]:
        last = [m for m in model.modules() if isinstance(m, nn.Linear)][-1]
        model, thawed = last, list(last.parameters())
        x = torch.randn(work["batch"], last.in_features)
    return model, x, torch.optim.SGD(thawed, lr=1e-4, momentum=0.9)


def status_bytes(name):
    """VmRSS, what is in memory, or VmHWM, the most there has been."""
    with open("/proc/self/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith(name + ":"):
                return 1024 * int(line.split()[1])
    return 0


def library_answer(part, function, kind):
    """What a function without arguments of a loaded library says; None without such a library."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        paths = sorted({line.split()[-1] for line in file if part in line})
    for path in paths:
        try:
            call = getattr(ctypes.CDLL(path), function)
        except (OSError, AttributeError):
            continue
        call.restype = kind
        answer = call()
        return answer.decode() if isinstance(answer, bytes) else answer
    return None


def isa():
    lines = torch.__config__.show().splitlines()
    aten = [line.split(":")[1].strip() for line in lines if "CPU capability usage" in line]
    return {"aten": aten[0] if aten else None,
            "onednn": library_answer("libdnnl", "dnnl_get_effective_cpu_isa", ctypes.c_int),
            "openblas": library_answer("openblas", "openblas_get_corename", ctypes.c_char_p)}


def main():
    work = json.loads(sys.argv[1])
    idle = status_bytes("VmRSS")
    model, x, optimiser = prepare(work)
    labels = torch.zeros(work["batch"], dtype=torch.long)
    loss = nn.CrossEntropyLoss()
    print("ready", flush=True)
    for _ in sys.stdin:
        start, before = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        loss(model(x), labels).backward()
        optimiser.step()
        print(f"{time.perf_counter() - start:.9f} {time.process_time() - before:.9f}", flush=True)
    print(json.dumps({"idle_bytes": idle, "peak_bytes": status_bytes("VmHWM"), "isa": isa()}),
          flush=True)


if __name__ == "__main__":
    main()
