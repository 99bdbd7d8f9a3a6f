"""Families as assets: a file in a folder is a table with partitions, a contract, columns and versions."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.utils import DISALLOWED_NAMES
from dagster._core.errors import DagsterAssetCheckFailedError

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import ExpressionError, FeatureError, MissingPartitionError, SettingsError
from ats_assets.features import compute
from ats_assets.features.choosing import families
from ats_assets.orchestration.graph import reads_of
from ats_assets_tests.small_market import FIRST, make_history, run_job, small_market

FAMILY = """
description = "Moves of the close"
[features]
GAIN3 = "$close / Ref($close, 3) - 1"
CALM5 = "Std($close, 5) / $close"
[descriptions]
"GAIN#" = "return over # sessions"
"""
LAST = date(2021, 1, 15)
RAW = ["raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions"]


def market(root: Path, texts: Mapping[str, str], **changes: Mapping[str, Any]) -> Deployment:
    """The small market with these files of its own families; its model uses Alpha158 alone unless `changes` say else."""
    folder = root / "families"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    changes.setdefault("training", {"families": ("alpha158",)})
    return small_market(root, features={"folder": folder}, **changes)


def spec_of(deployment: Deployment, name: str) -> dg.AssetSpec:
    return next(spec for spec in build(deployment).resolve_all_asset_specs() if spec.key == dg.AssetKey(name))


def test_a_file_is_an_asset_with_partitions_columns_and_a_contract(tmp_path: Path) -> None:
    deployment = market(tmp_path, {"moves": FAMILY})
    spec = spec_of(deployment, "moves")
    assert spec.group_name == "features"
    assert spec.partitions_def == spec_of(deployment, "alpha158").partitions_def
    assert (
        spec.description
        == "Moves of the close. 2 factors, one row a symbol, from the 5 sessions that end at the partition, adjusted as of it."
    )
    assert [(r.asset, r.back, r.lag) for r in reads_of(spec.metadata)] == [("bars", 4, 0), ("corporate_actions", 3, 0)]
    columns = {column.name: column.description for column in spec.metadata["dagster/column_schema"].columns}
    assert list(columns) == ["symbol", "session", "GAIN3", "CALM5"]
    assert columns["GAIN3"] == "return over 3 sessions: $close / Ref($close, 3) - 1 (look-back 3 sessions; NaN = missing)"
    checks = build(deployment).resolve_asset_graph()
    assert dg.AssetCheckKey(dg.AssetKey("moves"), "contract") in checks.asset_check_keys


def test_it_is_made_stored_and_checked_and_knows_what_it_was_made_from(tmp_path: Path) -> None:
    deployment = market(tmp_path, {"moves": FAMILY})
    run = make_history(deployment, FIRST, LAST, [*RAW, "moves"])
    warehouse, days = deployment.warehouse, deployment.calendar.sessions(FIRST, LAST)
    bars = warehouse.read("bars", days)
    factors = adjustments(warehouse.read("corporate_actions", days), bars, "splits_and_dividends")
    expected = compute(bars, deployment.of(families)["moves"].expressions, sessions=days, adjustments=factors)
    assert warehouse.read("moves", days).equals(expected, null_equal=True)
    assert expected["GAIN3"].is_not_nan().any()
    upstream = warehouse.footer("moves", days[-1]).upstream
    windows = {"bars": days[-5:], "corporate_actions": days[-4:]}
    assert upstream == {asset: warehouse.data_versions(asset, window) for asset, window in windows.items()}
    judged = [check for check in run.get_asset_check_evaluations() if check.asset_key == dg.AssetKey("moves") and check.partition]
    assert sorted(check.partition for check in judged if check.partition) == [str(day) for day in days]
    assert all(check.passed for check in judged)
    assert judged[-1].metadata["infinite"].value == 0


def test_a_row_that_is_lost_fails_the_contract_and_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = market(tmp_path, {"moves": FAMILY})
    make_history(deployment, FIRST, FIRST, RAW)
    monkeypatch.setattr("ats_assets.features.making.compute", lambda *args, **kwargs: compute(*args, **kwargs).slice(1))
    with pytest.raises(DagsterAssetCheckFailedError, match="contract"):
        make_history(deployment, FIRST, FIRST, ["moves"])


SAME = {
    "a comment": "# mine\n" + FAMILY.replace('3) - 1"', '3) - 1"  # so many'),
    "the layout": FAMILY.replace("GAIN3 =", "\nGAIN3    ="),
    "a description": FAMILY.replace("return over", "gain over").replace("Moves of", "Changes of"),
}
OTHER = {
    "a number": FAMILY.replace("$close, 3)", "$close, 4)"),
    "a name": FAMILY.replace("CALM5", "QUIET5"),
    "one more": FAMILY.replace("[descriptions]", 'MORE = "$open"\n[descriptions]'),
    "the order": FAMILY.replace('CALM5 = "Std($close, 5) / $close"\n', "").replace(
        "[features]", '[features]\nCALM5 = "Std($close, 5) / $close"'
    ),
}


def test_the_code_version_is_that_of_the_expressions(tmp_path: Path) -> None:
    versions = {}
    for number, (name, text) in enumerate({"as it was": FAMILY, **SAME, **OTHER}.items()):
        root = tmp_path / str(number)
        root.mkdir()
        deployment = market(root, {"moves": text})
        versions[name] = spec_of(deployment, "moves").code_version
        alpha158 = spec_of(deployment, "alpha158").code_version
        assert alpha158 == versions.setdefault("alpha158", alpha158), "a user's file changes no other family"
    assert {versions[name] for name in SAME} == {versions["as it was"]}
    assert len({versions[name] for name in ("as it was", "alpha158", *OTHER)}) == 2 + len(OTHER)


def test_a_term_that_changes_changes_the_version(tmp_path: Path) -> None:
    text = '[terms]\ngain = "$close / Ref($close, 3)"\n[features]\nA = "Mean($gain, 5)"\n'
    one = spec_of(market(tmp_path, {"moves": text}), "moves").code_version
    assert spec_of(market(tmp_path, {"moves": text.replace(", 3", ", 2")}), "moves").code_version != one


@pytest.mark.parametrize(
    "name",
    [
        "bars",
        "trades",  # of ticks, which this graph does not have
        "signals",
        "lightgbm_model",
        "backtest",
        "history",
        "daily_signals",
        *sorted(DISALLOWED_NAMES - {"True", "False", "None"})[::9],
    ],
)
def test_a_file_with_a_taken_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FeatureError, match=rf"{name}\.toml: `{name}` is .* already; give the file another name"):
        build(market(tmp_path, {name: FAMILY}))


def test_a_bad_file_stops_the_graph_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ExpressionError, match=r"moves\.toml, line 4, GAIN3: there is no operator `Reff`; did you mean `Ref`\?"):
        build(market(tmp_path, {"moves": FAMILY.replace("Ref(", "Reff(")}))
    with pytest.raises(SettingsError, match=r"features\.folder names .*nowhere, which is not a folder"):
        small_market(tmp_path, features={"folder": tmp_path / "nowhere"})


def test_a_model_learns_from_several_families_in_their_order(tmp_path: Path) -> None:
    """Two orders, with the same model's features in that order; and its predictions need every family."""
    last = date(2021, 2, 26)
    for order in (("alpha158", "moves"), ("moves", "alpha158")):
        root = tmp_path / order[0]
        root.mkdir()
        deployment = market(root, {"moves": FAMILY}, training={"families": order})
        make_history(deployment, FIRST, last)
        record = deployment.model_store("lightgbm_model").active(last)
        assert record.features is not None
        assert list(record.features) == [factor for name in order for factor in deployment.of(families)[name].expressions]
        assert set(order) <= set(record.versions)
        assert deployment.warehouse.read("predictions", [last]).height > 0
        assert set(order) <= set(deployment.warehouse.footer("predictions", last).upstream)
    (deployment.warehouse.path("moves", last)).unlink()
    with pytest.raises(MissingPartitionError, match=f"moves has no partition for {last}"):
        run_job(deployment, "history", [last], ["predictions"])


def test_two_factors_of_one_name_are_refused_when_the_graph_is_made(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"two factors named MA5, one of alpha158 and one of moves \(.*moves\.toml\)"):
        build(market(tmp_path, {"moves": '[features]\nMA5 = "$close"\n'}, training={"families": ("alpha158", "moves")}))


def test_the_daily_job_makes_every_family_and_only_the_model_s_are_upstream_of_its_signals(tmp_path: Path) -> None:
    definitions = build(market(tmp_path, {"moves": FAMILY}))
    daily = definitions.resolve_job_def("daily_signals").asset_layer.executable_asset_keys
    assert {dg.AssetKey("moves"), dg.AssetKey("alpha158")} <= set(daily)
    upstream = dg.AssetSelection.assets("targets").upstream().resolve(definitions.resolve_asset_graph())
    assert dg.AssetKey("moves") not in upstream
