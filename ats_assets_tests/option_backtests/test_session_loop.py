"""Histories of a few sessions, worked out by hand: what is traded when, which night assigns, what splits and ends of contracts do."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from ats_assets.option_backtests.strategy_account import OptionTradingRules
from ats_assets.option_strategies import OptionView
from ats_assets.option_strategies.fills import OptionFillRules
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.scheduled_events import SCHEDULED_EVENTS_SCHEMA
from ats_assets_tests.option_backtests.option_market import (
    Quoted,
    Scripted,
    actions,
    chain,
    contract,
    dividend,
    flows,
    on,
    order,
    split,
    traded,
)

MON, TUE, WED, THU, FRI, NEXT = (date(2024, 3, day) for day in (4, 5, 6, 7, 8, 11))
CALL = contract("XYZ", date(2024, 3, 15), "95", "C")
PUT = contract("XYZ", date(2024, 3, 8), "95", "P")
FEES = OptionTradingRules(fills=OptionFillRules(fee_per_contract=Decimal("0.65")), fee_per_assignment=Decimal(5))


def quiet(quoted: list[Quoted], spot: float = 100.0, days: tuple[date, ...] = (MON, TUE, WED, THU, FRI)) -> list:
    return [chain(day, {"XYZ": spot}, quoted) for day in days]


def test_a_decision_trades_at_the_next_session_at_its_quotes_and_is_not_carried_over() -> None:
    chains = quiet([(CALL, 6.0, 6.2)], days=(MON, TUE, WED))
    chains[1] = chain(TUE, {"XYZ": 100.0}, [(CALL, 5.0, 5.4)])
    rows = traded(Scripted(on(MON, (CALL, 2, "open"))), chains, rules=FEES)
    assert flows(rows) == [(TUE, "premium", CALL.symbol, 2, 0.0, -1080.0), (TUE, "fee", CALL.symbol, 0, 0.0, -1.3)]
    chains[1] = chain(TUE, {"XYZ": 100.0}, [(PUT, 1.0, 1.1)])  # the call has no quote there, though it has one before and after
    rows = traded(Scripted(on(MON, (CALL, 2, "open"))), chains, rules=FEES)
    assert flows(rows) == []
    assert [(row["session"], row["reason"]) for row in rows["unfilled"]] == [(TUE, "no_quote")]
    assert [(row["outcome"], row["traded_session"]) for row in rows["decisions"] if row["action"] == "open"] == [("no_quote", TUE)]


@pytest.mark.parametrize(
    ("paid", "ask", "assigned"),
    [(0.50, 5.30, True), (0.30, 5.50, False), (0.10, 5.30, False)],
    ids=["time value below it", "time value above it", "dividend below it"],
)
def test_a_short_call_is_assigned_in_the_night_before_the_ex_session_and_its_shares_get_no_dividend(
    paid: float, ask: float, assigned: bool
) -> None:
    """At 100 the call of 95 is worth 5.00 exercised; at (5.10 + ask) / 2 its time value is 0.20 or 0.30."""
    chains = quiet([(CALL, 5.10, ask)])
    covered = on(MON, (None, 100, "open"), (CALL, -1, "open"))
    rows = traded(Scripted(covered), chains, actions(dividend("XYZ", THU, paid)), rules=FEES)
    if assigned:
        assert flows(rows, "assignment", "dividend") == [(WED, "assignment", CALL.symbol, 1, -100.0, 9500.0)]
        assert (WED, "fee", CALL.symbol, 0, 0.0, -5.0) in flows(rows)
    else:
        assert flows(rows, "assignment", "dividend") == [(THU, "dividend", None, 0, 0.0, 100 * paid)]


def test_who_wrote_the_call_without_shares_is_short_of_them_and_pays_the_dividend() -> None:
    rows = traded(Scripted(on(MON, (CALL, -1, "open"))), quiet([(CALL, 5.10, 5.30)]), actions(dividend("XYZ", THU, 0.5)))
    assert flows(rows, "assignment", "dividend") == [
        (WED, "assignment", CALL.symbol, 1, -100.0, 9500.0),
        (THU, "dividend", None, 0, 0.0, -50.0),
    ]


def test_a_strategy_is_told_of_the_earnings_that_are_scheduled_at_the_close() -> None:
    """At the second session they have moved; they are over once their day is; and of what it does not trade it is told nothing."""
    told = [(MON, "XYZ", THU, "earnings"), (MON, "ABC", THU, "earnings"), (MON, "XYZ", FRI, "meeting"), (TUE, "XYZ", FRI, "earnings")]
    told += [(day, "XYZ", FRI, "earnings") for day in (WED, THU, FRI)]
    rows = [dict(zip(("session", "symbol", "date", "kind"), row, strict=True)) for row in told]
    script = Scripted(lambda _view: [])
    traded(script, quiet([(CALL, 5.10, 5.30)]), scheduled=pl.DataFrame(rows, schema=SCHEDULED_EVENTS_SCHEMA))
    assert [view.earnings for view in script.views] == [{"XYZ": (THU,)}, *([{"XYZ": (FRI,)}] * 3), {}]
    listed = StrategyContext(script.views[0], {"XYZ": [MON, WED]}).coming_dates("XYZ")
    assert listed.earnings == (WED, THU), "those of the settings, too, if they are to come"


def test_a_call_in_the_money_that_nobody_quotes_before_the_ex_session_is_assigned() -> None:
    chains = quiet([(CALL, 5.10, 9.00)])
    chains[2] = chain(WED, {"XYZ": 100.0}, [(PUT, 1.0, 1.1)])
    rows = traded(Scripted(on(MON, (CALL, -1, "open"))), chains, actions(dividend("XYZ", THU, 0.5)))
    assert [row[:2] for row in flows(rows, "assignment")] == [(WED, "assignment")]


def test_what_is_assigned_at_night_the_strategy_did_not_know_and_its_order_for_the_morning_is_not_filled() -> None:
    def roll(view: OptionView) -> list:
        if view.session == MON:
            return [order(view, (CALL, -1, "open"))]
        return [order(view, (CALL, 1, "close"), action="close")] if view.session == WED else []

    script = Scripted(roll)
    rows = traded(script, quiet([(CALL, 5.10, 5.30)]), actions(dividend("XYZ", THU, 0.5, announced=TUE)))
    assert [len(view.held) for view in script.views] == [0, 1, 1, 0, 0]
    assert [(row["session"], row["reason"]) for row in rows["unfilled"]] == [(THU, "position_gone")]
    assert [[one.ex_session for one in view.dividends] for view in script.views] == [[], [THU], [THU], [], []]


def test_an_index_option_is_not_assigned_early_and_settles_in_cash() -> None:
    index = contract("SPX", date(2024, 3, 8), "5000", "C")
    chains = [chain(day, {"SPX": 5100.25}, [(index, 100.0, 101.0)], "european") for day in (MON, TUE, WED, THU, FRI)]
    short = Scripted(on(MON, (index, -1, "open")))
    rows = traded(short, chains, actions(dividend("SPX", THU, 50.0)), underlyings=("SPX",), capital="500000")
    assert flows(rows, "assignment", "expiry") == [(FRI, "expiry", index.symbol, 1, 0.0, -10025.0)]


@pytest.mark.parametrize(("spot", "kind"), [(94.99, "assignment"), (95.0, "expiry"), (94.995, "expiry")])
def test_a_short_put_is_assigned_at_expiry_if_it_is_in_the_money_by_a_cent(spot: float, kind: str) -> None:
    chains = [*quiet([(PUT, 1.0, 1.1)], days=(MON, TUE, WED, THU)), chain(FRI, {"XYZ": spot}, [(PUT, 0.0, 0.05)])]
    rows = traded(Scripted(on(MON, (PUT, -2, "open"))), chains)
    shares, cash = (200.0, -19000.0) if kind == "assignment" else (0.0, 0.0)
    assert flows(rows, "assignment", "expiry") == [(FRI, kind, PUT.symbol, 2, shares, cash)]


def test_long_options_in_the_money_are_exercised_and_an_early_exercise_is_a_decision() -> None:
    rows = traded(Scripted(on(MON, (PUT, 1, "open"))), quiet([(PUT, 4.8, 5.2)], spot=90.0))
    assert flows(rows, "exercise") == [(FRI, "exercise", PUT.symbol, -1, -100.0, 9500.0)]

    def early(view: OptionView) -> list:
        if view.session == MON:
            return [order(view, (CALL, 1, "open"))]
        return [order(view, (CALL, -1, "close"), action="exercise")] if view.session == TUE else []

    rows = traded(Scripted(early), quiet([(CALL, 5.1, 5.3)]), actions(dividend("XYZ", THU, 0.5)))
    assert flows(rows, "exercise", "dividend") == [
        (WED, "exercise", CALL.symbol, -1, 100.0, -9500.0),
        (THU, "dividend", None, 0, 0.0, 50.0),
    ]


def test_a_put_is_assigned_early_only_where_settings_say_so_and_a_night_of_interest_is_worth_more_than_its_time_value() -> None:
    deep = contract("XYZ", date(2024, 4, 19), "150", "P")
    chains = quiet([(deep, 49.99, 50.03)])
    short = on(MON, (deep, -1, "open"))
    assert flows(traded(Scripted(short), chains), "assignment") == []
    rows = traded(Scripted(short), chains, rules=OptionTradingRules(puts_at_rate=lambda _: 0.05))  # 150 * 5 % / 365 = 0.0205 > 0.01
    assert flows(rows, "assignment") == [(TUE, "assignment", deep.symbol, 1, 100.0, -15000.0)]
    before_ex = actions(dividend("XYZ", WED, 0.5))
    rows = traded(Scripted(short), chains, before_ex, rules=OptionTradingRules(puts_at_rate=lambda _: 0.05))
    assert flows(rows, "assignment") == [(WED, "assignment", deep.symbol, 1, 100.0, -15000.0)]


def test_a_split_of_seven_makes_seven_times_as_many_contracts_at_a_seventh_of_the_strike() -> None:
    old, new = contract("XYZ", date(2024, 3, 15), "645", "P"), contract("XYZ", date(2024, 3, 15), "92.14", "P")
    before = [chain(day, {"XYZ": 650.0}, [(old, 10.0, 10.2)]) for day in (MON, TUE, WED)]
    after = [chain(day, {"XYZ": 93.0}, [(new, 1.40, 1.44)]) for day in (THU, FRI)]

    def sell(view: OptionView) -> list:
        if view.session == MON:
            return [order(view, (old, -1, "open"), (None, 10, "open"))]
        return [order(view, (old, 1, "close"), action="close")] if view.session == WED else []

    script = Scripted(sell)
    rows = traded(script, [*before, *after], actions(split("XYZ", THU, 7.0)))
    assert flows(rows, "split") == [
        (THU, "split", None, 0, 60.0, 0.0),
        (THU, "split", old.symbol, 1, 0.0, 0.0),
        (THU, "split", new.symbol, -7, 0.0, 0.0),
    ]
    assert [row["reason"] for row in rows["unfilled"]] == ["corporate_action"]
    assert [(one.contract, one.quantity, one.multiplier) for one in script.views[3].held] == [(new, -7, 100)]
    assert [float(row["equity"]) for row in rows["equity"]][2:4] == [100_000 - 10, 100_000 + 1000 - 7 * 142 - 6500 + 70 * 93]
    assert script.views[2].actions[0].ratio == 7
    assert not script.views[2].actions[0].adjusts


def test_contracts_that_an_action_adjusts_are_closed_at_the_quotes_before_or_at_what_they_are_worth_exercised() -> None:
    short = on(MON, (CALL, -1, "open"), (PUT, 1, "open"))
    chains = quiet([(CALL, 5.10, 5.30), (PUT, 1.00, 1.10)])
    chains[2] = chain(WED, {"XYZ": 100.0}, [(CALL, 5.10, 5.30)])  # nobody quotes the put
    script = Scripted(short)
    rows = traded(script, chains, actions(split("XYZ", THU, 1.5)))
    assert flows(rows)[2:] == [
        (WED, "adjusted", PUT.symbol, -1, 0.0, 0.0),
        (WED, "premium", CALL.symbol, 1, 0.0, -530.0),
    ]
    assert script.views[2].actions[0].adjusts
    assert script.views[3].held == ()


def test_more_than_the_margin_carries_is_not_opened_and_what_lowers_it_is_never_refused() -> None:
    naked = Scripted(on(MON, (CALL, -10, "open")))
    rows = traded(naked, quiet([(CALL, 5.1, 5.3)]), capital="15000")
    assert [row["reason"] for row in rows["unfilled"]] == ["margin"]
    secured, put = OptionTradingRules(account="cash_secured"), on(MON, (PUT, -1, "open"))
    rows = traded(Scripted(put), quiet([(PUT, 1.0, 1.1)]), rules=secured, capital="9400")
    assert flows(rows, "premium") == [(TUE, "premium", PUT.symbol, -1, 0.0, 100.0)]
    rows = traded(Scripted(put), quiet([(PUT, 1.0, 1.1)]), rules=secured, capital="9399")
    assert [row["detail"] for row in rows["unfilled"]] == [
        "the equity does not carry the margin that it would take: 9,400.00 would be needed, the equity would be 9,399.00 (cash_secured)"
    ]


def test_a_contract_without_a_mark_keeps_its_time_value_and_the_row_says_for_how_long() -> None:
    chains = quiet([(CALL, 6.0, 6.4)])
    chains[2] = chain(WED, {"XYZ": 103.0}, [(PUT, 1.0, 1.1)])
    rows = traded(Scripted(on(MON, (CALL, 1, "open"))), chains)
    found = [(row["session"], float(row["mark"]), row["unquoted_sessions"]) for row in rows["positions"]]
    assert found[:3] == [(TUE, 6.2, 0), (WED, 9.2, 1), (THU, 6.2, 0)]


def test_each_position_and_underlying_has_a_row_even_where_the_strategy_is_silent() -> None:
    rows = traded(Scripted(on(MON, (CALL, 1, "open"))), quiet([(CALL, 6.0, 6.4)]))
    assert [(row["session"], row["rule"]) for row in rows["decisions"]] == [
        (MON, "scripted_open"),
        *((day, "not_told") for day in (TUE, TUE, WED, WED, THU, THU, FRI, FRI)),
    ]
