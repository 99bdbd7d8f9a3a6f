"""docs/tutorial.md is followed as it is written: its files are saved, its commands called in their order, and they print what it shows."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ats_assets.cli import app
from ats_assets_tests.docs.commands import ROOT, page_commands

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def _as_a_newcomer(tmp_path: Path) -> Iterator[None]:
    """In an empty folder, without settings in the environment; both are as they were afterwards."""
    before, folder = dict(os.environ), Path.cwd()
    for name in [name for name in os.environ if name.startswith(("ATS_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["ATS_STORAGE__FSYNC"] = "false"
    os.chdir(tmp_path)
    yield
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)


def follow(block: str) -> str:
    """Call the commands of a shell block, and return all that they print."""
    printed: list[str] = []
    for one in page_commands(block, PAGE):
        if one.words[0] == "cd":
            os.chdir(one.words[1])
            os.environ.pop("DAGSTER_HOME", None)
        elif one.words[0] == "export":
            name, _, value = one.words[1].partition("=")
            os.environ[name] = value.replace("$PWD", str(Path.cwd()))
        else:
            assert one.of_ats is not None, one.text
            run = CliRunner().invoke(app, list(one.of_ats))
            assert run.exit_code == 0, f"{one.text}\n{run.stdout}\n{run.stderr}"
            printed += [run.stdout, run.stderr]
    return "\n".join(printed)


@pytest.mark.slow
@pytest.mark.usefixtures("_as_a_newcomer")
def test_it_is_followed_from_top_to_bottom() -> None:
    said, calls = "", 0
    for language, file, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if file:
            Path(file).write_text(text, encoding="utf-8")
        elif language == "sh":
            said, calls = follow(text), calls + 1
        else:
            assert language == "text"
            for line in text.splitlines():
                wanted = re.escape(line).replace("…", ".*").replace(r"\ ", " ")
                assert re.search(rf"^{wanted}$", said, re.MULTILINE), f"{line}\n\nis not among\n\n{said}"
    assert calls >= 9
    assert Path("warehouse/synthetic/signals").is_dir()
    assert Path("noise/warehouse/signals").is_dir()
