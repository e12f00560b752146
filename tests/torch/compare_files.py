#!/usr/bin/env python3
"""Holds what `thaw convert` writes against PyTorch's own view of the same files, bit by bit.

    python3 tests/torch/compare_files.py THAW [FOLDER]      files made here, and those in FOLDER
    python3 tests/torch/compare_files.py --write FOLDER     writes tests/checkpoint/torch_files.tsv

Needs torch and torchvision (Debian: python3-torch, python3-torchvision).

Files made here: every type, protocols 2 to 5, both formats, views of all kinds, containers, an
optimiser beside the model, wrapped models, a network of torchvision that must load strictly from
what thaw wrote; and what must be refused: whole models, TorchScript, complex numbers, sparse tensors.

The table has, for each tensor of each file of data/torch, its name, type, shape and the CRC-32 of its
elements in order, as PyTorch sees them; "-" for a file that PyTorch cannot load. The C tests read it.
"""
import collections
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

import torch
import torchvision

TABLE = pathlib.Path(__file__).parent.parent / "checkpoint" / "torch_files.tsv"
# src/checkpoint/torch_file.c: usual_parts
PARTS = ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params"]
WRAPPERS = ["module.", "_orig_mod."]
NAMES = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint8: "U8", torch.bool: "BOOL",
}


def has_tensor(value):
    if isinstance(value, torch.Tensor):
        return True
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return any(has_tensor(item) for item in items)


def part_of(value):
    """The model's part of a checkpoint, by the rule of torch_file.c."""
    while isinstance(value, dict) and not any(isinstance(v, torch.Tensor) for v in value.values()):
        for part in PARTS:
            if isinstance(value.get(part), dict) and has_tensor(value[part]):
                value = value[part]
                break
        else:
            break
    return value


def flatten(value, name=""):
    if isinstance(value, torch.Tensor):
        yield name or "tensor", value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from flatten(item, f"{name}.{i}" if name else str(i))


def raw(tensor):
    """The elements in order, as bytes: numpy has no bfloat16."""
    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes()


def view(value):
    return [(n, NAMES[t.dtype], list(t.shape), raw(t)) for n, t in flatten(part_of(value))]


def unwrapped(tensors):
    names = [t[0] for t in tensors]
    again = True
    while again:
        again = False
        for wrapper in WRAPPERS:
            if names and all(n.startswith(wrapper) and n != wrapper for n in names):
                names, again = [n[len(wrapper):] for n in names], True
    return [(n, *t[1:]) for n, t in zip(names, tensors)]


def read_safetensors(path):
    """In the header's order."""
    bytes_ = path.read_bytes()
    (length,) = struct.unpack("<Q", bytes_[:8])
    header = json.loads(bytes_[8 : 8 + length])
    assert header.pop("__metadata__", {}).get("format") == "pt", "no format in the metadata"
    data = bytes_[8 + length :]
    return [(n, i["dtype"], i["shape"], data[slice(*i["data_offsets"])]) for n, i in header.items()]


def load(path):
    if path.suffix == ".safetensors":
        return None
    return torch.load(path, map_location="cpu")


# ---- Files made here.


def values(dtype):
    if dtype == torch.bool:
        return torch.tensor([True, False, True, True])
    return torch.tensor([1, -2, 3, 100]).to(dtype)


def views():
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    return {
        "whole": base, "turned": base.permute(2, 0, 1), "part": base[1, 1:, ::2], "one": base[1, 2, 3],
        "wide": base[:1, :1, :1].expand(5, 6, 4), "empty": base[:, :0], "column": base[:, :, 1:2],
        "last": torch.nn.Conv2d(3, 4, 3).weight.data.to(memory_format=torch.channels_last),
    }


class Wrapper(torch.nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module


def tied():
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    net[1].weight = net[0].weight
    return net


def checkpoint():
    net = torchvision.models.resnet18(num_classes=3)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    net(torch.zeros(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    plan = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 3, 5])
    return {"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict(),
            "plan": plan.state_dict(), "size": torch.Size([1, 2]), "device": torch.device("cpu"),
            "rng": torch.get_rng_state(), "dtype": torch.float16, "set": {1}, "bytes": b"ab"}


def good_cases():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    yield "types", {str(d): values(d) for d in NAMES}
    yield "views", views()
    yield "state", net.state_dict()
    yield "tied", tied().state_dict()
    yield "wrapped", {"state_dict": Wrapper(Wrapper(net)).state_dict(), "best": 0.5}
    yield "parameters", dict(net.named_parameters())
    yield "nested", {"model": {"state_dict": {"a": [torch.ones(2), {"b": torch.zeros(1)}], 7: torch.ones(1)}}}
    yield "tensor", torch.randn(3, 1, 2)
    yield "tuple", (torch.ones(1), "text", None, 1 << 70, torch.zeros(2, 0))
    yield "checkpoint", checkpoint()
    yield "special", torch.tensor([float("nan"), float("inf"), -0.0, 1e-45])


class Unknown:
    pass


def bad_cases():
    net = torch.nn.Linear(2, 2)
    yield "whole_model", lambda path: torch.save(net, path), "state_dict() instead"
    yield "whole_model_before_1.6", lambda path: torch.save(
        net, path, _use_new_zipfile_serialization=False), "state_dict() instead"
    yield "own_class", lambda path: torch.save({"a": torch.ones(1), "b": Unknown()}, path), "Unknown"
    yield "script", lambda path: torch.jit.script(net).save(path), "TorchScript"
    yield "complex", lambda path: torch.save(torch.ones(2, dtype=torch.complex64), path), "not supported"
    yield "sparse", lambda path: torch.save(torch.eye(2).to_sparse(), path), "not supported"
    yield "deep", lambda path: torch.save(torch.ones(1, 1, 1, 1, 1), path), "5 dimensions"
    yield "empty", lambda path: torch.save({}, path), "no tensor"
    yield "numbers", lambda path: torch.save([1, 2], path), "no tensor"
    yield "repeated", lambda path: torch.save(torch.zeros(1).expand(1000, 1000), path), ".clone()"


def make_files(folder):
    for name, value in good_cases():
        for protocol in (2, 3, 4, 5):
            for zipped in (True, False):
                path = folder / f"{name}-{protocol}-{'zip' if zipped else 'legacy'}.pt"
                torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
                yield path


# ---- The comparison.


def convert(thaw, path, out):
    return subprocess.run([thaw, "convert", str(path), str(out)], capture_output=True, text=True)


def compare(thaw, path, out):
    """What is wrong, or None."""
    out.unlink(missing_ok=True)
    done = convert(thaw, path, out)
    try:
        value = load(path)
    except Exception:
        refused = done.returncode == 2 and done.stderr.count("\n") == 1 and not out.exists()
        return None if refused else f"PyTorch refuses it, thaw says: {done.stdout}{done.stderr}"
    if done.returncode:
        return done.stderr.strip()
    got = read_safetensors(out)
    want = read_plain(path) if value is None else unwrapped(view(value))
    if value is None:
        got, want = sorted(got), sorted(want)
    for a, b in zip(got, want):
        if a != b:
            return f"{a[:3]} is not {b[:3]}, or has other bits"
    return None if len(got) == len(want) else f"{len(got)} tensors instead of {len(want)}"


def read_plain(path):
    bytes_ = path.read_bytes()
    (length,) = struct.unpack("<Q", bytes_[:8])
    header = json.loads(bytes_[8 : 8 + length])
    header.pop("__metadata__", None)
    data = bytes_[8 + length :]
    return [(n, i["dtype"], i["shape"], data[slice(*i["data_offsets"])]) for n, i in header.items()]


def loads_strictly(thaw, folder):
    """A network's own file, by thaw, back into the network."""
    net, other = torchvision.models.resnet18(), torchvision.models.resnet18()
    with torch.no_grad():
        net.bn1.running_mean.normal_()
    torch.save({"state_dict": Wrapper(net).state_dict()}, folder / "net.pth")
    done = convert(thaw, folder / "net.pth", folder / "net.safetensors")
    if done.returncode:
        return done.stderr.strip()
    types = {name: dtype for dtype, name in NAMES.items()}
    state = collections.OrderedDict()
    for name, dtype, shape, data in read_safetensors(folder / "net.safetensors"):
        state[name] = torch.frombuffer(bytearray(data), dtype=types[dtype]).reshape(shape)
    other.load_state_dict(state, strict=True)
    batch = torch.randn(2, 3, 64, 64)
    if list(state) != list(net.state_dict()):
        return "the order of the names is not PyTorch's"
    return None if torch.equal(net.eval()(batch), other.eval()(batch)) else "other logits"


def check(thaw, data):
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        out = folder / "out.safetensors"
        files = list(make_files(folder))
        for pattern in ("*.pt", "*.pth", "*.th", "*.safetensors"):
            files += sorted(data.rglob(pattern)) if data else []
        results = [(path.name, compare(thaw, path, out)) for path in files]
        for case, save, why in bad_cases():
            save(folder / f"{case}.pt")
            out.unlink(missing_ok=True)
            done = convert(thaw, folder / f"{case}.pt", out)
            good = done.returncode == 2 and why in done.stderr and done.stderr.count("\n") == 1
            results.append((case, None if good and not out.exists() else f"not refused: {done.stderr}"))
        results.append(("resnet18 strictly", loads_strictly(thaw, folder)))
    for case, wrong in results:
        if wrong:
            failed += 1
            print(f"{case}: {wrong}")
    print(f"{len(results) - failed} of {len(results)} files as PyTorch has them")
    return failed > 0


def write_table(data):
    with open(TABLE, "w") as out:
        out.write("# Written by tests/torch/compare_files.py: file, tensor, type, shape, CRC-32.\n")
        for path in sorted((data / "torch").rglob("*.pt")):
            name = path.relative_to(data / "torch")
            try:
                for tensor, dtype, shape, bytes_ in view(load(path)):
                    size = "x".join(map(str, shape)) or "scalar"
                    out.write(f"{name}\t{tensor}\t{dtype}\t{size}\t{zlib.crc32(bytes_):08x}\n")
            except Exception:
                out.write(f"{name}\t-\t-\t-\t-\n")


if __name__ == "__main__":
    torch.manual_seed(1)
    if sys.argv[1] == "--write":
        write_table(pathlib.Path(sys.argv[2]))
    else:
        sys.exit(check(sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None))
