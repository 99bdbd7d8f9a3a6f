"""The regime filter by hand: exposure by state or by probability, what is not known, and each change with its reason."""

from datetime import date

import polars as pl
import pytest

from ats_assets.errors import ContractError
from ats_assets.risk.rule import PROPOSED_SCHEMA, ruled
from ats_assets.risk.rules.regime_filter import RegimeFilter, RegimeFilterSettings

DAY = date(2024, 1, 2)
REGIMES = pl.DataFrame(
    {
        "symbol": ["A", "B", "C"],
        "session": [DAY] * 3,
        "m_p0": [0.9, 0.25, float("nan")],
        "m_p1": [0.1, 0.75, float("nan")],
        "m_p2": [0.0, 0.0, float("nan")],
        "m_entropy": [0.1, 0.5, float("nan")],
        "m_state": [0.0, 1.0, float("nan")],
        "m_sessions_in_state": [5.0, 2.0, float("nan")],
    }
).with_columns(pl.exclude("symbol", "session").cast(pl.Float32))


def filtered(regimes: pl.DataFrame = REGIMES, **changes: object) -> dict[str, tuple[float, str | None]]:
    book = pl.DataFrame(
        [(symbol, DAY, weight) for symbol, weight in zip("ABCD", (0.4, -0.4, 0.2, 0.1), strict=True)], schema=PROPOSED_SCHEMA, orient="row"
    )
    rule = RegimeFilter(RegimeFilterSettings.model_validate(changes))
    found = ruled("calm", book, rule.apply(book, {"regimes": regimes}, [DAY], [DAY]))
    return {symbol: (weight, reason) for symbol, weight, reason in found.select("symbol", "weight", "reason").iter_rows()}


def test_weights_are_scaled_by_the_mean_exposure_of_the_states_long_and_short() -> None:
    found = filtered(exposure=(1.0, 0.2))
    assert found["A"][0] == pytest.approx(0.4 * (0.9 + 0.1 * 0.2))
    assert found["B"] == (pytest.approx(-0.4 * (0.25 + 0.75 * 0.2)), "calm: m is in state 1 with probability 75%: times 0.4000")


def test_by_state_the_most_likely_one_decides_and_the_last_exposure_holds_for_further_states() -> None:
    found = filtered(exposure=(1.0, 0.2), by="state")
    assert found["A"] == (0.4, None)
    assert found["B"][0] == pytest.approx(-0.08)
    third = REGIMES.with_columns(m_state=pl.lit(2.0, pl.Float32))
    assert filtered(third, exposure=(1.0, 0.25), by="state")["A"][0] == pytest.approx(0.1)


def test_what_is_not_known_has_a_factor_of_its_own() -> None:
    assert filtered()["C"] == (0.2, None)
    found = filtered(unknown=0.5)
    assert found["C"] == (0.1, "calm: the regime of m is not known: times 0.5000")
    assert found["D"] == (0.05, "calm: the regime of m is not known: times 0.5000")


def test_full_exposure_in_every_state_changes_nothing_to_the_bit() -> None:
    assert [reason for _, reason in filtered(exposure=(1.0,)).values()] == [None] * 4


def test_an_asset_that_is_no_regimes_is_named() -> None:
    with pytest.raises(ContractError, match="regimes has no column <name>_sessions_in_state"):
        filtered(REGIMES.drop("m_sessions_in_state"))
