"""`ats config`: each value with where it comes from, as TOML that says the same, and where two files differ."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ats_assets.cli import app
from ats_assets.serving.queries.shown_settings import as_toml, listed_settings, setting_differences
from ats_assets.settings import Settings, load_settings, setting_origins

BASE = """
[source.synthetic]
seed = 11
[training]
refit = "monthly"
[models.lightgbm]
num_leaves = 15
"""
OWN = """
extends = "base.toml"
[training]
refit = "weekly"
[models.ridge]
[models.second]
kind = "lightgbm"
[drift]
[risk.limit]
kind = "exposure"
[alerts.routes]
SLACK_URL = "info"
[mlflow]
tracking_uri = "http://me:pass@host/x"
[source.mine]
api_key = "hush"
folder = "drops"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("ATS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "base.toml").write_text(BASE, encoding="utf-8")
    (tmp_path / "ats.toml").write_text(OWN, encoding="utf-8")
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    return tmp_path / "ats.toml"


def config(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["config", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_each_value_says_where_it_comes_from(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_BACKTEST__COMMISSION_BPS", "3.5")
    monkeypatch.setenv("ATS_PORTFOLIO", '{"top_k": 4}')
    shown = json.loads(config("show", "--format", "json"))
    base = str(file.with_name("base.toml"))
    wanted = {
        "source.synthetic.seed": (11, 7, "file", base),
        "training.refit": ("weekly", "monthly", "file", str(file)),
        "models.lightgbm.num_leaves": (15, 31, "file", base),
        "models.lightgbm.seed": (7, 7, "default", None),
        "backtest.commission_bps": (3.5, Settings().backtest.commission_bps, "environment", "ATS_BACKTEST__COMMISSION_BPS"),
        "portfolio.top_k": (4, Settings().portfolio.top_k, "environment", "ATS_PORTFOLIO"),
        "portfolio.max_weight": (Settings().portfolio.max_weight, Settings().portfolio.max_weight, "default", None),
    }
    assert {name: tuple(shown[name][what] for what in ("value", "default", "from", "where")) for name in wanted} == wanted
    assert shown["training.refit"]["about"]
    assert shown["models.second.num_leaves"]["value"] == 31, "the own settings of each model are there, by its kind"
    only = json.loads(config("show", "--set-only", "--format", "json"))
    assert {one["from"] for one in only.values()} == {"file", "environment"}
    assert {name for name in wanted if wanted[name][2] != "default"} < set(only)


def test_every_setting_of_every_section_is_there(file: Path) -> None:
    shown = json.loads(config("show", "--defaults", "--format", "json"))
    assert {name.partition(".")[0] for name in shown} == set(Settings.model_fields)
    assert {one["from"] for one in shown.values()} == {"default"}
    assert shown["training.refit"]["value"] == Settings().training.refit
    text = config("show", "--defaults", "--format", "toml")
    assert all(line.startswith("#") for line in text.splitlines() if line), "a file of defaults says nothing"


@pytest.mark.parametrize("what", [[], ["--set-only"]])
def test_as_toml_it_is_a_settings_file_that_says_the_same(what: list[str], file: Path, tmp_path: Path) -> None:
    file.write_text(OWN.replace('api_key = "hush"\n', "").replace("me:pass@", ""), encoding="utf-8")
    written = tmp_path / "written.toml"
    written.write_text(config("show", "--format", "toml", *what), encoding="utf-8")
    assert load_settings(written).model_dump() == load_settings(file).model_dump()


def test_of_settings_of_the_projects_own_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[2]
    for n, name in enumerate(["ats.toml", "crypto.toml", "examples/fx_ticks/fx_ticks.toml"]):
        monkeypatch.setenv("ATS_SETTINGS", str(root / name))
        written = root / name
        settings = load_settings()
        (tmp_path / f"{n}.toml").write_text(as_toml(listed_settings(settings, setting_origins())), encoding="utf-8")
        again = load_settings(tmp_path / f"{n}.toml")
        origins = {name: str(written) for name in setting_origins()}
        assert not setting_differences(settings, again, (written.parent, tmp_path), (origins, origins))


def test_secrets_are_never_shown(file: Path) -> None:
    for form in ("table", "toml", "json"):
        text = config("show", "--format", form)
        assert "hush" not in text
        assert "me:pass" not in text
        assert "***" in text
    assert "hush" not in config("diff")


def test_a_section_that_can_not_be_empty_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It failed: such a section has no values of its own where nothing is written."""
    (tmp_path / "ats.toml").write_text('[active_return]\ngroups = { energy = ["XOM"] }\n', encoding="utf-8")
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    shown = {one.name: one for one in listed_settings(load_settings(), setting_origins())}
    assert (shown["active_return.benchmark"].value, shown["active_return.benchmark"].default) == ("equal", "equal")
    assert shown["active_return.groups.energy"].value == ["XOM"]


def test_what_is_beside_a_sections_fields_has_the_name_that_the_file_gives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ats.toml").write_text(
        '[alerts.routes.log]\nkind = "json_lines"\npath = "a.jsonl"\n[vendors.some]\nrequests_per_minute = 3\n[labels.ranks]\nhorizon = 2\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    told = {one.name for one in listed_settings(load_settings(), setting_origins()) if one.origin == str(tmp_path / "ats.toml")}
    assert told == {"labels.ranks.horizon", "vendors.some.requests_per_minute", "alerts.routes.log.kind", "alerts.routes.log.path"}


def test_a_section_alone(file: Path) -> None:
    lines = config("show", "source.synthetic").splitlines()
    assert lines
    assert all(line.startswith("source.synthetic.") for line in lines)
    assert config("show", "training.refit").split() == ["training.refit", str(file), '"weekly"']
    result = CliRunner().invoke(app, ["config", "show", "trainnig"])
    assert (result.exit_code, "there is no setting and no section 'trainnig'" in result.stderr) == (1, True)


def test_two_files_are_compared(file: Path, tmp_path: Path) -> None:
    found = json.loads(config("diff", str(file.with_name("base.toml")), str(file), "--json"))["differences"]
    by_name = {one["name"]: (one["before"], one["after"]) for one in found}
    assert by_name["training.refit"] == ("monthly", "weekly")
    assert by_name["source.mine.folder"] == (None, "drops")
    assert not [name for name in by_name if name.startswith(("storage.", "source.synthetic", "models.lightgbm"))]
    assert json.loads(config("diff", str(file), str(file), "--json")) == {"differences": []}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "ats.toml").write_text(BASE, encoding="utf-8")
    same = json.loads(config("diff", str(file.with_name("base.toml")), str(elsewhere / "ats.toml"), "--json"))
    assert same == {"differences": []}, "folders that follow from where the file lies are no difference"
    of_base = json.loads(config("diff", str(elsewhere / "ats.toml"), "--json"))["differences"]
    assert [one["name"] for one in of_base] == ["source.synthetic.seed", "models.lightgbm.num_leaves"]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["config", "diff", str(tmp_path / "no.toml")])
    assert (result.exit_code, "is not a file" in result.stderr) == (1, True)


def test_what_becomes_stale_is_told(file: Path, tmp_path: Path) -> None:
    """By the graphs of both: a change of the backtest's costs leaves models alone, one of the training does not."""
    (tmp_path / "a.toml").write_text("", encoding="utf-8")
    (tmp_path / "b.toml").write_text("[backtest]\ncommission_bps = 9.0\n[models.lightgbm]\nseed = 8\n[drift]\n", encoding="utf-8")
    effects = json.loads(config("diff", str(tmp_path / "a.toml"), str(tmp_path / "b.toml"), "--stale", "--json"))["assets"]
    assert {"lightgbm_model", "backtest"} <= set(effects["stale"])
    assert {"predictions", "signals"} <= set(effects["reading them"]) | set(effects["stale"])
    assert "drift" in effects["new"]
    assert not {"raw_bars", "bars", "alpha158", "forward_returns"} & {*effects["stale"], *effects["reading them"]}
