"""What is stored of options at one session: the chain with its greeks, the corporate actions of its open, the dividends announced and the earnings scheduled by its close."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from ats_assets.bars import BARS_SCHEMA
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.corporate_actions.screening import screen_actions
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.option_backtests.session_chain import OF_GREEKS, SessionChain
from ats_assets.option_backtests.session_loop import Earnings, earnings_ahead
from ats_assets.option_strategies.book.contract_actions import ShareAction, coming_actions, root_of
from ats_assets.option_strategies.fills import ZERO, decimal_of
from ats_assets.option_strategies.option_strategy import KnownDividend
from ats_assets.options.schema import GREEKS_SCHEMA
from ats_assets.scheduled_events import SCHEDULED
from ats_assets.sources import upcoming_actions

CHAINS, GREEKS, ANNOUNCED, ACTIONS, BARS = "option_chains", "greeks", "raw_announced_dividends", "corporate_actions", "bars"


class WarehouseOptions:
    """The stored options of a deployment, session by session: for a broker that fills by them, and for decisions at a close."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._chains: dict[date, SessionChain] = {}
        named = deployment.settings.options.symbol_by_underlying
        self.symbols: Mapping[str, str] = dict(named)
        """Root of contracts -> symbol of the bars, where it is another one."""
        self.roots: Mapping[str, str] = {symbol: root for root, symbol in named.items()}

    def chain(self, session: date) -> SessionChain | None:
        """The chain with greeks, where these are stored; None while the chain is not."""
        warehouse = self._deployment.warehouse
        if session not in self._chains:
            if not warehouse.exists(CHAINS, session):
                return None
            rows = warehouse.read(CHAINS, [session])
            if warehouse.exists(GREEKS, session):
                greeks = warehouse.read(GREEKS, [session], ["contract", *OF_GREEKS])
                rows = rows.join(greeks, on="contract", how="left", validate="1:1", maintain_order="left")
            else:
                rows = rows.with_columns(**{name: pl.lit(None, GREEKS_SCHEMA[name]) for name in OF_GREEKS})
            self._chains = {session: SessionChain(session, rows, self._closes(session))}  # the newest alone: chains are large
        return self._chains[session]

    def _closes(self, session: date) -> dict[str, float]:
        """Of the bars, by root; for underlyings whose chain tells no close."""
        settings, warehouse = self._deployment.settings, self._deployment.warehouse
        if settings.options.spot == "delivered" or not warehouse.exists(BARS, session):
            return {}
        bars = warehouse.read(BARS, [session], ["symbol", "close"])
        return {self.roots.get(symbol, root_of(symbol)): close for symbol, close in bars.iter_rows()}

    def share_actions(self, session: date) -> Mapping[str, ShareAction]:
        """The corporate actions of the session's open, by root: those that are stored, else those that the source announces."""
        warehouse = self._deployment.warehouse
        if warehouse.exists(ACTIONS, session):
            return coming_actions(warehouse.read(ACTIONS, [session], CORPORATE_ACTIONS_SCHEMA.names()), self.roots)
        return coming_actions(self._announced_actions(session), self.roots)

    def _announced_actions(self, session: date) -> pl.DataFrame:
        try:
            raw = upcoming_actions(self._deployment.source_now(), [session])
        except AtsError:
            raw = None
        if raw is None:
            return CORPORATE_ACTIONS_SCHEMA.to_frame()
        return screen_actions(raw, BARS_SCHEMA.to_frame(), self._deployment.calendar)[0].filter(session=session)

    def earnings(self, session: date) -> Earnings:
        """The days of earnings to come that were scheduled at the close of the session; none where no source of events is named."""
        if not self._deployment.settings.scheduled_events.has_events or not self._deployment.warehouse.exists(SCHEDULED, session):
            return {}
        return earnings_ahead(self._deployment.warehouse.read(SCHEDULED, [session]), self.roots).get(session, {})

    def dividends(self, session: date) -> tuple[KnownDividend, ...]:
        """Announced by the close of the session, with ex-sessions after it."""
        warehouse = self._deployment.warehouse
        if not warehouse.exists(ANNOUNCED, session):
            return ()
        rows = warehouse.read(ANNOUNCED, [session], ["symbol", "ex_session", "cash"]).sort("ex_session", "symbol")
        return tuple(
            KnownDividend(underlying=self.roots.get(symbol, root_of(symbol)), ex_session=ex, amount=decimal_of(cash) or ZERO)
            for symbol, ex, cash in rows.filter(pl.col("ex_session") > pl.lit(session) + timedelta(0)).iter_rows()
        )
