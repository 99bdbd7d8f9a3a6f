"""The examples as modules, in an environment that is put back; one deployment of the quick start for all that look at it."""

import contextlib
import importlib.util
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ats_assets_tests.sharing import made_once

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@contextlib.contextmanager
def of_examples(results: Path) -> Iterator[None]:
    """Inside, examples can be imported and put their results below a folder; the environment is the same afterwards."""
    before = dict(os.environ)
    kept = {name: value for name, value in before.items() if not name.startswith(("ATS_", "DAGSTER_"))}
    try:
        os.environ.clear()
        os.environ.update(kept, ATS_EXAMPLES_FOLDER=str(results), COLUMNS="200")
        sys.path.insert(0, str(EXAMPLES))
        sys.modules.pop("small_deployment", None)
        yield
    finally:
        sys.path.remove(str(EXAMPLES))
        os.environ.clear()
        os.environ.update(before)


def example(name: str) -> ModuleType:
    """A program of the examples, imported but not started."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where examples put what they make; the quick start has been there."""

    def make(folder: Path) -> None:
        printed = io.StringIO()
        with of_examples(folder), contextlib.redirect_stdout(printed):
            example("quick_start").main([])
        (folder / "printed.txt").write_text(printed.getvalue(), encoding="utf-8")

    return made_once(tmp_path_factory, "examples", make)


@pytest.fixture(scope="session")
def quick_start(results: Path) -> str:
    """What the quick start has printed; its deployment lies in the results."""
    return (results / "printed.txt").read_text(encoding="utf-8")
