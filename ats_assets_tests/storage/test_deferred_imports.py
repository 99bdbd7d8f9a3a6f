"""Imports without what they import for parts that nobody uses."""

import importlib
import sys
from pathlib import Path

import pytest

from ats_assets.storage.deferred_imports import deferred


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that imports another, a part of that, and one that is there for some."""
    for name, text in {
        "large_one/__init__.py": "def answer(): return 42\n",
        "large_one/part.py": "from large_one import answer\n",
        "small_one.py": "import large_one as large\ntry:\n    import optional_one\nexcept ImportError:\n    optional_one = None\n",
        "optional_one.py": "",
        "user_of_part.py": "from large_one.part import answer\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("large_one", "large_one.part", "small_one", "optional_one", "user_of_part"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("library")
def test_a_module_is_imported_when_it_is_used_and_an_absent_one_later() -> None:
    with deferred("large_one", absent=["optional_one"]):
        small = importlib.import_module("small_one")
    assert {"large_one", "optional_one"}.isdisjoint(sys.modules)
    assert small.optional_one is None
    assert small.large.answer() == 42
    assert sys.modules["large_one"].__file__
    importlib.import_module("optional_one")


@pytest.mark.usefixtures("library")
def test_who_needs_it_at_once_has_it_and_what_is_there_stays() -> None:
    with deferred("large_one"):
        assert importlib.import_module("user_of_part").answer() == 42
    real = sys.modules["large_one"]
    with deferred("large_one", absent=["large_one.part"]):
        assert importlib.import_module("large_one") is real
        assert importlib.import_module("large_one.part").answer() == 42
