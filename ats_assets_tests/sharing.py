"""What takes long to make and is the same for all tests is made once, whatever number of processes the tests run in."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A copy, for this process alone, of the folder that `make` fills. The first process to come makes it, others wait for it; tests of another folder share the copy."""
    own = factory.getbasetemp() / name
    return own if own.exists() else shutil.copytree(made_for_all(factory, name, make), own)


def made_for_all(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """That folder itself, to copy from and not to write to."""
    own = factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    original, finished = common / f"{name}-original", common / f"{name}-finished"
    with FileLock(common / f"{name}.lock"):
        if not finished.exists():
            shutil.rmtree(original, ignore_errors=True)
            make(original)
            finished.touch()
    return original
