"""Surface and features as assets, on synthetic chains of a known surface: what is planted is found, bytes do not depend on ranges, and a restated chain changes nothing before it was known."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.evaluation.stored_factors import evaluate_family, factor_reads
from ats_assets.features.choosing import families, judged_families, model_families, option_families
from ats_assets.features.families.option_features import OPTION_FEATURES
from ats_assets.leakcheck import find_leaks, of_deployment
from ats_assets.leakcheck.subjects import stored_bars
from ats_assets.options.surface.checks import judged_arbitrage, judged_spots
from ats_assets.options.surface.contracts import VolatilitySurface
from ats_assets.options.surface.volatility_surface import VOLATILITY_SURFACE_SCHEMA
from ats_assets.orchestration.graph import frame_schema_of
from ats_assets_tests.market_data import MARKET_DATA, needs_market_data
from ats_assets_tests.options.chains import CHAINS, market_with_options
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market

LAST = date(2021, 1, 22)
SHORT = {"rank_sessions": 6, "min_rank_sessions": 3, "flow_sessions": 2, "realised_sessions": 4}
SOURCES = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions")
VALUED = ("raw_announced_dividends", "greeks")
OURS = ("volatility_surface", "option_features")
LEARNT = ("universe", "forward_returns", "lightgbm_model", "predictions")


def market(root: Path) -> Deployment:
    chains = {"kind": "synthetic", "defective_share": 0.01}
    training = EARLY_MODELS["training"] | {"families": ("option_features",)}
    sections: dict[str, Any] = EARLY_MODELS | {"training": training, "options": {"chains": chains}, "option_features": SHORT}
    return small_market(root, last_session=LAST, **sections)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, dg.ExecuteInProcessResult]:
    deployment = market(tmp_path_factory.mktemp("surface"))
    return deployment, make_history(deployment, FIRST, LAST, [*SOURCES, *CHAINS, *VALUED, *OURS, *LEARNT])


def test_the_planted_surface_is_found_and_shown(made: tuple[Deployment, dg.ExecuteInProcessResult]) -> None:
    """At the money to a point of volatility of what the vendor, who knows it, says of the nearest strike; checks pass and Dagster has the picture."""
    deployment, result = made
    sessions = deployment.calendar.sessions(FIRST, LAST)
    surface = deployment.warehouse.read("volatility_surface", sessions)
    assert frame_schema_of(VolatilitySurface) == VOLATILITY_SURFACE_SCHEMA == surface.schema
    chains = deployment.warehouse.read("option_chains", sessions)
    slices = ["session", "underlying", "expiry"]
    assert surface.select(slices).equals(chains.select(slices).unique().sort(slices))
    away = (pl.col("strike") / pl.col("forward")).log().abs()
    nearest = chains.join(surface, on=slices).with_columns(away=away).filter(pl.col("away") == pl.col("away").min().over(slices))
    told = nearest.filter(pl.col("why") == "", pl.col("away") < 0.01, pl.col("days_left") >= 7)
    assert told.height > 50
    assert ((told["atm_volatility"] - told["vendor_volatility"]).abs() < 0.01).mean() > 0.95  # pyright: ignore[reportOperatorIssue]
    assert surface.filter(method="svi").height > 0.7 * surface.height
    evaluations = {(one.asset_key.path[-1], one.check_name): one for one in result.get_asset_check_evaluations()}
    assert evaluations["volatility_surface", "contract"].passed
    assert evaluations["option_features", "contract"].passed
    assert ("volatility_surface", "arbitrage") in evaluations
    events = [event.materialization for event in result.get_asset_materialization_events()]
    shown = [one.metadata["smiles"].value for one in events if one.asset_key == dg.AssetKey("volatility_surface")]
    assert "data:image/svg+xml;base64," in str(shown[-1])


def test_each_bar_has_a_row_and_symbols_without_chains_have_nan(made: tuple[Deployment, dg.ExecuteInProcessResult]) -> None:
    deployment, _ = made
    sessions = deployment.calendar.sessions(FIRST, LAST)
    rows = deployment.warehouse.read("option_features", sessions)
    bars = deployment.warehouse.read("bars", sessions, ["symbol", "session"])
    assert rows.select("symbol", "session").equals(bars.sort("session", "symbol"))
    chained = deployment.warehouse.read("option_chains", sessions)["underlying"].unique()
    assert len(chained) == 2
    others = rows.filter(~pl.col("symbol").is_in(chained.implode()))
    assert others.select(pl.col(OPTION_FEATURES.factors).is_nan().all()).row(0) == (True,) * len(OPTION_FEATURES.factors)
    known = rows.filter(pl.col("symbol").is_in(chained.implode()), pl.col("session") >= sessions[6])
    missing = known.select(pl.col(OPTION_FEATURES.factors).is_nan().mean())
    assert {name for name, share in zip(missing.columns, missing.row(0), strict=True) if share > 0.2} == set()
    assert known["iv_rank"].drop_nans().is_between(0, 1).all()


def test_partitions_made_alone_backwards_have_the_same_bytes_and_restated_chains_change_nothing_before(
    made: tuple[Deployment, dg.ExecuteInProcessResult],
) -> None:
    deployment, _ = made
    warehouse, days = deployment.warehouse, deployment.calendar.sessions(FIRST, LAST)
    before = {(asset, day): warehouse.path(asset, day).read_bytes() for asset in OURS for day in days}
    for day in reversed(days[-4:]):
        assert run_job(deployment, "history", [day], list(OURS)).success
    assert {key: warehouse.path(*key).read_bytes() for key in before} == before
    restated, known_from = days[6], days[9]
    rows = warehouse.read("raw_option_chains", [restated]).with_columns(
        volume=pl.col("volume").fill_null(1.0) * 3.0, bid=pl.col("bid") * 0.9
    )
    versions = {"code_version": "restated", "settings_version": "restated"}
    footer = warehouse.footer("raw_option_chains", restated)
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
    warehouse.write_deliveries(
        "raw_option_chains", {restated: [(datetime(known_from.year, known_from.month, known_from.day, 18, tzinfo=UTC), rows)]}, **versions
    )
    assert make_history(deployment, FIRST, LAST, [*CHAINS[1:], *VALUED, *OURS]).success
    after = {key: warehouse.path(*key).read_bytes() for key in before}
    changed = {key for key in before if _rows(after[key]) != _rows(before[key])}
    assert not {day for _, day in changed if day < known_from}
    assert not {asset for asset, _ in changed} & {"volatility_surface"}  # which reads its own session alone


def _rows(content: bytes) -> list[tuple[object, ...]]:
    return pl.read_parquet(content).with_columns(pl.selectors.float().fill_nan(None)).rows()


def test_a_model_learns_from_them(made: tuple[Deployment, dg.ExecuteInProcessResult]) -> None:
    deployment, _ = made
    last = deployment.calendar.sessions(FIRST, LAST)[-1]
    assert tuple(deployment.model_store("lightgbm_model").active(last).features) == OPTION_FEATURES.factors
    assert deployment.warehouse.read("predictions", [last]).height > 5


def test_they_are_judged_like_any_family(made: tuple[Deployment, dg.ExecuteInProcessResult]) -> None:
    deployment, _ = made
    assert "option_features" in factor_reads(deployment)
    found = evaluate_family(
        deployment, deployment.of(judged_families)["option_features"], features=["iv_rank", "skew_25d"], horizon_sessions=1
    )
    assert found.family == "option_features"
    assert [one.feature for one in found.skills] == ["iv_rank", "skew_25d"]


def test_the_leak_check_judges_both_and_accuses_none(made: tuple[Deployment, dg.ExecuteInProcessResult]) -> None:
    deployment, _ = made
    bars, days = stored_bars(deployment, 9, 4)
    found = {one.name: one for one in of_deployment(deployment, bars, days)}
    for name, measured in (("volatility_surface", "atm_volatility"), ("option_features", "iv_rank")):
        whole = found[name].make({source: one.rows for source, one in found[name].inputs.items()})
        assert whole[measured].drop_nulls().is_not_nan().sum() > 5
        assert find_leaks(found[name], days, draws=1) == []


def test_models_can_name_the_family_and_without_chains_it_is_refused(tmp_path: Path) -> None:
    training = {"families": ("alpha158", "trend", "option_features")}
    deployment = market_with_options(tmp_path)
    with_model = Deployment(deployment.settings.model_copy(update={"training": deployment.settings.training.model_copy(update=training)}))
    assert list(with_model.of(model_families)) == ["alpha158", "trend", "option_features"]
    assert "option_features" not in with_model.of(families)
    assert list(with_model.of(option_families)) == ["option_features"]
    names = {key.path[-1] for key in build(with_model).resolve_asset_graph().get_all_asset_keys()}
    assert {"option_features", "volatility_surface", "greeks"} <= names
    for section, named in (("training", training), ("features", {"families": ("alpha158", "option_features")})):
        with pytest.raises(
            SettingsError,
            match=r"names `option_features`, which is made of option chains, but there are none: add a table \[options.chains\]",
        ):
            build(small_market(tmp_path, **{section: named}))  # pyright: ignore[reportArgumentType]


def test_the_check_counts_smiles_that_allow_arbitrage() -> None:
    rows = pl.DataFrame(
        {
            "underlying": "ABC",
            "expiry": [date(2024, 3, day) for day in (1, 8, 15, 22)],
            "butterfly_free": [True, False, True, None],
            "calendar_free": [True, True, False, None],
            "why": ["", "", "", "few_contracts"],
        }
    )
    verdict = judged_arbitrage(rows, 0.5)
    assert not verdict.passed
    assert verdict.metadata == {"smiles": 3, "butterflies": 1, "calendars": 1, "share": 2 / 3}
    assert verdict.text.startswith(
        "2 of 3 smiles allow arbitrage (volatility_surface.max_arbitrage_share allows 50%): ABC 2024-03-08, ABC 2024-03-15"
    )
    assert judged_arbitrage(rows, 0.7).passed
    assert judged_arbitrage(rows.clear(), 0.0).passed


@needs_market_data
def test_the_stored_chains_of_aapl_go_through_the_assets(tmp_path: Path) -> None:
    """The session of the split of 7 for 1: its old contracts are quarantined, and the others give twelve smiles with an error of 0.3 points, whose forwards tell the dividends to come."""
    options = {
        "chains": {"kind": "files", "path": MARKET_DATA / "us_options"},
        "underlyings": ("AAPL",),
        "spot": "delivered",
        "rate": 0.003,
    }
    lenient = {"first_session": date(2014, 6, 2), "screening": {"max_rejected_share": 1.0}}
    deployment = small_market(tmp_path, calendar={"first_session": date(2014, 1, 2)}, options=options | lenient)
    day = date(2014, 6, 9)
    result = run_job(deployment, "history", [day], [*CHAINS, *VALUED, "volatility_surface"])
    spot = next(one for one in result.get_asset_check_evaluations() if one.check_name == "spot")
    assert not spot.passed, "the set's close of that day is 92.72, which was the open: the options say 93.7"
    found = deployment.warehouse.read("volatility_surface", [day])
    assert found["method"].to_list() == ["svi"] * 12
    assert found["butterfly_free"].all()
    assert found["rmse"].median() == pytest.approx(0.0035, abs=0.0005)
    assert found["atm_volatility"].is_between(0.19, 0.27).all()
    assert found["forward"].tail(6).is_sorted(descending=True)


def test_a_close_that_is_not_what_puts_and_calls_say_is_told() -> None:
    """A forward of 102 in a quarter at 4 % with a payment of 0.5 is a spot of 101.485; one slice too late and one of a single pair say nothing."""
    slices = [("A", 0.25, 102.0, 5), ("A", 0.9, 150.0, 5), ("A", 0.1, 90.0, 1)]
    rows = pl.DataFrame(slices, schema=["underlying", "years", "forward", "parity_pairs"], orient="row")
    rows = rows.with_columns(rate=0.04, dividend_yield=0.0, dividends=0.5)
    for spot, passed in ((101.485, True), (100.6, True), (100.3, False)):
        verdict = judged_spots(rows.with_columns(spot=pl.lit(spot)), 0.01)
        assert verdict.passed is passed, spot
    assert "A at 100.30, its options say 101.49" in verdict.text
