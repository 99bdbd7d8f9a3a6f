"""Options: where their chains come from, how they are screened, and what is taken for rate, style and price."""

from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from ats_assets.settings.section import NonNegative, Section, Share

Style = Literal["american", "european"]
EUROPEAN: Final = ("DJX", "MRUT", "NDX", "NDXP", "NQX", "RUT", "RUTW", "SPX", "SPXW", "VIX", "VIXW", "XEO", "XND", "XSP")
"""Roots of index options that can't be exercised early."""
MORNING_SETTLED: Final = ("NDX", "RUT", "SPX", "VIX", "VIXW")
"""Roots that are settled by the opening prices of their expiry, so that they are traded until the session before."""


class UnderlyingsSettings(Section):
    """Whose options are taken."""

    underlyings: tuple[str, ...] = ()


class ChainScreeningSettings(Section):
    """Which rows of a chain are quarantined, beyond those that can't be right."""

    max_rejected_share: Share = Field(
        default=0.05,
        description="a larger share of faulty rows of a session blocks what comes after; expired, adjusted and empty contracts are no fault",
    )
    max_stale_minutes: NonNegative | None = Field(
        default=None,
        description="a quote of longer before the close is stale; default: one of before the session's opening is, since a quote stands until it changes",
    )
    max_carry_per_year: Share = Field(
        default=0.1, description="by so much a year dividends, and the rate beside options.rate, may part the prices of call and put"
    )
    quoted_tolerance_share: Share = Field(
        default=0.01,
        description="of the spot: by so much prices may contradict each other or the spot beyond their spreads, since quotes and spot are of different instants",
    )
    unquoted_tolerance_share: Share = Field(
        default=0.1, description="the same of closes without quotes, which can be of trades hours before the close"
    )


class PayingSettings(Section):
    """What greeks depend on beside rates: the yields that are assumed, and the names under which shares pay."""

    dividend_yields: dict[str, float]
    symbol_by_underlying: dict[str, str]


class OptionsSettings(Section):
    """Options. Without `chains` there are none, and no asset of them."""

    chains: dict[str, Any] = Field(
        default_factory=dict,
        description="where chains come from: `kind` says which source of options (files, synthetic, alpaca, massive, preferred), default: files; the rest is its own",
    )
    underlyings: tuple[str, ...] = Field(
        default=(), description="roots of the contracts, such as AAPL or SPXW; default: all that are delivered"
    )
    first_session: date | None = Field(
        default=None, description="where the chains begin, if that is before the bars: partitions are offered from there on"
    )
    rate: float = Field(default=0.03, ge=-0.2, le=1.0, description="riskless, a year, continuously compounded; 0.03 is 3 %")
    rate_file: Path | None = Field(
        default=None,
        description="CSV or Parquet with columns date and rate: of each session the last one of an earlier day; before the first, `rate`",
    )
    style_by_underlying: dict[str, Style] = Field(
        default_factory=lambda: dict.fromkeys(EUROPEAN, "european"),
        description="root -> its style, where the delivery does not say; others are american",
    )
    morning_settled: tuple[str, ...] = Field(
        default=MORNING_SETTLED, description="roots that are traded until the session before their expiry"
    )
    spot: Literal["delivered_or_bars", "delivered"] = Field(
        default="delivered_or_bars",
        description="where the underlying's close comes from: as delivered with the chain, else from `bars`; or as delivered alone, so that no bars are read",
    )
    symbol_by_underlying: dict[str, str] = Field(
        default_factory=dict,
        description='root -> the symbol of its underlying in the bars, where they differ: { SPXW = "SPX", BRKB = "BRK.B" }',
    )
    unquoted_mark: Literal["close", "none"] = Field(
        default="close",
        description="price of a contract delivered without bid and ask: the close of its bar, where that is above zero, or none",
    )
    unquoted_half_spread_share: Share | None = Field(
        default=None,
        description="of the mark: half the spread that is taken for a contract delivered without bid and ask that has traded in the session; default: none, and it can't be traded",
    )
    dividend_yields: dict[str, float] = Field(
        default_factory=dict,
        description="root -> dividend yield a year that is assumed from the last announced ex-date on: { SPX = 0.02 }; others pay what is announced",
    )
    screening: ChainScreeningSettings = ChainScreeningSettings()

    @property
    def paying(self) -> "PayingSettings":
        """What is taken for the dividends of underlyings, alone."""
        return PayingSettings(dividend_yields=self.dividend_yields, symbol_by_underlying=self.symbol_by_underlying)

    @property
    def chosen(self) -> UnderlyingsSettings:
        """The underlyings alone, for what depends on nothing else of these."""
        return UnderlyingsSettings(underlyings=self.underlyings)

    @property
    def has_chains(self) -> bool:
        """Whether there are options at all."""
        return bool(self.chains)
