"""A version changes with what code does and with the values of settings, and with nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ats_assets.settings import LabelsSettings, LightgbmSettings, UniverseSettings
from ats_assets.versions import code_version, settings_version

CODE = '''"""A module."""

LIMIT = 3


class Box:
    """A class."""

    def size(self):
        """A method."""
        return LIMIT


async def later():
    """A coroutine."""
    return 1
'''
SAME = {
    "a comment": CODE.replace("LIMIT = 3", "LIMIT = 3  # three\n# and no more"),
    "a module's docstring": CODE.replace("A module.", "Another one."),
    "a class's docstring": CODE.replace("A class.", "Other."),
    "a method's docstring": CODE.replace("A method.", "Other."),
    "no docstrings": CODE.replace('    """A class."""\n\n', "").replace('        """A method."""\n', ""),
    "layout": CODE.replace("return LIMIT", "return (\n            LIMIT\n        )").replace("LIMIT = 3", "LIMIT   =   3"),
}
OTHER = {
    "a value": CODE.replace("LIMIT = 3", "LIMIT = 4"),
    "a statement": CODE.replace("return LIMIT", "return LIMIT + 0"),
    "a name": CODE.replace("size", "length"),
    "a string that is no docstring": CODE + '"""more"""\n',
    "the order of operations": CODE.replace("LIMIT = 3", "LIMIT = 3\nOTHER = 2"),
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "sample_of_versions"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "box.py").write_text(CODE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.startswith("sample_of_versions")]:
        del sys.modules[name]


def version_of(folder: Path, *modules: str) -> str:
    """The version as a fresh process finds it, since a process reads a file once."""
    code = f"from ats_assets.versions import code_version; print(code_version(*{modules or ('sample_of_versions',)!r}))"
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(folder.parent)}
    ).stdout.strip()


def versions_of(folder: Path, texts: dict[str, str]) -> dict[str, str]:
    """The version of the module with each of the texts, all from one process."""
    found = {}
    for name, text in texts.items():
        other = folder.parent / name.replace(" ", "_").replace("'", "") / "box"
        other.mkdir(parents=True)
        (other / "box.py").write_text(text, encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(other))
            found[name] = code_version("box")
    return found


def test_comments_docstrings_and_layout_do_not_count(package: Path) -> None:
    versions = versions_of(package, {"as it was": CODE, **SAME})
    assert set(versions.values()) == {versions["as it was"]}, versions


def test_every_change_of_what_code_does_counts(package: Path) -> None:
    versions = versions_of(package, {"as it was": CODE, **OTHER})
    assert len(set(versions.values())) == len(versions), versions


def test_a_package_stands_for_its_modules_and_data_but_not_for_its_wiring(package: Path) -> None:
    before = version_of(package)
    for name in ("assets.py", "checks.py", "README.md"):
        (package / name).write_text("x = 1\n", encoding="utf-8")
    assert version_of(package) == before
    (package / "factors.toml").write_text("a = 1\n", encoding="utf-8")
    with_data = version_of(package)
    assert with_data != before
    (package / "more.py").write_text("x = 1\n", encoding="utf-8")
    assert version_of(package) not in {before, with_data}


def test_the_order_of_the_names_does_not_count() -> None:
    assert code_version("ats_assets.calendar", "ats_assets.errors") == code_version("ats_assets.errors", "ats_assets.calendar")
    assert code_version("ats_assets.calendar") != code_version("ats_assets.errors")


def test_an_unknown_module_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        code_version("nowhere_to_be_found")


def test_settings_count_by_section_and_value() -> None:
    assert settings_version(LabelsSettings()) == settings_version(LabelsSettings(horizons_sessions=(1, 5, 20)))
    assert settings_version(LabelsSettings()) != settings_version(LabelsSettings(horizons_sessions=(1, 5)))
    assert settings_version(UniverseSettings()) != settings_version(UniverseSettings(), LabelsSettings())
    assert settings_version(LightgbmSettings(seed=1)) != settings_version(LightgbmSettings(seed=2))
    assert settings_version() != settings_version(LabelsSettings())
