"""A version changes with what code does and with the values of settings, and with nothing else."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ats_assets.settings import LabelsSettings, TrainingSettings, UniverseSettings
from ats_assets.storage.versions import code_version, settings_version, trees
from ats_assets_tests.forking import ForkServer, fork_server

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
    "a name's docstring": CODE.replace("LIMIT = 3", 'LIMIT = 3\n"""Three."""'),
    "layout": CODE.replace("return LIMIT", "return (\n            LIMIT\n        )").replace("LIMIT = 3", "LIMIT   =   3"),
}
OTHER = {
    "a value": CODE.replace("LIMIT = 3", "LIMIT = 4"),
    "a statement": CODE.replace("return LIMIT", "return LIMIT + 0"),
    "a name": CODE.replace("size", "length"),
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """Which keeps what it read beside the byte code, as the processes of users do."""
    log = tmp_path_factory.mktemp("versions") / "log"
    with fork_server("ats_assets_tests.storage.version_server", log=log, PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX="") as server:
        yield server


class VersionOf:
    """The version of modules or of a function (`module:name`) as a fresh process finds it, since a process reads a file once."""

    def __init__(self, server: ForkServer) -> None:
        self.server = server

    def __call__(self, folder: Path, name: str = "sample_of_versions") -> str:
        answer = folder.parent / "answer"
        answer.unlink(missing_ok=True)
        self.server.start(json.dumps({"folder": str(folder.parent), "names": [name], "answer": str(answer)}))
        assert self.server.status() == 0
        return answer.read_text(encoding="utf-8")

    def of_function(self, folder: Path) -> str:
        return self(folder, "sample_of_versions.assets:made")


@pytest.fixture
def version_of(server: ForkServer) -> VersionOf:
    return VersionOf(server)


def versions_of(folder: Path, texts: dict[str, str]) -> dict[str, str]:
    """The versions of modules that differ in name and text."""
    modules = {name: f"{folder.parent.name}_{number}" for number, name in enumerate(texts)}
    for name, module in modules.items():
        (folder.parent / f"{module}.py").write_text(texts[name], encoding="utf-8")
    return {name: code_version(module) for name, module in modules.items()}


def test_comments_docstrings_and_layout_do_not_count(package: Path) -> None:
    versions = versions_of(package, {"as it was": CODE, **SAME})
    assert set(versions.values()) == {versions["as it was"]}, versions


def test_what_is_kept_in_memory_of_results_does_not_count(package: Path) -> None:
    """Calendars of more first sessions were kept, and the largest half of a warehouse was stale."""
    plain = CODE + "def twice():\n    return 2 * LIMIT\n"
    kept = plain.replace("LIMIT = 3", "from functools import lru_cache\n\nLIMIT = 3").replace(
        "def twice", "@lru_cache(maxsize=8)\ndef twice"
    )
    texts = {
        "as it was": plain,
        "kept": kept,
        "more": kept.replace("8", "64"),
        "all": kept.replace("lru_cache(maxsize=8)", "cache").replace("lru_", ""),
    }
    wrapped = plain.replace("LIMIT = 3", "from functools import cache, wraps\n\nLIMIT = 3")
    texts |= {"another": wrapped.replace("def twice", "@wraps(later)\ndef twice"), "imported": wrapped}
    versions = versions_of(package, texts)
    assert [name for name in texts if versions[name] != versions["as it was"]] == ["another", "imported"]
    assert versions["another"] != versions["imported"]


def test_every_change_of_what_code_does_counts(package: Path) -> None:
    versions = versions_of(package, {"as it was": CODE, **OTHER})
    assert len(set(versions.values())) == len(versions), versions


def test_a_package_stands_for_its_modules_its_data_and_its_subfolders_but_not_for_its_wiring(package: Path, version_of: VersionOf) -> None:
    before = version_of(package)
    for name in ("assets.py", "checks.py", "README.md"):
        (package / name).write_text("x = 1\n", encoding="utf-8")
    assert version_of(package) == before
    versions = {before}
    (package / "below").mkdir()
    for number, name in enumerate(("factors.toml", "more.py", "below/again.py", "below/page.html")):
        (package / name).write_text(f"a = {number}\n", encoding="utf-8")
        versions.add(version_of(package))
    assert len(versions) == 5


WHOLE = {
    "assets.py": """from sample_of_versions import size, unused
from sample_of_versions.box import Box

LIMIT = 3
OTHER = 4


def made():
    def inner():
        return helper(Box())
    return inner


def helper(box):
    return size(box, LIMIT)


def another():
    return OTHER, unused
""",
    "__init__.py": "from sample_of_versions.sizes import size\nfrom sample_of_versions.rest import unused\n",
    "box.py": CODE,
    "sizes.py": "def size(box, limit):\n    from sample_of_versions.deep import depth\n    return box, limit, depth\n",
    "deep.py": "depth = 1\n",
    "rest.py": "unused = 1\n",
}


@pytest.fixture
def whole(package: Path) -> Path:
    """An asset's module, which reaches some of its package: by name, through the table of contents, and inside a function."""
    for name, text in WHOLE.items():
        (package / name).write_text(text, encoding="utf-8")
    return package


def test_an_edit_of_the_function_itself_or_of_anything_that_it_reaches_counts(whole: Path, version_of: VersionOf) -> None:
    before = version_of.of_function(whole)
    edits = {
        "assets.py": [("helper(Box())", "helper(Box(), 1)"), ("LIMIT = 3", "LIMIT = 5"), ("size(box, LIMIT)", "size(box, -LIMIT)")],
        "box.py": [("LIMIT = 3", "LIMIT = 4")],
        "sizes.py": [("box, limit,", "limit, box,")],
        "deep.py": [("1", "2")],
    }
    versions = [before]
    for name, changes in edits.items():
        for old, new in changes:
            (whole / name).write_text(WHOLE[name].replace(old, new), encoding="utf-8")
            versions.append(version_of.of_function(whole))
        (whole / name).write_text(WHOLE[name], encoding="utf-8")
    assert len(set(versions)) == len(versions) == 7
    assert version_of.of_function(whole) == before


def test_what_the_function_does_not_reach_does_not_count(whole: Path, version_of: VersionOf) -> None:
    before = version_of.of_function(whole)
    (whole / "assets.py").write_text(
        WHOLE["assets.py"].replace("OTHER = 4", "OTHER = 5").replace("OTHER, unused", "unused"), encoding="utf-8"
    )
    (whole / "rest.py").write_text("unused = 2\n", encoding="utf-8")
    assert version_of.of_function(whole) == before


def test_a_file_can_be_moved_and_renamed(whole: Path, version_of: VersionOf) -> None:
    before = version_of.of_function(whole)
    (whole / "below").mkdir()
    (whole / "below" / "__init__.py").touch()
    (whole / "deep.py").rename(whole / "below" / "deeper.py")
    (whole / "box.py").rename(whole / "boxes.py")
    for name, old, new in (("sizes.py", ".deep ", ".below.deeper "), ("assets.py", ".box ", ".boxes ")):
        (whole / name).write_text(WHOLE[name].replace(old, new), encoding="utf-8")
    assert version_of.of_function(whole) == before


def test_every_version_of_python_finds_the_same(whole: Path, version_of: VersionOf) -> None:
    """A warehouse made under one Python is not stale under another, whose syntax trees have more fields."""
    text = 'class Sized(dict, metaclass=type):\n    async def size(box, /, *rest: str, limit: int = 1_0) -> str:\n        return f"{box!r:>{limit}}" "b"\n'
    (whole / "sizes.py").write_text(text + "size = lambda box, limit: [box for box in limit if box]\n", encoding="utf-8")
    assert version_of.of_function(whole) == "d56d250e097aec07"


def test_all_code_of_each_asset_is_found_from_its_own_function() -> None:
    from ats_assets.features.assets import _family  # noqa: PLC0415
    from ats_assets.models.assets import _model  # noqa: PLC0415

    features = {name.removeprefix("ats_assets.") for name in trees(_family)}
    assert {
        "features.assets:_family",
        "features.making",
        "expressions.machine",
        "corporate_actions.adjustment",
        "corporate_actions.identity",
        "orchestration.reading",
        "storage.knowledge",
        "calendar",
    } <= features
    assert not features & {
        "bars.suspicions",
        "orchestration.memory_blocks",
        "sources.profile",
        "storage.warehouse",
        "deployment",
        "settings",
        "features.families.alpha360",
    }
    learned = {name.removeprefix("ats_assets.") for name in trees(_model)}
    assert {"models.training_run", "models.fitting", "refits", "models.training_set", "features.joining"} <= learned
    assert not learned & {"models.tracking", "models.importance_plot"}


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
    assert settings_version(TrainingSettings(train_sessions=100)) != settings_version(TrainingSettings(train_sessions=200))
    assert settings_version() != settings_version(LabelsSettings())


def test_what_was_read_of_a_module_is_kept_and_an_edit_is_seen_whatever_its_time_and_size(whole: Path, version_of: VersionOf) -> None:
    before = version_of.of_function(whole)
    kept = {file.name.partition(".")[0]: file for file in (whole / "__pycache__").glob("*.ats.json")}
    assert set(kept) == {"assets", "box", "sizes", "deep", "__init__"}
    stat = (whole / "deep.py").stat()
    (whole / "deep.py").write_text("depth = 2\n", encoding="utf-8")
    os.utime(whole / "deep.py", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = version_of.of_function(whole)
    assert after != before
    times = {name: file.stat().st_mtime_ns for name, file in kept.items()}
    assert version_of.of_function(whole) == after
    assert {name: file.stat().st_mtime_ns for name, file in kept.items()} == times, "what is kept is not read again"


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"key": 1}', b"\xff"])
def test_a_torn_file_of_what_was_read_is_as_none(whole: Path, torn: bytes, version_of: VersionOf) -> None:
    before = version_of.of_function(whole)
    for file in (whole / "__pycache__").glob("*.ats.json"):
        file.write_bytes(torn)
    assert version_of.of_function(whole) == before


def test_a_folder_that_cannot_be_written_keeps_nothing(whole: Path, version_of: VersionOf) -> None:
    for file in (whole / "__pycache__").glob("*"):
        file.unlink()
    (whole / "__pycache__").rmdir() if (whole / "__pycache__").is_dir() else None
    (whole / "__pycache__").write_text("no folder")
    version = version_of.of_function(whole)
    (whole / "__pycache__").unlink()
    assert version_of.of_function(whole) == version
