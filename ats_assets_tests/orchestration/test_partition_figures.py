"""Numbers of each partition that Dagster plots. Before, materialisations said rows and bytes, and nothing of what is in them."""

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.portfolio.weight_figures import weight_figures
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import FIRST, LAST, make_history, run_job, small_market

ASKED = {
    "bars": {"symbols"},
    "rejected_bars": {"rows_rejected"},
    "universe": {"members"},
    "predictions": {"symbols", "score_mean", "score_deviation", "model_age_days"},
    "skill": {"ic_1", "rank_ic_1", "ic_5", "rank_ic_5", "turnover", "quantile_spread", "symbols"},
    "signals": {"longs", "shorts", "gross_exposure", "net_exposure", "turnover"},
    "targets": {"longs", "shorts", "gross_exposure", "net_exposure", "turnover", "changed_by_rules"},
}
NUMBERS = (dg.IntMetadataValue, dg.FloatMetadataValue)


def numbers(result: dg.ExecuteInProcessResult, day: date) -> dict[str, dict[str, float | int | None]]:
    """Asset -> the numbers that its materialisation of a session carries."""
    made: dict[str, dict[str, float | int | None]] = {}
    for asset in ASKED:
        (event,) = [one for one in result.asset_materializations_for_node(asset.removeprefix("rejected_")) if is_of(one, asset, day)]
        made[asset] = {name: value.value for name, value in event.metadata.items() if isinstance(value, NUMBERS)}
    return made


def is_of(event: dg.AssetMaterialization, asset: str, day: date) -> bool:
    return event.asset_key.path[-1] == asset and event.partition == day.isoformat()


def test_each_partition_carries_its_figures_alike_alone_and_in_a_range(tmp_path: Path) -> None:
    deployment = small_market(tmp_path)
    result = make_history(deployment, FIRST, LAST)
    last = numbers(result, LAST)
    for asset, names in ASKED.items():
        assert names <= set(last[asset]), asset
    stored = {asset: deployment.warehouse.read(asset, [LAST]) for asset in ASKED}
    assert last["bars"]["symbols"] == stored["bars"].height
    assert last["rejected_bars"]["rows_rejected"] == stored["rejected_bars"].height
    of_week = stored["skill"].row(by_predicate=pl.col("horizon_sessions") == 5, named=True)
    assert last["skill"]["rank_ic_5"] == of_week["rank_ic"]
    assert last["skill"]["quantile_spread"] == of_week["quantile_returns"][-1] - of_week["quantile_returns"][0]
    assert last["signals"]["gross_exposure"] == stored["signals"]["target_weight"].abs().sum()
    assert any("turnover" in numbers(result, day)["targets"] for day in deployment.calendar.window(LAST, 5))
    fits = [one.metadata for one in result.asset_materializations_for_node("lightgbm_model") if "rounds" in one.metadata]
    assert fits
    assert all(isinstance(fits[-1][name], NUMBERS) for name in ("validation_rank_ic", "rounds", "training_rows"))
    alone = run_job(deployment, "history", [LAST])
    assert numbers(alone, LAST) == last


DAYS = [date(2024, 1, day) for day in (2, 3, 4, 5, 8)]
books = st.lists(st.dictionaries(st.sampled_from("ABCDE"), st.floats(-1, 1), max_size=4), min_size=1, max_size=len(DAYS))


@settings(max_examples=rounds(40, 300))
@given(books)
def test_turnover_is_half_of_what_changes(held: list[dict[str, float]]) -> None:
    days = DAYS[: len(held)]
    rows = [(day, symbol, weight) for day, book in zip(days, held, strict=True) for symbol, weight in book.items()]
    schema = {"session": pl.Date, "symbol": pl.String, "target_weight": pl.Float64}
    made = {row["session"]: row for row in weight_figures(pl.DataFrame(rows, schema=schema, orient="row"), days).iter_rows(named=True)}
    assert list(made) == [day for day, book in zip(days, held, strict=True) if book]
    for i, (day, book) in enumerate(zip(days, held, strict=True)):
        if not book:
            continue
        assert made[day]["longs"] - made[day]["shorts"] == sum((w > 0) - (w < 0) for w in book.values())
        before = held[i - 1] if i else {}
        wanted = sum(abs(book.get(s, 0.0) - before.get(s, 0.0)) for s in {*book, *before}) / 2 if before else None
        assert made[day]["turnover"] == (pytest.approx(wanted) if wanted is not None else None)
