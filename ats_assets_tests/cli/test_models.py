"""`ats models` over the market of the commands' tests, which has one model; what several models tell is tested in `runs/`."""

import json
from pathlib import Path

from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import SETTINGS, make_home

SEVERAL = """
[models.forest]
kind = "random_forest"
[champion]
rule = "challenge"
"""


def test_the_only_model_is_listed_and_shown(command: Command) -> None:
    (one,) = json.loads(command("models", "list", "--format", "json").stdout)
    assert (one["name"], one["status"], one["is_champion"], one["reason"]) == ("lightgbm", "fitted", True, "the only model")
    assert command("models", "list", "--format", "csv").stdout.splitlines()[0].startswith("name,kind,status,fitted_session")
    shown = command("models", "list").stdout
    assert "lightgbm" in shown
    assert "out of sample" not in shown, "two empty columns, where there is one model and nothing was compared"
    facts = json.loads(command("models", "show", "lightgbm", "--format", "json").stdout)
    assert facts["sha256"] == one["model_sha256"]
    assert "158 features (float) -> score (double): KMID" in command("models", "show", "lightgbm").stdout
    early = json.loads(command("models", "show", "lightgbm", "--session", "2021-01-29", "--format", "json").stdout)
    assert early["status"] == "unavailable"
    assert early["reason"]


def test_latest_names_the_active_version(command: Command, made: tuple[Path, object]) -> None:
    folder = made[0] / "models" / "synthetic" / "lightgbm_model"
    latest = json.loads((folder / "latest").read_text(encoding="utf-8"))
    facts = json.loads(command("models", "show", "lightgbm", "--format", "json").stdout)
    assert folder / latest["folder"] / latest["file"] == Path(facts["file"])
    assert (latest["model_sha256"], latest["fitted_session"]) == (facts["sha256"], facts["fitted_session"])


def test_nothing_is_compared_or_promoted_where_there_is_one_model(command: Command) -> None:
    compared = command("models", "compare", "lightgbm", "other")
    assert (compared.exit_code, "there is one model only" in compared.stderr) == (1, True)
    promoted = command("models", "promote", "lightgbm", "--reason", "x")
    assert (promoted.exit_code, "there is nothing to promote" in promoted.stderr) == (1, True)
    assert command("models", "promote", "lightgbm").exit_code == 2, "a reason is asked for"


def test_a_promotion_says_from_when_on_it_holds_and_is_kept_with_who_and_why(command: Command, tmp_path: Path) -> None:
    (make_home(tmp_path) / "ats.toml").write_text(SETTINGS + SEVERAL, encoding="utf-8")
    how = ("--who", "ann", "--at", "2021-03-10T12:00")
    done = command("models", "promote", "forest", "--reason", "more  trees", *how, home=tmp_path)
    assert done.stdout == "forest is champion from 2021-03-10 on: decided by ann at 2021-03-10 12:00 UTC, more trees\n"
    (journal,) = (tmp_path / "data" / "promotions").rglob("promotions.jsonl")
    line = json.loads(journal.read_text(encoding="utf-8"))
    assert (line["model"], line["who"], line["reason"]) == ("forest", "ann", "more trees")
    assert command("models", "list", home=tmp_path).exit_code == 0
    back = command("models", "rollback", "--reason", "x", home=tmp_path)
    assert (back.exit_code, "there is none to go back to" in back.stderr) == (1, True)
