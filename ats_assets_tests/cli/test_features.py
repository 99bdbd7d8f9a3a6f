"""`ats features`."""

import json
from pathlib import Path

import pytest

from ats_assets.features.built_in import ALPHA158, FAMILIES
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import make_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project with a family of its own."""
    made = make_home(tmp_path / "project")
    (made / "features").mkdir()
    (made / "features" / "moves.toml").write_text('[features]\nGAIN3 = "$close / Ref($close, 3) - 1"\n', encoding="utf-8")
    return made


def test_list_has_every_factor_of_every_family(command: Command, home: Path) -> None:
    run = command("features", "list", home=home)
    assert run.exit_code == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0].split() == ["name", "family", "look-back", "what", "it", "is"]
    assert len(lines) - 2 == sum(len(family.expressions) for family in FAMILIES.values())
    assert lines[-1].split(maxsplit=3) == ["GAIN3", "moves", "3", "$close / Ref($close, 3) - 1"]
    assert "Assets: alpha158, moves; the model uses alpha158" in run.stderr


def test_list_as_json_is_the_registry_and_nothing_else(command: Command) -> None:
    run = command("features", "list", "--family", "alpha158", "--format", "json")
    rows = json.loads(run.stdout)
    assert {row["name"]: row["expression"] for row in rows} == ALPHA158
    assert rows[0] == {
        "name": "KMID",
        "family": "alpha158",
        "expression": "($close-$open)/$open",
        "lookback_sessions": 0,
        "description": "close less open, over the open",
    }
    assert run.stderr == ""


def test_show(command: Command, home: Path) -> None:
    run = command("features", "show", "GAIN3", home=home)
    facts = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1:] for line in run.stdout.splitlines()}
    assert facts == {
        "name": ["GAIN3"],
        "family": ["moves"],
        "description": [],
        "expression": ["$close / Ref($close, 3) - 1"],
        "look-back": ["3 sessions before the current one"],
        "fields": ["$close"],
        "operators": ["Div, Ref, Sub"],
        "owner": ["nobody is named in features.owners"],
        "stored": ["not stored"],
        "used": ["by      nobody"],
    }


def test_show_of_a_name_in_several_families(command: Command) -> None:
    both = json.loads(command("features", "show", "OPEN0", "--format", "json").stdout)
    assert [row["family"] for row in both] == ["alpha158", "alpha360"]
    (one,) = json.loads(command("features", "show", "alpha360.OPEN0", "--format", "json").stdout)
    assert (one["family"], one["fields"], one["operators"]) == ("alpha360", ["close", "open"], ["Div"])


def test_check(command: Command) -> None:
    run = command("features", "check", "-Corr($close, Log($volume + 1), 10)")
    assert run.exit_code == 0, run.stderr
    assert "look-back   9 sessions before the current one" in run.stdout
    assert "operators   Add, Corr, Log" in run.stdout
    rows = json.loads(command("features", "check", "Ref($close, 2)", "--format", "json").stdout)
    assert rows == {"expression": "Ref($close, 2)", "lookback_sessions": 2, "fields": ["close"], "operators": ["Ref"]}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["check", "Mean($close, 5"], 1, "expected `)` to close the arguments of `Mean`, the expression ends (at character 15)"),
        (["check", "$close / $clsoe"], 1, "there is no field `$clsoe`; did you mean $close? (at character 10)"),
        (["check", "Ref($close, -1)"], 1, "looks into the future"),
        (["show", "MA21"], 1, "there is no feature 'MA21' in alpha158"),
        (["show", "alpha159.MA20"], 1, "there is no feature 'alpha159.MA20'"),
        (["list", "--family", "alpha159"], 2, "there is no family 'alpha159'"),
        (["list", "--format", "csv"], 2, "--format"),
        (["check"], 2, "Missing argument"),
    ],
)
def test_what_is_wrong_is_said_and_is_the_status(command: Command, arguments: list[str], status: int, message: str) -> None:
    run = command("features", *arguments)
    assert (run.exit_code, run.stdout) == (status, "")
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_the_place_in_an_expression_is_pointed_at(command: Command) -> None:
    _, text, caret = command("features", "check", "Mean($close, 0)").stderr.splitlines()
    assert text[caret.index("^")] == "0"


def test_a_bad_file_is_named_by_every_command_that_reads_it(command: Command, home: Path) -> None:
    (home / "features" / "moves.toml").write_text('[features]\nGAIN3 = "$close / Reff($close, 3)"\n', encoding="utf-8")
    for arguments in (["features", "list"], ["features", "show", "MA20"], ["doctor"]):
        run = command(*arguments, home=home)
        assert run.exit_code == 1
        assert "moves.toml, line 2, GAIN3: there is no operator `Reff`" in run.stdout + run.stderr
        assert "Traceback" not in run.stderr
