"""What a backtest trades with."""

from typing import Annotated, Any

from pydantic import Field

from ats_assets.settings.portfolio import MarginSettings
from ats_assets.settings.section import Bps, Name, Positive, Section, Share


class BacktestSettings(Section):
    """Trading of targets over history."""

    engine: Name = Field(
        default="orders",
        description="orders (as they are traded), weights (a quick look), backtrader or vectorbt (in processes and environments of their own), or one's own",
    )
    options: dict[str, Any] = Field(default={}, description="the engine's own settings")
    initial_cash: float = Field(default=1_000_000.0, gt=0)
    commission_bps: Bps = 1.0
    spread_bps: Bps = Field(default=4.0, description="full spread; half of it is paid on each side")
    slippage_bps: Bps = 2.0
    min_commission: float = Field(default=0.0, ge=0, description="for each order, in currency")
    fractional_shares: bool = False
    max_missing_sessions: Positive = Field(
        default=10, description="a held symbol without a bar for longer is delisted: closed at its last close less the haircut"
    )
    delisting_haircut: Share = 0.0
    margin: MarginSettings = MarginSettings()
    benchmark: str | None = Field(
        default=None, description="symbol to compare with; default: all symbols that have a signal, equally weighted"
    )
    cost_multiples: tuple[Annotated[float, Field(ge=0, le=100)], ...] = Field(
        default=(0.0, 1.0, 2.0, 3.0), description="of all costs, at which the backtest is run again for the report; 0 is gross"
    )
    risk_free_rate: float = Field(default=0.0, description="a year")
    sessions_per_year: Positive = Field(
        default=252, description="that yearly figures are made with; default: what calendar.exchange has a year"
    )

    @property
    def round_trip_bps(self) -> float:
        """What buying and selling again costs at the fixed rates: commission, spread and slippage, without the least commission.

        Examples
        --------
        >>> BacktestSettings(commission_bps=1.0, spread_bps=4.0, slippage_bps=2.0).round_trip_bps
        10.0
        """
        return 2.0 * self.commission_bps + self.spread_bps + 2.0 * self.slippage_bps
