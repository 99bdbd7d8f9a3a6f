"""Stops by hand, as a rule among others: of any strategy's positions, at once, with the exit, the session and the level that was met."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import BaseModel

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.plugins import METHODS, RISK_RULES, Needs
from ats_assets.portfolio.method import Candidates
from ats_assets.portfolio.schema import WANTED_SCHEMA, HeldTargets, Targets
from ats_assets.portfolio.targets import targets_of
from ats_assets.risk import NamedRule, past_books
from ats_assets.risk.rule import RULED_SCHEMA
from ats_assets.risk.rules.limits import LimitsSettings
from ats_assets.sources.schema import BARS_SCHEMA

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(40)]
QUIET = 30
"""Sessions at the first close, before anything happens: ranges are known then."""

KEPT = 63


def bars_of(closes: Mapping[str, Sequence[float | None]], around: float = 1.0) -> pl.DataFrame:
    """Closes from the session `QUIET` on, at the first of them before; highs and lows lie `around` above and below."""
    rows = [
        (symbol, day, close)
        for symbol, later in closes.items()
        for day, close in zip(DAYS, [*[later[0]] * QUIET, *later], strict=False)
        if close is not None
    ]
    plain = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64}, orient="row")
    made = plain.with_columns(open="close", vwap="close", high=pl.col("close") + around, low=pl.col("close") - around, volume=pl.lit(1e5))
    return made.select(BARS_SCHEMA.names()).cast(dict(BARS_SCHEMA)).sort("session", "symbol")


def books_of(books: Mapping[str, Sequence[float | None]]) -> pl.DataFrame:
    """Weights from the session `QUIET` on; None is no row."""
    rows = [
        (symbol, DAYS[QUIET + i], weight) for symbol, weights in books.items() for i, weight in enumerate(weights) if weight is not None
    ]
    return pl.DataFrame(rows, schema=WANTED_SCHEMA, orient="row").sort("session", "symbol")


def targets(
    closes: Mapping[str, Sequence[float | None]],
    books: Mapping[str, Sequence[float | None]],
    *,
    before: Sequence[NamedRule] = (),
    actions: Sequence[Mapping[str, Any]] = (),
    holding: int = 1,
    around: float = 1.0,
    alone: bool = False,
    hold: bool = False,
    **how: Any,
) -> pl.DataFrame:
    """Of the sessions from `QUIET` on, made together or each from its own windows."""
    stops = NamedRule(name="stops", rule=RISK_RULES.made("stops", {"max_sessions": 8, "atr_sessions": 2, "peak_atr": None, **how}))
    told = pl.DataFrame(list(actions), schema=CORPORATE_ACTIONS_SCHEMA)
    frames, signals = {"bars": bars_of(closes, around), "corporate_actions": told}, {"mine": books_of(books)}
    last = QUIET + max(map(len, books.values()))

    def made(days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        inside = {name: frame.filter(pl.col("session").is_between(days[0], days[-1])) for name, frame in (frames | signals).items()}
        how = {"holding_sessions": holding, "days": days, "sessions": sessions, "kept": KEPT if hold else 0, "longest": holding}
        return targets_of({"mine": inside.pop("mine")}, {"mine": 1.0}, (*before, stops), frames=inside, **how)

    if not alone:
        return (HeldTargets if hold else Targets).validate(made(DAYS[:last], DAYS[QUIET:last]))
    back = max(past_books(stops.rule) + holding, *(window.back for window in stops.rule.needs())) + (KEPT if hold else 0)
    return pl.concat([made(DAYS[max(0, i - back) : i + 1], [DAYS[i]]) for i in range(QUIET, last)])


def weights(made: pl.DataFrame, symbol: str = "A") -> list[float]:
    return made.filter(symbol=symbol)["target_weight"].round(9).to_list()


def test_a_stop_in_per_cent_leaves_at_once_and_says_so() -> None:
    """8 % below 100 is 92. The mean over two sessions would have gone on with half of the weight; the strategy wants it all the while."""
    made = targets({"A": [100.0, 95, 91, 95, 99]}, {"A": [0.4] * 5}, stop_percent=8.0, holding=2)
    assert weights(made) == [0.4, 0.4, 0.0, 0.0, 0.0]
    told = "stops: stop: the close of 2024-02-02, 91.00, is at or below 92.00; entered on 2024-01-31 at 100.00"
    assert made["reasons"].to_list() == [[], [], [told], [told], [told]]
    assert made["proposed_weight"].to_list() == [0.4] * 5


def test_what_was_given_up_may_be_entered_again() -> None:
    made = targets({"A": [100.0, 91, 95, 96, 88]}, {"A": [0.4, 0.4, 0.0, 0.4, 0.4]}, stop_percent=8.0)
    assert weights(made) == [0.4, 0.0, 0.0, 0.4, 0.0]
    assert made["reasons"].to_list()[4] == [
        "stops: stop: the close of 2024-02-04, 88.00, is at or below 88.32; entered on 2024-02-03 at 96.00"
    ]


def test_a_session_without_an_opinion_ends_no_position() -> None:
    made = targets({"A": [100.0, 100, 100, 91]}, {"A": [0.4, None, 0.4, 0.4], "B": [0.1, None, 0.1, 0.1]}, stop_percent=8.0)
    assert weights(made) == [0.4, 0.4, 0.0]
    assert "entered on 2024-01-31 at 100.00" in made.filter(symbol="A")["reasons"].to_list()[2][0]


@pytest.mark.parametrize("holding", [1, 2])
def test_a_stop_works_while_a_strategy_has_no_signals(holding: int) -> None:
    """What is held goes through the rules: the position whose stop is hit is closed, with its reason, and not bought back; the other stays as it is."""
    closes, book = {"A": [100.0, 100, 100, 91, 95, 99], "B": [50.0] * 6}, [0.4, 0.4, None, None, None, None]
    found = [targets(closes, {"A": book, "B": book}, stop_percent=8.0, holding=holding, hold=True, alone=alone) for alone in (False, True)]
    assert found[0].equals(found[1])
    of_a, of_b = (found[0].filter(symbol=symbol) for symbol in "AB")
    assert of_a["allowed_change"].to_list() == ["any", "any", "none", "smaller", "smaller", "smaller"]
    assert of_a["target_weight"].round(9).to_list()[3:] == [0.0] * 3
    assert of_b["allowed_change"].to_list() == ["any", "any", "none", "none", "none", "none"]
    held = "mine: no signals since 2024-02-01, what it held stays"
    told = "stops: stop: the close of 2024-02-03, 91.00, is at or below 92.00; entered on 2024-01-31 at 100.00"
    assert of_a["reasons"].to_list() == [[], [], [held], *[[held, told]] * 3]


def test_what_was_left_is_not_bought_back_when_a_session_without_an_opinion_is_where_its_window_begins() -> None:
    """Two sessions of ten had no opinion, so that a window of four begins at each of them once."""
    books = [0.4, 0.4, None, None, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]
    for closes in ([100.0] * 10, [100.0, 91, 92, *[95.0] * 7]):
        made = targets({"A": closes}, {"A": books}, max_sessions=4, stop_percent=8.0)
        left = [weight == 0.0 for weight in weights(made)]
        assert left == sorted(left)
        assert left[-5:] == [True] * 5
        assert targets({"A": closes}, {"A": books}, max_sessions=4, stop_percent=8.0, alone=True).equals(made)


def test_the_chandelier_is_on_by_default_and_hangs_from_the_highest_high() -> None:
    """Ranges are 2 and more: the highest high is 113, one range of (2 + 13) / 2 = 7.5, then (7.5 + 8) / 2 = 7.75 below is 105.25."""
    made = targets({"A": [100.0, 112, 105]}, {"A": [0.4] * 3}, peak_atr=1.0)
    assert weights(made) == [0.4, 0.4, 0.0]
    assert "peak: the close of 2024-02-02, 105.00, is at or below 105.25" in made["reasons"].to_list()[2][0]
    assert "the highest price since 113.00" in made["reasons"].to_list()[2][0]
    assert weights(targets({"A": [100.0, 112, 105]}, {"A": [0.4] * 3}, peak_atr=1.0, peak_of="close")) == [0.4, 0.4, 0.4]


def test_the_size_follows_from_the_stop_that_ends_it() -> None:
    """`fixed_risk` with the same distance: entered at 50 with a range of 2, the stop is 46; what is lost there is 2 % of equity, whatever the range does then."""
    closes = [50.0, 49, 46, 45]
    ranges = pl.Series([2.0 / 50.0], dtype=pl.Float64).to_numpy()
    seen = Candidates(
        session=DAYS[QUIET],
        symbols=("A",),
        scores=np.ones(1),
        probabilities=np.ones(1),
        values={"atr": ranges[None, :]},
        horizon_sessions=1,
    )
    weight = float(METHODS.made("fixed_risk", {"top_k": 1, "stop_atr": 2.0, "risk_share": 0.02, "atr_sessions": 2}).book(seen).weights[0])
    made = targets({"A": closes}, {"A": [weight] * 4}, stop_atr=2.0)
    assert weights(made) == pytest.approx([weight, weight, 0.0, 0.0])
    assert "46.00, is at or below 46.00" in made["reasons"].to_list()[2][0]
    assert weight * (50.0 - 46.0) / 50.0 == pytest.approx(0.02)


def test_prices_are_those_of_the_session_through_splits_payments_and_names() -> None:
    """A split of four for one makes 100 an entry of 25, 8 % below which is 23, also under another name. A dividend of 2 makes it 98."""
    split = {"symbol": "A", "session": DAYS[QUIET + 1], "kind": "split", "ratio": 4.0}
    named = {"symbol": "A", "session": DAYS[QUIET + 2], "kind": "name_change", "new_symbol": "Z"}
    closes, books = {"A": [100.0, 24.5, None], "Z": [None, None, 22.9]}, {"A": [0.4, 0.4, None], "Z": [None, None, 0.4]}
    made = targets(closes, books, actions=[split, named], stop_percent=8.0)
    assert (weights(made), weights(made, "Z")) == ([0.4, 0.4], [0.0])
    assert "22.90, is at or below 23.00; entered on 2024-01-31 at 25.00" in made.filter(symbol="Z")["reasons"].to_list()[0][0]
    paid = {"symbol": "A", "session": DAYS[QUIET + 1], "kind": "cash_dividend", "cash": 2.0}
    made = targets({"A": [100.0, 90.0]}, {"A": [0.4, 0.4]}, actions=[paid], stop_percent=8.0)
    assert "90.00, is at or below 90.16; entered on 2024-01-31 at 98.00" in made["reasons"].to_list()[1][0]


class Late:
    """A rule that lets nothing be held before a day."""

    settings: BaseModel = LimitsSettings()

    def needs(self) -> tuple[Needs, ...]:
        return ()

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
    ) -> pl.DataFrame:
        early = (pl.col("session") < DAYS[QUIET + 2]) & (pl.col("weight") != 0.0)
        made = proposed.with_columns(weight=pl.when(early).then(0.0).otherwise("weight"), reason=pl.when(early).then(pl.lit("too early")))
        return made.cast(dict(RULED_SCHEMA))


def test_an_entry_is_where_the_rules_before_let_it_be() -> None:
    """Wanted from 100 on, held from 90 on: the stop is 8 % below 90."""
    late = NamedRule(name="late", rule=Late())
    made = targets({"A": [100.0, 95, 90, 84, 82]}, {"A": [0.4] * 5}, before=[late], stop_percent=8.0)
    assert weights(made) == [0.0, 0.0, 0.4, 0.4, 0.0]
    assert made["reasons"].to_list()[0] == ["late: too early"]
    assert "is at or below 82.80; entered on 2024-02-02 at 90.00" in made["reasons"].to_list()[4][0]


def test_a_session_alone_is_the_same_as_in_a_range() -> None:
    random = np.random.default_rng(3)
    closes = {name: (60.0 * np.exp(np.cumsum(0.03 * random.standard_normal(10)))).round(2).tolist() for name in "ABCD"}
    books = {name: random.choice([0.2] * 9 + [-0.2, 0.0, None], 10).tolist() for name in "ABCD"}
    split = {"symbol": "B", "session": DAYS[QUIET + 4], "kind": "split", "ratio": 1.03}
    how: dict[str, Any] = {"peak_atr": 1.5, "stop_percent": 3.0, "target_percent": 5.0, "actions": [split], "holding": 2}
    made = targets(closes, books, **how)
    assert made["reasons"].list.len().sum() > 5
    assert targets(closes, books, alone=True, **how).equals(made)
