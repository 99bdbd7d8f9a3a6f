"""The package's layout: its root, how long files are, what files and classes may be called, and that a file of `cli/` is a command."""

import ast
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import ats_assets
from ats_assets.cli import app

PACKAGE = Path(ats_assets.__file__).parent
ROOT_FILES = {
    "__init__.py",
    "calendar.py",
    "crypto.py",
    "definitions.py",
    "deployment.py",
    "errors.py",
    "plugins.py",
    "py.typed",
    "refits.py",
}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
OF_EVERY_FOLDER = {"__init__", "__main__", "assets", "checks", "schema", "contracts", "choosing", "screening", "errors", "tables"}
"""Modules that hold the same in each folder that has one; `tables` are those of a database."""
AFTER_ANOTHER = {
    "settings",
    "automation",
    "cli",
    "commands",
    "engines",
    "ensembles",
    "event_sources",
    "option_sources",
    "routes",
    "streams",
}
"""Folders in which a file is named after what it sets, triggers, commands or answers, or as the settings call it."""
FUNCTIONS_OF_EVERY_FOLDER = {"assets", "checks", "collect", "defs", "main", "make", "reads", "tables"}
"""Functions that the wiring finds by their names, and what an addition gives its `PLUGIN`."""
IMPLEMENTED = {"broker", "source"}
"""A Protocol's module, and in the folder of each of its additions that is a folder: what implements it."""
LONGEST = 300
"""Lines of a file, unless it is one of these."""
LONGER = {
    "expressions/compiler.py": "one algorithm, with its steps in the docstring",
    "expressions/machine.py": "a kernel for each operation, compiled together",
    "orchestration/event_log.py": "one class: Dagster's storage of events, whose connections and batch belong together",
    "portfolio/planning.py": "the functions that backtest and orders share, compiled together",
    "storage/stored_calendar.py": "the vintages of the calendar and the rules by which one follows another",
}
"""And why it is not split."""


@pytest.fixture(scope="module")
def lines() -> dict[str, int]:
    """Lines of each module, by its path below the package."""
    files = (file for file in PACKAGE.rglob("*.py") if "__pycache__" not in file.parts)
    return {file.relative_to(PACKAGE).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in files}


def test_the_root_holds_the_maps_and_what_all_stages_know() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == ROOT_FILES


def test_files_are_short(lines: dict[str, int]) -> None:
    assert len(lines) > 300
    assert median(lines.values()) <= 120
    assert quantiles(lines.values(), n=20)[-1] < LONGEST  # the 95th percentile


def test_a_file_that_is_long_is_known_to_be(lines: dict[str, int]) -> None:
    long = {path for path, length in lines.items() if length > LONGEST}
    assert not long - LONGER.keys(), f"split these by subject, or list them above with the reason why not: {sorted(long - LONGER.keys())}"
    assert not LONGER.keys() - long, f"these are short now, or gone: take them off the list: {sorted(LONGER.keys() - long)}"


def test_names_say_what_is_in_a_file(lines: dict[str, int]) -> None:
    tests = (path.relative_to(PACKAGE.parent) for path in (PACKAGE.parent / "ats_assets_tests").rglob("*.py"))
    paths = [*map(Path, lines), *tests]
    assert not [str(path) for path in paths if {*path.parts[:-1], path.stem} & SAYS_NOTHING]


def test_a_module_name_is_used_once(lines: dict[str, int]) -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in map(Path, lines):
        if path.stem not in OF_EVERY_FOLDER | IMPLEMENTED and not AFTER_ANOTHER & set(path.parts[:-1]):
            places[path.stem].append(path.as_posix())
    assert not {stem: where for stem, where in places.items() if len(where) > 1}, "rename all but one"


def test_a_name_is_used_once(lines: dict[str, int]) -> None:
    """Classes of the package, and functions of all but the command line, where a command is called as what it does."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in lines:
        for node in ast.parse((PACKAGE / path).read_text(encoding="utf-8")).body:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not path.startswith(("cli/", "automation/"))
            if (function or isinstance(node, ast.ClassDef)) and not node.name.startswith("_"):
                places[node.name].append(path)
    assert len(places) > 1_000
    repeated = {name: where for name, where in places.items() if len(where) > 1}
    assert not {name: where for name, where in repeated.items() if name not in FUNCTIONS_OF_EVERY_FOLDER}, "rename all but one"


def test_a_file_of_the_command_line_is_a_command() -> None:
    def commands(group: TyperGroup) -> set[str]:
        return {name.replace("-", "_") for name in group.commands}

    root = get_command(app)
    assert isinstance(root, TyperGroup)
    folder = PACKAGE / "cli"
    assert {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} == commands(root) | {
        "__init__",
        "__main__",
    }
    for name, group in root.commands.items():
        if isinstance(group, TyperGroup):
            assert {path.stem for path in (folder / name).glob("*.py")} == commands(group) | {"__init__"}
