"""A net as a file of safetensors: the tensors, and in the metadata one text of JSON that says how it is made. Never a pickle.

The library writes it. It is read here: the form is a length, a header of JSON and the numbers, and who scores needs neither the library nor PyTorch.
"""

import importlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ModelError

Tensors = dict[str, NDArray[np.float32]]
DESCRIBED: Final = "net"
"""The only key of the metadata: of several the library writes the order as it comes."""
LENGTH: Final = 8


def written_net(tensors: Mapping[str, NDArray[np.float32]], described: Mapping[str, Any]) -> bytes:
    """The file: the same bytes for the same tensors and description."""
    save = importlib.import_module("safetensors.numpy").save
    ordered = {name: np.ascontiguousarray(tensors[name], dtype=np.float32) for name in sorted(tensors)}
    return save(ordered, metadata={DESCRIBED: json.dumps(described, sort_keys=True)})


def read_net(content: bytes) -> tuple[Tensors, dict[str, Any]]:
    """The tensors of a file, and its description.

    Raises
    ------
    ModelError
        If it is no such file, or is damaged.
    """
    try:
        length = int.from_bytes(content[:LENGTH], "little")
        numbers = content[LENGTH + length :]
        header: dict[str, Any] = json.loads(content[LENGTH : LENGTH + length])
        described = json.loads(header.pop("__metadata__")[DESCRIBED])
        tensors = {name: _tensor(name, told, numbers) for name, told in header.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"this is no net, or a damaged one ({type(error).__name__}: {error}): fit it again with ats run") from error
    if (whole := sum(tensor.nbytes for tensor in tensors.values())) != len(numbers):
        raise ModelError(f"this net is damaged: its tensors have {whole} bytes, and there are {len(numbers)}; fit it again with ats run")
    return tensors, described


def _tensor(name: str, told: Mapping[str, Any], numbers: bytes) -> NDArray[np.float32]:
    begin, end = told["data_offsets"]
    shape = tuple(int(size) for size in told["shape"])
    if told["dtype"] != "F32" or not 0 <= begin <= end <= len(numbers) or end - begin != 4 * math.prod(shape):
        raise ValueError(f"the tensor {name} is not as its header says")
    found = np.frombuffer(numbers[begin:end], dtype="<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(found).all():
        raise ValueError(f"the tensor {name} has numbers that are none")
    return found
