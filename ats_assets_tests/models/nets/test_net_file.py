"""A net's file: read as the library reads it, written the same each time, and refused where it is damaged."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ats_assets.errors import ModelError
from ats_assets.models.nets.net_file import read_net, written_net

safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors comes with the extra torch")

TENSORS = {
    "b.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([0.5], dtype=np.float32),
    "empty": np.empty((0, 4), np.float32),
}
TOLD = {"length": 20, "inputs": "features", "columns": [0, 1]}


def test_it_is_read_as_the_library_reads_it() -> None:
    content = written_net(TENSORS, TOLD)
    found, told = read_net(content)
    theirs = safetensors.load(content)
    assert told == TOLD
    assert found.keys() == theirs.keys() == TENSORS.keys()
    for name, one in TENSORS.items():
        assert np.array_equal(found[name], one)
        assert np.array_equal(theirs[name], one)
    assert b"pickle" not in content
    assert content[8:9] == b"{"


def test_it_is_the_same_bytes_in_another_process_and_in_another_order() -> None:
    """The library keeps metadata in a map of random order: of one key there is one."""
    code = "\n".join(
        (
            "import sys, numpy as np",
            "from ats_assets.models.nets.net_file import written_net",
            "tensors = {'empty': np.empty((0, 4), np.float32), 'a': np.array([0.5], np.float32), 'b.weight': np.arange(6, dtype=np.float32).reshape(2, 3)}",
            "sys.stdout.write(written_net(tensors, {'columns': [0, 1], 'inputs': 'features', 'length': 20}).hex())",
        )
    )
    environment = os.environ | {"PYTHONHASHSEED": "5"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert bytes.fromhex(done.stdout) == written_net(TENSORS, TOLD)


def test_each_shortening_of_it_is_refused() -> None:
    content = written_net(TENSORS, TOLD)
    for length in range(len(content)):
        with pytest.raises(ModelError):
            read_net(content[:length])
    with pytest.raises(ModelError, match="its tensors have 28 bytes, and there are 29"):
        read_net(content + b"\0")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"F32"', b'"F64"'), (b'"shape":[2,3]', b'"shape":[2,4]'), (b'"net"', b'"not"'), (b"data_offsets", b"data_offzets")],
)
def test_a_header_that_is_wrong_is_refused(old: bytes, new: bytes) -> None:
    content = written_net(TENSORS, TOLD)
    assert old in content
    with pytest.raises(ModelError, match="no net, or a damaged one"):
        read_net(content.replace(old, new, 1))


def test_numbers_that_are_none_are_refused() -> None:
    content = written_net({"a": np.array([1.0, np.nan], dtype=np.float32)}, TOLD)
    with pytest.raises(ModelError, match="the tensor a has numbers that are none"):
        read_net(content)
