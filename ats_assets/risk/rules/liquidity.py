"""Liquidity: no position is larger than what the market trades in a session, times a share.

A position of weight w of an account of `capital` is w x capital in currency. It may be `max_share` of the median of close x volume over `lookback_sessions`; sessions without a bar count as ones
without trading. What nobody trades is not held.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.corporate_actions.identity import INSTRUMENT, REPEAT_DAYS, identities_of
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.book_history import ACTIONS
from ats_assets.risk.rule import all_allowed, session_by_session, weighed_anew
from ats_assets.settings import Positive, Section


class LiquiditySettings(Section):
    """How much of the market a position may be."""

    max_share: float = Field(default=0.05, gt=0, description="of the money that a session trades")
    lookback_sessions: Positive = Field(default=21, description="of the median")
    capital: float = Field(default=1e6, gt=0, description="of the account, in currency; default: backtest.initial_cash")


class Liquidity:
    """Hold no more than can be sold."""

    def __init__(self, settings: LiquiditySettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The bars of the window, and the changes of name in it."""
        back = self.settings.lookback_sessions - 1
        return (Needs(asset="bars", back=back), Needs(asset=ACTIONS, back=back + REPEAT_DAYS))

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, each cut by itself."""
        own, place = self.settings, {day: i for i, day in enumerate(days)}
        back = own.lookback_sessions - 1

        def judge(rows: pl.DataFrame, session: date) -> pl.DataFrame:
            if not (rows["weight"] != 0.0).any():
                return all_allowed(rows)
            first, told = days[max(0, place[session] - back)], days[max(0, place[session] - back - REPEAT_DAYS)]
            known = identities_of(frames[ACTIONS].filter(pl.col("session").is_between(told, session)))
            bars = known.named(frames["bars"].filter(pl.col("session").is_between(first, session)))
            traded = bars.group_by(INSTRUMENT).agg(money=pl.col("close") * pl.col("volume"))
            window = min(own.lookback_sessions, place[session] + 1)
            money = {one: sorted([0.0] * (window - len(each)) + each) for one, each in traded.iter_rows()}
            weights = rows["weight"].to_numpy()
            medians = np.array([float(np.median(money.get(known.of(symbol, session), [0.0]))) for symbol in rows["symbol"]])
            most = own.max_share * medians / own.capital
            reasons = [
                f"a session trades {median:,.0f}, of which {own.max_share:.1%} is {cap:.2%} of the capital"
                for median, cap in zip(medians, most, strict=True)
            ]
            return weighed_anew(rows, np.sign(weights) * np.minimum(np.abs(weights), most), reasons)

        return session_by_session(proposed, judge)


PLUGIN = Plugin(settings=LiquiditySettings, make=Liquidity, quick={"lookback_sessions": 5})
