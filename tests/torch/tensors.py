"""Reads and writes safetensors files with nothing but json and numpy."""
import json
import struct

import numpy as np

DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def read(path):
    """The tensors of a file, as arrays by name."""
    raw = np.fromfile(path, np.uint8)
    (length,) = struct.unpack("<Q", raw[:8].tobytes())
    header, data = json.loads(raw[8 : 8 + length].tobytes()), raw[8 + length :]
    header.pop("__metadata__", None)
    return {
        name: data[slice(*info["data_offsets"])].view(DTYPES[info["dtype"]]).reshape(info["shape"])
        for name, info in header.items()
    }


def write(path, tensors):
    header, blobs, at = {}, [], 0
    for name, array in tensors.items():
        blobs.append(array.tobytes())
        header[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
