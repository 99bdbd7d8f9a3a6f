"""The settings and the Python that pages show: each block of TOML is settings that are accepted, each import of a block of Python is there.

A block that is no settings of a deployment (a family of features, a project's file) is named here with the test that reads it.
"""

import ast
import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ats_assets.errors import SettingsError
from ats_assets.serving.queries.shown_settings.additions import TABLES
from ats_assets.settings import Settings
from ats_assets_tests.docs.commands import ROOT, pages

BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
NO_SETTINGS = {
    "docs/add_your_own.md": {"project"},  # test_add_your_own_page
    "docs/experiments.md": {"experiment", "sweep", "variant"},  # settings/test_example_experiments
    "docs/features.md": {"description", "descriptions", "terms", "features", "frame"},  # cli/test_features_page
}
"""Page -> tables of blocks that are files of another kind."""
TAKE_MORE = {
    ("docs/information_bars.md", "is none of [samplers]"),
    ("docs/risk.md", "groups_file names"),
}
"""Page and error of a block that another block, or a file of the reader's, makes whole."""
BESIDE = {"capital", "judges", "assets", "attempts", "underlyings"}
"""What a table of an addition holds that is no setting of its own."""


def blocks(language: str) -> list[tuple[str, str]]:
    """Page and text of each block, with the indent of a list taken off."""
    found = []
    for page in pages():
        for indent, of, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if of == language:
                found.append((str(page.relative_to(ROOT)), "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))))
    return found


SETTINGS = [(page, text) for page, text in blocks("toml") if not NO_SETTINGS.get(page, set()) & set(tomllib.loads(text))]


def _id(block: Any) -> str:
    return str(block).partition("\n")[0][:50]


def test_the_blocks_are_found() -> None:
    assert len(SETTINGS) > 60
    assert len(blocks("python")) > 15


@pytest.mark.parametrize(("page", "text"), SETTINGS, ids=_id)
def test_settings_that_a_page_shows_are_accepted(page: str, text: str) -> None:
    values = {name: value for name, value in tomllib.loads(text).items() if name not in {"extends", "without"}}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults = [fault["msg"] for fault in error.errors()]
        assert all(any(page == of and part in fault for of, part in TAKE_MORE) for fault in faults), faults
        return
    for place, kind in TABLES.items():
        section, _, table = place.partition(".")
        tables = getattr(settings, section)
        for name, own in (getattr(tables, table) if table else tables).items():
            if own.get("kind", name) in kind.names():  # else one of the reader's own
                try:
                    kind.named(name, {key: value for key, value in own.items() if key not in BESIDE}, None, place)
                except SettingsError as error:
                    if "No such file" not in str(error):  # one of the reader's
                        raise


@pytest.mark.parametrize(("page", "text"), blocks("python"), ids=_id)
def test_what_python_imports_is_there(page: str, text: str) -> None:
    """All of it compiles; what it imports of the package has that name."""
    for node in ast.walk(ast.parse(text, page)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ats_assets"):
            module = importlib.import_module(node.module)
            missing = [one.name for one in node.names if not hasattr(module, one.name) and not _is_module(node.module, one.name)]
            assert not missing, f"{page}: {node.module} has no {', '.join(missing)}"


def _is_module(package: str, name: str) -> bool:
    path = Path(ROOT, *package.split("."), name)
    return path.is_dir() or path.with_suffix(".py").is_file()
