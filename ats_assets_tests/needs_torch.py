"""Tests of what PyTorch trains: skipped where it is not installed, unless the environment says that it must be."""

import importlib.util
import os

import pytest

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None and not os.environ.get("ATS_TESTS_NEED_TORCH"),
    reason="PyTorch is not installed: python3 dev.py torch",
)
