"""Rules by hand: what each allows, and the reason with its numbers."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.definitions import build
from ats_assets.errors import SettingsError
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.plugins import RISK_RULES
from ats_assets.risk import Rule, risk_rules, ruled
from ats_assets.risk.rule import PROPOSED_SCHEMA
from ats_assets.risk.rules.concentration import effective_positions
from ats_assets.risk.rules.evidence import EvidenceSettings, decision_edges
from ats_assets.scheduled_events import SCHEDULED_EVENTS_SCHEMA
from ats_assets.sources.schema import BARS_SCHEMA
from ats_assets_tests.small_market import small_market

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(120)]
LAST = DAYS[-1]


def rule(kind: str, **values: Any) -> Rule:
    return RISK_RULES.made(kind, values)


def allowed(
    one: Rule, weights: Mapping[str, float], frames: Mapping[str, pl.DataFrame] | None = None, day: date = LAST
) -> dict[str, tuple[float, str]]:
    book = pl.DataFrame([(symbol, day, weight) for symbol, weight in weights.items()], schema=PROPOSED_SCHEMA, orient="row")
    found = ruled("mine", book, one.apply(book, frames or {}, DAYS, [day]))
    return {
        symbol: (pytest.approx(weight), reason or "") for symbol, weight, reason in found.select("symbol", "weight", "reason").iter_rows()
    }


def bars(closes: np.ndarray, volume: float = 1e5) -> dict[str, pl.DataFrame]:
    """Of shape (n_sessions, n_symbols), the last at the last day."""
    days = DAYS[-len(closes) :]
    rows = [(f"S{j}", day, float(close)) for day, row in zip(days, closes, strict=True) for j, close in enumerate(row)]
    plain = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64}, orient="row")
    same = dict.fromkeys(("open", "high", "low", "vwap"), pl.col("close"))
    made = plain.with_columns(**same, volume=pl.lit(volume)).select(BARS_SCHEMA.names()).cast(dict(BARS_SCHEMA))
    return {"bars": made, "corporate_actions": CORPORATE_ACTIONS_SCHEMA.to_frame()}


def test_the_smallest_positions_the_groups_and_the_sides_are_cut_in_this_order() -> None:
    one = rule("exposure", max_positions=3, max_long=0.3, groups={"tech": {"symbols": ("A", "B"), "most": 0.2}})
    found = allowed(one, {"A": 0.2, "B": 0.2, "C": 0.2, "D": 0.1, "E": 0.0})
    assert found["D"] == (0.0, "mine: 4 positions are more than 3, and it is among the smallest")
    assert found["C"] == (0.15, "mine: the longs have 40.00% of equity, above 30.00%: times 0.7500")
    assert found["A"] == (
        0.075,
        "mine: tech have 40.00% of equity, above 20.00%: times 0.5000; the longs have 40.00% of equity, above 30.00%: times 0.7500",
    )
    assert found["E"] == (0.0, "")
    assert allowed(rule("exposure", max_short=0.1), {"A": -0.2, "B": -0.2, "C": 0.9})["A"][0] == pytest.approx(-0.05)


def test_the_bad_session_of_todays_book_is_what_it_may_lose() -> None:
    """Of 20 returns of S0 one is -10 % and one -6 %: at 95 % the mean loss of the worst session is 10 %, of half the equity 5 %."""
    returns = np.full((21, 2), 0.001)
    returns[5, 0], returns[9, 0] = -0.10, -0.06
    frames = bars(100.0 * np.cumprod(1.0 + returns, axis=0))
    found = allowed(rule("value_at_risk", max_loss=0.02, lookback_sessions=20), {"S0": 0.5, "S1": 0.0}, frames)
    assert found["S0"] == (0.2, "mine: cvar at 95% of 5.00% a session is above 2.00%: times 0.4000")
    assert allowed(rule("value_at_risk", max_loss=0.06, lookback_sessions=20), {"S0": 0.5}, frames)["S0"] == (0.5, "")
    assert "only 20 returns of the book are known" in allowed(rule("value_at_risk", min_sessions=30), {"S0": 0.5}, frames)["S0"][1]


def test_what_moves_together_counts_as_one_and_an_opposite_short_too() -> None:
    random = np.random.default_rng(0)
    common, other = random.normal(size=64) * 0.01, random.normal(size=64) * 0.01
    returns = np.column_stack([common, common + 0.001 * random.normal(size=64), -common, other])
    frames = bars(100.0 * np.cumprod(1.0 + returns, axis=0))
    found = allowed(rule("correlation", max_cluster=0.3), {"S0": 0.2, "S1": 0.2, "S2": -0.2, "S3": 0.2}, frames)
    assert [found[name][0] for name in ("S0", "S1", "S2")] == [0.1, 0.1, -0.1]
    assert found["S0"][1].startswith("mine: S0, S1, S2 move together (correlation 0.8 and above) and have 60.00% of equity, above 30.00%")
    assert found["S3"] == (0.2, "")
    hedged = allowed(rule("correlation", max_cluster=0.3), {"S0": 0.2, "S1": -0.2}, frames)
    assert hedged["S0"] == (0.2, ""), "a long and a short of the same thing do not lose together"


def test_the_largest_positions_are_cut_until_the_book_is_spread() -> None:
    found = allowed(rule("concentration", min_positions=2.5), {"A": 0.8, "B": -0.1, "C": 0.1})
    sizes = np.abs([float(found[name][0].expected) for name in "ABC"])
    assert effective_positions(sizes) == pytest.approx(2.5)
    assert sizes[1:].tolist() == [0.1, 0.1]
    assert "spread over 1.5 positions, fewer than 2.5" in found["A"][1]
    assert allowed(rule("concentration", min_positions=4), {"A": 0.5, "B": 0.5})["A"] == (
        0.25,
        "mine: 2 positions can't be spread over 4: times 0.5000",
    )


def test_a_position_is_a_share_of_what_a_session_trades() -> None:
    """10 a share, 100,000 shares a session: 5 % of a million is 50,000, of an account of a million 5 %. With a volume on fewer than half of the sessions the median is 0."""
    frames = bars(np.full((30, 2), 10.0))
    found = allowed(rule("liquidity", capital=1e6), {"S0": 0.2, "S1": -0.02, "Z": 0.1}, frames)
    assert found["S0"] == (0.05, "mine: a session trades 1,000,000, of which 5.0% is 5.00% of the capital")
    assert found["S1"] == (-0.02, "")
    assert found["Z"][0] == pytest.approx(0.0), "nobody trades it"


def test_around_an_event_that_is_known_nothing_is_held(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    event = DAYS[60]
    file.write_text(f"symbol,date,kind,known_from\nA,{event},earnings,\nB,{event},earnings,{DAYS[59]}\n*,{DAYS[80]},rates,\n")
    one = rule("blackout", events_file=file, before_days=2, after_days=1)

    def held(day: date) -> list[float]:
        return [float(found[0].expected) for found in allowed(one, {"A": 0.1, "B": 0.1, "C": 0.1}, day=day).values()]

    assert held(DAYS[57]) == [0.1, 0.1, 0.1]
    assert held(DAYS[58]) == [0.0, 0.1, 0.1], "of B nobody knows yet"
    assert held(DAYS[59]) == [0.0, 0.0, 0.1]
    assert held(DAYS[61]) == [0.0, 0.0, 0.1]
    assert held(DAYS[62]) == [0.1, 0.1, 0.1]
    assert held(DAYS[80]) == [0.0, 0.0, 0.0]
    assert allowed(one, {"A": 0.1}, day=event)["A"][1] == f"mine: earnings of A on {event}: times 0"
    assert allowed(one, {"B": 0.1}, day=event)["B"][1] == f"mine: earnings of B on {event}, known since {DAYS[59]}: times 0"
    file.write_text(f"symbol,date,kind\nA,{event},earnings\n")
    with pytest.raises(SettingsError, match="has changed since the settings were read"):
        allowed(rule("blackout").__class__(one.settings), {"A": 0.1})
    file.write_text("symbol,date,kind\nA,next week,earnings\n")
    with pytest.raises(SettingsError, match=r"line 2: date is 'next week'"):
        rule("blackout", events_file=file)


def test_a_delivered_schedule_is_read_as_it_stood_at_the_session() -> None:
    """At the first session the event is told of the sixth day, at the second it has moved: what was known then counts, with its reason."""
    known = [datetime(2024, 1, day, 21, tzinfo=UTC) for day in (1, 2)]
    told = [(DAYS[0], "A", DAYS[5], "amc", known[0]), (DAYS[1], "A", DAYS[40], None, known[1]), (DAYS[1], "*", DAYS[2], None, None)]
    rows = [
        {"session": day, "symbol": symbol, "kind": "earnings" if symbol == "A" else "rates", "date": of, "timing": timing, "known_at": at}
        for day, symbol, of, timing, at in told
    ]
    frames = {"scheduled_events": pl.DataFrame(rows, schema=SCHEDULED_EVENTS_SCHEMA)}
    one = rule("blackout", delivered=True, before_days=5, kinds=("earnings",))
    assert [needs.asset for needs in one.needs()] == ["scheduled_events"]
    book = {"A": 0.1, "B": 0.1}
    first, second, third = (allowed(one, book, frames, day) for day in DAYS[:3])
    assert first["A"] == (0.0, f"mine: earnings of A on {DAYS[5]} (amc), known since 2024-01-01: times 0")
    assert [found["B"] for found in (first, second, third)] == [(0.1, "")] * 3
    assert second["A"] == third["A"] == (0.1, ""), "it has moved; and no schedule is no event"
    every = allowed(rule("blackout", delivered=True), book, frames, DAYS[1])
    assert {reason for _, reason in every.values()} == {f"mine: rates on {DAYS[2]}: times 0"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"delivered": True, "before_days": 400}, "up to 366 days ahead and 31 behind"),
        ({"delivered": True, "after_days": 32}, "up to 366 days ahead and 31 behind"),
    ],
)
def test_a_blackout_that_no_schedule_reaches_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        rule("blackout", **values)


def test_events_come_from_one_place(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("symbol,date,kind\n")
    with pytest.raises(SettingsError, match="leave one out"):
        rule("blackout", delivered=True, events_file=file)
    with pytest.raises(SettingsError, match=r"which it can't: it may read .*; a table \[scheduled_events.source\] makes it an asset"):
        build(small_market(tmp_path, risk={"calm": {"kind": "blackout", "delivered": True}}))


def test_a_group_is_cut_as_it_is_on_the_day(tmp_path: Path) -> None:
    file = tmp_path / "sectors.csv"
    file.write_text(f"symbol,group,from,until\nA,tech,,{DAYS[9]}\nB,tech,,\nA,media,{DAYS[10]},\n")
    one = rule("exposure", groups_file=file, max_group=0.2)
    assert {name: weight for name, (weight, _) in allowed(one, {"A": 0.2, "B": 0.2}, day=DAYS[9]).items()} == {"A": 0.1, "B": 0.1}
    assert allowed(one, {"A": 0.2, "B": 0.2}, day=DAYS[10]) == {"A": (0.2, ""), "B": (0.2, "")}


def as_labels(table: pl.DataFrame) -> pl.DataFrame:
    """All columns of the contract; an outcome's rank, which is at most 1, was once taken for that of its score, so that every symbol was among the best and nothing had an edge."""
    rank = pl.col("forward_return").rank("ordinal").over("decision_session") / pl.len().over("decision_session")
    return (
        table.with_columns(horizon_sessions=pl.lit(1), rank=rank, exit=pl.lit("open"))
        .select(FORWARD_RETURNS_SCHEMA.names())
        .cast(dict(FORWARD_RETURNS_SCHEMA))
    )


def scored_market(skill: float, *, seed: int, sessions: int = 110, symbols: int = 30) -> dict[str, pl.DataFrame]:
    """Scores whose correlation with the return of the next session is `skill`."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(sessions, symbols))
    returns = 0.02 * (skill * scores + np.sqrt(1 - skill**2) * random.normal(size=(sessions, symbols)))
    rows = [(f"S{j:02}", DAYS[i], DAYS[i + 1], float(scores[i, j]), float(returns[i, j])) for i in range(sessions) for j in range(symbols)]
    table = pl.DataFrame(rows, schema=["symbol", "decision_session", "session", "score", "forward_return"], orient="row")
    return {"predictions": table.select("symbol", session="decision_session", score="score"), "forward_returns": as_labels(table)}


def test_the_book_is_as_large_as_its_edge_is_sure() -> None:
    """On chance nothing is held in at least 17 of 20 markets at 90 %; with a strong skill nearly all of it, in all."""
    day = DAYS[110]

    def factors(skill: float, **changes: Any) -> list[float]:
        one = rule("evidence", top_k=5, horizon_sessions=1, lookback_sessions=100, costs_bps=5.0, **changes)
        return [float(allowed(one, {"A": 1.0}, scored_market(skill, seed=seed), day)["A"][0].expected) for seed in range(20)]

    assert sum(factor == 0.0 for factor in factors(0.0)) >= 17
    assert min(factors(0.4)) > 0.7
    assert max(factors(0.4, confidence=0.999)) < max(factors(0.4)), "more confidence asks for more evidence"


def test_what_an_edge_is_by_hand_and_what_it_costs() -> None:
    rows = [("A", 3.0, 0.05), ("B", 2.0, 0.01), ("C", 1.0, 0.00)], [("A", 1.0, 0.00), ("B", 3.0, 0.02), ("C", 2.0, 0.04)]
    table = pl.DataFrame(
        [(symbol, DAYS[i], DAYS[i + 1], score, outcome) for i, of_day in enumerate(rows) for symbol, score, outcome in of_day],
        schema=["symbol", "decision_session", "session", "score", "forward_return"],
        orient="row",
    )
    settings = EvidenceSettings(top_k=1, horizon_sessions=1, costs_bps=100.0)
    edges = decision_edges(table.select("symbol", session="decision_session", score="score"), as_labels(table), DAYS, settings)
    assert edges["edge"].to_list() == pytest.approx([0.05 - 0.02 - 0.01, 0.02 - 0.02 - 0.01])


def test_without_enough_outcomes_there_is_no_evidence() -> None:
    one = rule("evidence", top_k=5, horizon_sessions=1)
    assert allowed(one, {"A": 0.5}, scored_market(0.5, seed=1, sessions=30), DAYS[30])["A"] == (
        0.0,
        "mine: only 30 decisions are judged, fewer than 60: times 0.0000",
    )


def test_rules_take_what_other_sections_say(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, risk={"evidence": {}, "liquidity": {}}, backtest={"initial_cash": 5e5}, portfolio={"top_k": 4})
    found = {one.name: one.rule.settings.model_dump() for one in deployment.of(risk_rules)}
    assert (found["evidence"]["top_k"], found["evidence"]["horizon_sessions"]) == (4, deployment.settings.training.horizon_sessions)
    assert found["liquidity"]["capital"] == 5e5
    with pytest.raises(ValidationError):
        EvidenceSettings(confidence=0.4)
