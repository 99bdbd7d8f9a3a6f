"""The examples in docstrings run, and print what they say."""

import doctest
import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import ats_assets

ROOT = Path(ats_assets.__file__).parent
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
SHOWN = ("ats_assets.backtests.metrics", "ats_assets.expressions", "ats_assets.portfolio")
"""Packages of which every public function has an example, but for those that take an account, a whole plan or a whole backtest."""
WITHOUT = {
    "backtest_metrics",
    "break_even_multiple",
    "close_delisted",
    "cost_cases",
    "fill_at_open",
    "limited_trades",
    "trade_excursions",
    "wanted_and_held",
    "wanted_figures",
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    said: list[str] = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(test, out=said.append)
    assert runner.tries, "the module has examples that are not found"
    assert not runner.failures, "".join(said)


def public_functions(package: ModuleType) -> dict[str, str]:
    """Function -> its docstring."""
    found = {name: inspect.unwrap(getattr(package, name)) for name in package.__all__}
    return {name: inspect.getdoc(one) or "" for name, one in found.items() if inspect.isfunction(one)}


@pytest.mark.parametrize("package", SHOWN)
def test_public_functions_have_an_example(package: str) -> None:
    docs = public_functions(importlib.import_module(package))
    assert not {name for name, doc in docs.items() if "Examples\n--------" not in doc} - WITHOUT
