"""What engines of others do not know: refused by the name of the setting, unless the settings say that it is to be left out.

Some of it would only change a few trades (limits, the no-trade band), and comparing says which; some would make figures wrong (splits), and is never left out.
"""

from collections.abc import Collection
from typing import Literal

import polars as pl

from ats_assets.backtests.engine import BacktestInputs
from ats_assets.errors import ContractError, how_many
from ats_assets.settings import MarginSettings

LeftOut = Literal[
    "portfolio.max_weight",
    "portfolio.max_gross",
    "portfolio.max_net",
    "portfolio.max_turnover",
    "portfolio.no_trade_band",
    "orders.limits",
    "orders.brake",
    "orders.kind",
    "orders.algorithm",
    "backtest.margin",
    "backtest.min_commission",
]
"""Settings that an engine may leave out, where the user says so."""
ROUNDING = 1e-9


def refuse_what_is_left_out(inputs: BacktestInputs, name: str, leave_out: Collection[LeftOut], *, min_commission: bool) -> None:
    """Name all settings at once that matter to these targets, that the engine does not know, and that are not to be left out.

    Parameters
    ----------
    min_commission
        Whether the engine knows it.

    Raises
    ------
    ContractError
        If there are any, or corporate actions, or a model of market impact.
    """
    _refuse_actions(inputs, name)
    if inputs.impact is not None:
        raise ContractError(
            f"the engine {name} knows no market impact: set impact.model = 'fixed' and no impact.max_participation, or choose backtest.engine = 'orders'"
        )
    matters = _matters(inputs)
    if min_commission:
        matters.pop("backtest.min_commission", None)
    missing = {setting: what for setting, what in matters.items() if setting not in leave_out}
    if missing:
        told = "\n".join(f"- {setting}: {what}" for setting, what in missing.items())
        names = ", ".join(f'"{setting}"' for setting in sorted({*leave_out, *missing}))
        raise ContractError(
            f"the engine {name} does not know:\n{told}\nLeave them out by\n[backtest.options]\nleave_out = [{names}]\nor choose backtest.engine = 'orders', which keeps them"
        )


def _refuse_actions(inputs: BacktestInputs, name: str) -> None:
    if inputs.actions is None or inputs.targets.is_empty():
        return
    wanted = inputs.targets.filter(pl.col("target_weight") != 0.0).group_by("symbol").agg(first=pl.col("session").min())
    acts = inputs.actions.join(wanted, on="symbol").filter(
        pl.col("session") > pl.col("first"), pl.col("session").is_in(list(inputs.sessions))
    )
    if len(acts):
        row = acts.sort("session", "symbol").row(0, named=True)
        raise ContractError(
            f"the engine {name} knows no corporate actions, and the market has {how_many(len(acts), 'action')}, such as the {row['kind']} of {row['symbol']} in session "
            f"{row['session']}: give it bars of adjusted prices and no corporate_actions, or choose backtest.engine = 'orders'"
        )


def _matters(inputs: BacktestInputs) -> dict[LeftOut, str]:
    """Setting -> what it is, of those that could change a trade."""
    weights, portfolio, found = inputs.targets["target_weight"].fill_nan(0.0), inputs.portfolio, dict[LeftOut, str]()
    by_session = inputs.targets.group_by("session").agg(gross=pl.col("target_weight").abs().sum(), net=pl.col("target_weight").sum().abs())
    largest, gross, net = (float(column.abs().max() or 0.0) for column in (weights, by_session["gross"], by_session["net"]))  # pyright: ignore[reportArgumentType] - of floats
    short = bool((weights < 0.0).any())
    limits: tuple[tuple[LeftOut, float, float], ...] = (
        ("portfolio.max_weight", portfolio.max_weight, largest),
        ("portfolio.max_gross", portfolio.max_gross, gross),
        ("portfolio.max_net", portfolio.max_net, net),
        ("portfolio.max_turnover", portfolio.max_turnover, 2.0 * gross),
    )
    for setting, limit, most in limits:
        if most > limit + ROUNDING:
            found[setting] = f"{limit:g}, and the targets may need {most:g}"
    if portfolio.no_trade_band > 0.0:
        found["portfolio.no_trade_band"] = f"{portfolio.no_trade_band:g}"
    if inputs.limits is not None:
        found["orders.limits"] = "what one order and one session may be"
    if inputs.brake is not None and inputs.brake.is_on:
        found["orders.brake"] = "less exposure after losses"
    if inputs.working is not None and inputs.working.orders.has_limits:
        found["orders.kind"] = "orders with a limit, by it or a rule of orders.selection: such an engine fills them all at the open"
    if inputs.working is not None and inputs.working.algorithms:
        found["orders.algorithm"] = "orders that are worked in parts, by it or a rule of orders.selection"
    if short and _costs_or_calls(inputs.settings.margin):
        found["backtest.margin"] = "fees for shares that are short, interest on a debit, margin calls; some targets are short"
    if inputs.settings.min_commission > 0.0:
        found["backtest.min_commission"] = f"{inputs.settings.min_commission:g}"
    return found


def _costs_or_calls(margin: MarginSettings) -> bool:
    rates = (margin.borrow_bps_a_year, margin.debit_bps_a_year, *margin.borrow_bps_by_symbol.values())
    return any(rate > 0.0 for rate in (*rates, margin.maintenance_share_long, margin.maintenance_share_short))
