"""From signals to orders, and the limits that hold for them."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Bps, Name, NonNegative, Positive, Section, Share


class OrderLimitSettings(Section):
    """What no order may exceed, whatever the signals say. The backtest keeps to the same limits."""

    allow_short: bool = Field(default=False, description="sell more than is held")
    max_order_share: float = Field(default=0.25, gt=0, description="notional of one order, as a share of equity")
    max_day_share: float = Field(default=2.0, gt=0, description="notional of all orders of a session, as a share of equity")
    max_order_notional: float | None = Field(default=None, gt=0, description="in currency")
    max_day_notional: float | None = Field(default=None, gt=0, description="in currency")
    max_position_share: float = Field(default=0.3, gt=0, description="|value| of a position after the order, as a share of equity")
    max_position_notional: float | None = Field(default=None, gt=0, description="|value| of a position after the order, in currency")
    max_gross_share: float = Field(default=2.0, gt=0, description="sum of |value| of all positions after the orders, as a share of equity")
    lot_shares: Positive = Field(
        default=1,
        description="orders are whole lots of so many shares, what leaves a position altogether excepted; above 1 no parts of a share are traded",
    )
    min_trade_notional: float = Field(default=1.0, ge=0, description="a smaller order is not sent, a position's exit excepted; in currency")


class BrakeSettings(Section):
    """How the account's own losses lower its exposure, in backtests as in trading; by default not at all."""

    max_drawdown: float | None = Field(
        default=None, gt=0, le=1, description="from the highest equity, at which exposure is `floor`; default: no brake"
    )
    brake_from: Share = Field(default=0.0, description="drawdown up to which exposure is whole")
    floor: Share = Field(default=0.0, description="share of the targets that is held at `max_drawdown` and beyond")
    peak_sessions: int = Field(default=252, ge=2, description="sessions in which the highest equity is looked for")
    max_session_loss: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="loss of one session, as a share of equity, after which exposure is `after_loss`; default: none",
    )
    after_loss: Share = Field(default=0.0, description="share of the targets that is held then")
    cooldown_sessions: Positive = Field(default=5, description="sessions for which it is")

    @model_validator(mode="after")
    def _brakes_before_it_stops(self) -> "BrakeSettings":
        if self.max_drawdown is not None and self.brake_from >= self.max_drawdown:
            raise ValueError(f"brake_from ({self.brake_from:g}) must be less than max_drawdown ({self.max_drawdown:g})")
        if self.cooldown_sessions >= self.peak_sessions:
            raise ValueError(
                f"cooldown_sessions ({self.cooldown_sessions}) must be less than peak_sessions ({self.peak_sessions}), the sessions that are looked at"
            )
        return self

    @property
    def is_on(self) -> bool:
        """Whether any loss lowers exposure."""
        return self.max_drawdown is not None or self.max_session_loss is not None


class SelectionRule(Section):
    """Which orders an algorithm and a kind are for. A bound that is not given holds for all; one on what is not known holds for none."""

    algorithm: Name = Field(default="at_open", description="that works what the rule is for")
    kind: Literal["market_on_open", "limit", "bracket"] | None = Field(
        default=None, description="of the order, where it is sent as one; default: `orders.kind`"
    )
    min_spread_bps: Bps | None = Field(default=None, description="between bid and ask, of the price")
    max_spread_bps: Bps | None = Field(default=None, description="between bid and ask, of the price")
    min_size: float | None = Field(default=None, ge=0, description="of the order, as a share of the day's usual volume")
    max_size: float | None = Field(default=None, ge=0, description="of the order, as a share of the day's usual volume")
    min_urgency: Share | None = Field(default=None, description="0 is patient, 1 is at once")
    max_urgency: Share | None = Field(default=None, description="0 is patient, 1 is at once")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "SelectionRule":
        for what in ("spread_bps", "size", "urgency"):
            least, most = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"min_{what} ({least:g}) is above max_{what} ({most:g}): the rule is for no order")
        if self.kind is not None and self.algorithm != "at_open":
            raise ValueError(f'{self.algorithm} chooses the kind of each order itself: leave out kind, or take algorithm = "at_open"')
        return self


class OrdersSettings(Section):
    """From signals to orders."""

    broker: Name = Field(
        default="paper", description="paper: embedded, fills at the next open of the warehouse's bars; alpaca; or one of one's own"
    )
    live: bool = Field(default=False, description="true, and alpaca.account = live: orders cost real money")
    enabled: bool = Field(default=False, description="whether the sensor trades by itself")
    strategy: str = Field(default="main", pattern=r"^[a-z][a-z0-9_]{0,15}$", description="part of every client order id")
    kind: Literal["market_on_open", "limit", "bracket"] = "market_on_open"
    algorithm: Name = Field(
        default="at_open",
        description="how an order is worked: at_open, as one order of `kind` for the open; at_close, twap, vwap, participation, iceberg, adaptive_limit, "
        "implementation_shortfall, or one's own, by orders for parts of it",
    )
    selection: tuple[SelectionRule, ...] = Field(
        default=(),
        description="[[orders.selection]]: the first rule that an order meets chooses its algorithm and kind; where it meets none, those above",
    )
    urgency: Share = Field(default=0.5, description="of orders that open or enlarge a position: 0 is patient, 1 is at once")
    closing_urgency: Share = Field(default=0.5, description="of orders that reduce a position")
    unfilled: Literal["cross", "close", "end"] = Field(
        default="close",
        description="what becomes of the rest of a worked order before the close: cross: it goes to the market; close: into the closing auction; end: it stays unfilled",
    )
    last_minutes: Positive = Field(default=15, description="before the close, from when on that is done")
    start_minutes: NonNegative = Field(default=0, description="after the open, from when on an order is worked")
    work_minutes: Positive | None = Field(default=None, description="in which it is worked; default: until `last_minutes` before the close")
    session_bars: Name | None = Field(
        default=None,
        description="[samplers.<name>] whose bars of a minute backtest and paper broker play a session from; needed where an algorithm works within the session",
    )
    minute_volume_share: float = Field(
        default=0.25, gt=0, le=1, description="of what a minute has traded, that backtest and paper broker fill of all orders of a symbol"
    )
    collar_bps: Bps = Field(default=500.0, description="distance of a limit or bracket order's limit price from the decision price")
    take_profit_bps: Bps = Field(default=1_000.0, description="of a bracket, from the decision price")
    stop_loss_bps: Bps = Field(default=500.0, description="of a bracket, from the decision price")
    cancel_exits_before_open: bool = Field(
        default=False,
        description="whether exits may be cancelled outside of market hours, so that a sale is in the opening auction; a cancel that stays pending then leaves the position without them from the open on",
    )
    limits: OrderLimitSettings = OrderLimitSettings()
    brake: BrakeSettings = BrakeSettings()

    kill: bool = Field(default=False, description="stops all orders; the file kill_file does so too, within one order")
    kill_file: Path = Field(default=Path("KILL"), description="no order is sent while it exists; relative to storage.data")
    cash_tolerance: float = Field(default=0.01, ge=0, description="difference of cash that reconciliation passes over, in currency")
    rounding_limit: float = Field(
        default=5.0,
        ge=0,
        description="what the broker's roundings of fractional executions may add up to beside it, within a session and in all, in currency",
    )
    slippage_warning_bps: Bps = Field(default=50.0, description="mean slippage against the decision price that a check warns about")

    @model_validator(mode="after")
    def _people_have_a_book_of_their_own(self) -> "OrdersSettings":
        if self.strategy == "manual":
            raise ValueError('strategy = "manual" would give plans the ids of orders that people ask for: choose another name')
        return self

    @model_validator(mode="after")
    def _brackets_are_whole(self) -> "OrdersSettings":
        worked = {self.algorithm, *(rule.algorithm for rule in self.selection)} - {"at_open"}
        if self.kind == "bracket" and worked:
            raise ValueError(f'{min(worked)} works an order in parts, and a bracket has none: set kind = "market_on_open" or "limit"')
        return self

    @property
    def works_in_parts(self) -> bool:
        """Whether any order may be worked in parts."""
        return self.algorithm != "at_open" or bool(self.selection)

    @property
    def has_limits(self) -> bool:
        """Whether any order may be sent with a limit."""
        return any(kind not in {None, "market_on_open"} for kind in (self.kind, *(rule.kind for rule in self.selection)))

    @property
    def brakes(self) -> tuple[BrakeSettings, ...]:
        """The brake, if there is one: what is made without it does not depend on its settings."""
        return (self.brake,) if self.brake.is_on else ()
