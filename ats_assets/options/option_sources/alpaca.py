"""Option chains that Alpaca delivered and `source.alpaca.collect` has in the warehouse, as a source of options.

They are taken after the close of a session and before the next open, and stored as `alpaca_option_chains` of that session: asked for page by page through the connection that all of Alpaca's data
come by. A session that was missed is an empty one. Volume and open interest are not among what Alpaca says of a chain.
"""

from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.options.contract import parts_of
from ats_assets.options.option_source import OptionSourcePlugin, chain_order
from ats_assets.options.quote_times import instants_of
from ats_assets.settings import Section

COLLECTED: Final = "alpaca_option_chains"
_NAMES: Final = {
    "symbol": "contract",
    "bid_price": "bid",
    "ask_price": "ask",
    "trade_price": "last",
    "implied_volatility": "vendor_volatility",
    **{name: f"vendor_{name}" for name in ("delta", "gamma", "theta", "vega", "rho")},
}
"""Alpaca's column -> the raw one, where they differ."""


class CollectedChainsSettings(Section):
    """Nothing: `source.alpaca` says what is collected."""


class CollectedChains:
    """Chains from what was collected, as an `OptionSource`."""

    def __init__(self, _settings: CollectedChainsSettings, deployment: Deployment) -> None:
        self._deployment = deployment

    def sessions(self) -> list[date]:
        """Those that were collected and have closed."""
        now = datetime.now(UTC)
        return [day for day in self._deployment.valid_sessions(COLLECTED) if self._deployment.calendar.closes_at(day) <= now]

    def chains(self, session: date) -> pl.DataFrame:
        """As `OptionSource.chains`; of a quote of Alpaca's without any price there is none."""
        if not self._deployment.warehouse.exists(COLLECTED, session):
            return chain_order(pl.DataFrame())
        rows = self._deployment.warehouse.read(COLLECTED, [session]).rename(_NAMES)
        parts = parts_of(pl.col("contract"))
        wrong = pl.when(parts["underlying"].is_null()).then("contract: '" + pl.col("contract") + "' is no symbol of an option")
        defects = pl.concat_str(["defects", wrong], separator="; ", ignore_nulls=True)
        made = rows.with_columns(
            underlying=pl.coalesce(parts["underlying"], "underlying"),
            expiry=parts["expiry"],
            strike=parts["strike"],
            right=parts["right"],
            quoted_at=instants_of(rows["quote_at"], "UTC"),
            date=pl.col("session"),
            defects=pl.when(defects != "").then(defects),
        )
        return chain_order(made)

    def known_at(self, session: date) -> datetime:
        """The session's close: chains are asked for right after it, and before the next open."""
        return self._deployment.calendar.closes_at(session)

    def describe(self) -> str:
        """Where they come from."""
        days = self.sessions()
        span = f"{days[0]} to {days[-1]}" if days else "none: name option_chains in source.alpaca.collect, and run the job market_data"
        return f"options: collected from Alpaca ({COLLECTED})\nsessions: {span}"


PLUGIN = OptionSourcePlugin(settings=CollectedChainsSettings, make=CollectedChains, reads=lambda _own: (COLLECTED,))
