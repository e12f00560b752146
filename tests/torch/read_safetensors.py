"""Reads a safetensors file with nothing but json and torch, as an independent check of what thaw
writes. Prints one line a tensor: name, dtype, shape, sum. Fails where torch could not use the bytes
in place (misaligned), where tensors overlap, and where bytes are left over.

    python3 read_safetensors.py FILE
"""
import json
import struct
import sys

import torch

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read(path):
    raw = bytearray(open(path, "rb").read())
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    data = torch.frombuffer(raw, dtype=torch.uint8)[8 + length :]
    assert (8 + length) % 8 == 0, "the data is not aligned to 8 bytes"
    metadata, tensors, end = header.pop("__metadata__", {}), {}, 0
    for name, info in header.items():
        begin, stop = info["data_offsets"]
        tensors[name] = data[begin:stop].view(DTYPES[info["dtype"]]).reshape(info["shape"])
    for begin, stop in sorted(info["data_offsets"] for info in header.values()):
        assert begin == end, f"byte {begin} does not follow {end}"
        end = stop
    assert end == len(data), f"{len(data) - end} bytes left over"
    return metadata, tensors


if __name__ == "__main__":
    metadata, tensors = read(sys.argv[1])
    print("metadata", metadata)
    for name, tensor in tensors.items():
        print(name, tensor.dtype, list(tensor.shape), tensor.double().sum().item())
