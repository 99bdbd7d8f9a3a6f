"""What an engine of others does not know is named, all at once, with the lines that leave it out; nothing is installed before."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA
from ats_assets.algorithms.stored_days import StoredDays
from ats_assets.backtests import BacktestInputs
from ats_assets.backtests.engine import Engine
from ats_assets.calendar import session_calendar
from ats_assets.errors import ContractError, SettingsError
from ats_assets.plugins import ALGORITHMS, ENGINES
from ats_assets.portfolio.working_rules import WorkingRules
from ats_assets.settings import BacktestSettings, BrakeSettings, OrderLimitSettings, OrdersSettings, PortfolioSettings
from ats_assets_tests.backtests.child_engine.random_weights import FREE, LENT_FOR_NOTHING
from ats_assets_tests.backtests.small_markets import actions_of, bars_of, random_impact, signals_of, weekdays

DAYS = weekdays(8)
DAILY = StoredDays(lambda _: MINUTE_SCHEMA.to_frame(), session_calendar("24/7", date(2019, 12, 1)), 0.0)


def inputs_of(weight: float = 0.5, **changes: Any) -> BacktestInputs:
    bars = bars_of([(s, day, 10.0, 10.0) for s in "AB" for day in DAYS])
    settings = BacktestSettings(margin=LENT_FOR_NOTHING)
    return replace(
        BacktestInputs(targets=signals_of([("A", DAYS[0], weight)]), bars=bars, sessions=DAYS, portfolio=FREE, settings=settings), **changes
    )


def engine(folder: Path, name: str = "vectorbt", *leave_out: str) -> Engine:
    return ENGINES.made(name, {"environments": folder / "engines", "leave_out": leave_out})


def test_the_defaults_are_named_all_at_once_with_the_lines_that_leave_them_out(tmp_path: Path) -> None:
    """Of the default settings, what can change a trade of these targets."""
    inputs = inputs_of(-0.5, portfolio=PortfolioSettings(), settings=BacktestSettings(), limits=OrderLimitSettings(), brake=BrakeSettings())
    with pytest.raises(ContractError) as raised:
        engine(tmp_path).run(inputs)
    assert str(raised.value) == "\n".join(
        [
            "the engine vectorbt does not know:",
            "- portfolio.max_weight: 0.15, and the targets may need 0.5",
            "- portfolio.max_turnover: 0.5, and the targets may need 1",
            "- portfolio.no_trade_band: 0.02",
            "- orders.limits: what one order and one session may be",
            "- backtest.margin: fees for shares that are short, interest on a debit, margin calls; some targets are short",
            "Leave them out by",
            "[backtest.options]",
            'leave_out = ["backtest.margin", "orders.limits", "portfolio.max_turnover", "portfolio.max_weight", "portfolio.no_trade_band"]',
            "or choose backtest.engine = 'orders', which keeps them",
        ]
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ("orders.brake", {"brake": BrakeSettings(max_drawdown=0.2)}),
        ("orders.kind", {"working": WorkingRules(orders=OrdersSettings(kind="limit"), days=DAILY, algorithms={})}),
        (
            "orders.algorithm",
            {"working": WorkingRules(orders=OrdersSettings(), days=DAILY, algorithms={"vwap": ALGORITHMS.made("vwap", {})})},
        ),
        ("backtest.min_commission", {"settings": BacktestSettings(min_commission=1.0)}),
        ("portfolio.max_gross", {"portfolio": FREE.model_copy(update={"max_gross": 0.4, "max_net": 0.6})}),
        ("portfolio.max_net", {"portfolio": FREE.model_copy(update={"max_net": 0.4})}),
    ],
)
def test_each_is_named_alone(tmp_path: Path, setting: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match=f'leave_out = \\["{setting}"\\]'):
        engine(tmp_path).run(inputs_of(**changes))


def test_what_is_left_out_already_stays_on_the_line(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r'leave_out = \["orders.brake", "orders.limits"\]'):
        engine(tmp_path, "backtrader", "orders.limits").run(inputs_of(brake=BrakeSettings(max_session_loss=0.1)))


def test_only_what_can_be_left_out_can_be_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="leave_out"):
        engine(tmp_path, "backtrader", "corporate_actions")


def test_a_model_of_market_impact_is_refused(tmp_path: Path) -> None:
    """By `impact.model`, or a bound of participation."""
    with pytest.raises(ContractError, match=r"knows no market impact: set impact\.model = 'fixed'"):
        engine(tmp_path, "backtrader").run(inputs_of(impact=random_impact(0, inputs_of().bars, "square_root")))


def test_splits_and_payments_of_what_may_be_held_are_refused_and_others_are_not(tmp_path: Path) -> None:
    split = actions_of([("A", DAYS[3], "split", 2.0, None), ("A", DAYS[4], "cash_dividend", None, 1.0)])
    with pytest.raises(
        ContractError, match=r"has 2 actions, such as the split of A in session 2020-01-09: give it bars of adjusted prices"
    ):
        engine(tmp_path).run(inputs_of(actions=split))
    with pytest.raises(ContractError, match=r"has 1 action, such as the split"):  # it had said "there are 1 one"
        engine(tmp_path).run(inputs_of(actions=split.head(1)))
    rows = [("B", DAYS[3], "split", 2.0, None), ("A", DAYS[0], "split", 2.0, None), ("A", date(2030, 1, 1), "split", 2.0, None)]
    others = inputs_of(actions=actions_of(rows), limits=OrderLimitSettings())
    with pytest.raises(ContractError, match=r"orders\.limits"):  # which is looked at next
        engine(tmp_path).run(others)
