"""What orders for option contracts are filled in: the stored chains of a session, the corporate actions, and the strategies of options with the rules of trading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.strategy_account import OptionTradingRules, TradedStrategy
from ats_assets.option_strategies.book.contract_actions import ShareAction


class OptionMarket(Protocol):
    """Chains by session."""

    def chain(self, session: date) -> SessionChain | None:
        """The chain of the session; None while it is not known."""
        ...

    def share_actions(self, session: date) -> Mapping[str, ShareAction]:
        """The corporate actions of the session's open, by the root of the contracts."""
        ...


@dataclass(frozen=True, kw_only=True)
class PaperOptionTrading:
    """Trading of options on paper.

    Attributes
    ----------
    strategies
        Each begins with a book of its own capital, beside the cash that shares are traded with.
    rules
        Those of the backtest of options.
    symbols
        Root of contracts -> symbol of the bars, where it is another one.
    """

    market: OptionMarket
    strategies: Sequence[TradedStrategy]
    rules: OptionTradingRules = field(default_factory=OptionTradingRules)
    symbols: Mapping[str, str] = field(default_factory=dict)
