"""Selections of assets."""

import dagster as dg
import pytest
import typer

from ats_assets.runs.selection import chosen_assets
from ats_assets.runs.startup import quiet


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    @dg.asset(group_name="first")
    def raw() -> None: ...

    @dg.multi_asset(outs={"good": dg.AssetOut(group_name="first"), "bad": dg.AssetOut(group_name="first")}, deps=[raw])
    def sorted_out(): ...

    @dg.asset(deps=["good"], group_name="second")
    def features() -> None: ...

    @dg.asset(deps=[features], group_name="second")
    def signals() -> None: ...

    return dg.Definitions([raw, sorted_out, features, signals])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (None, {"raw", "good", "bad", "features", "signals"}),
        ("*", {"raw", "good", "bad", "features", "signals"}),
        ("features", {"features"}),
        ('key:"features"', {"features"}),
        ("features,signals", {"features", "signals"}),
        ("raw or signals", {"raw", "signals"}),
        ("good", {"good", "bad"}),
        ("+features", {"raw", "good", "bad", "features"}),
        ("1+signals", {"features", "signals"}),
        ("features+", {"features", "signals"}),
        ("group:second", {"features", "signals"}),
        ("group:second and not signals", {"features"}),
    ],
)
def test_names_and_dagsters_syntax(definitions: dg.Definitions, selection: str | None, expected: set[str]) -> None:
    with quiet():
        assert chosen_assets(definitions, selection) == expected


@pytest.mark.parametrize("selection", ["", "((", "bogus", "group:bogus", "features and"])
def test_refusals(definitions: dg.Definitions, selection: str) -> None:
    with quiet(), pytest.raises(typer.BadParameter):
        chosen_assets(definitions, selection)
