"""What strategies of options are traded with over history."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import Bps, Section, Share


class OptionBacktestSettings(Section):
    """Trading of `[option_strategies]` at the quotes of chains; what borrowing costs is `[backtest.margin]`."""

    initial_cash: float = Field(default=100_000.0, gt=0, description="of all strategies together; each has its `capital` of it")
    spread_share: Share = Field(
        default=1.0, description="of the half spread, paid on each way: 0 trades at the middle of bid and ask, 1 at the quote itself"
    )
    fee_per_contract: float = Field(default=0.65, ge=0, description="for each contract that is bought or sold, in currency")
    fee_per_assignment: float = Field(default=0.0, ge=0, description="for each contract that is assigned or exercised, in currency")
    share_cost_bps: Bps = Field(default=2.0, description="of the price of shares that are traded at the close, paid on each way")
    account: Literal["reg_t", "cash_secured"] = Field(
        default="reg_t",
        description="what margin is asked for: by recognised spread (Regulation T), or all paid for (a put's strike lies there, no call without shares)",
    )
    assign_puts_early: bool = Field(
        default=False, description="whether short puts are assigned once their time value is below a night's interest on the strike"
    )
