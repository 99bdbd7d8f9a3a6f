"""What happens inside a session: the loop that follows a stream of market data."""

from typing import Any, Literal

from pydantic import Field

from ats_assets.settings.section import Name, Positive, Section, Share


class LiveEventSettings(Section):
    """Trading of events inside the session, by the model that the backtest of events trades (`event_backtest.model`, `event_backtest.min_probability`)."""

    enabled: bool = Field(default=False, description="whether positions are entered at events while the session goes on")
    symbols: tuple[str, ...] = Field(default=(), description="that are traded so; nothing else may hold or trade them")
    capital_share: Share = Field(default=1.0, description="of the equity of the last close, of which each symbol has an equal part")
    algorithm: Name = Field(
        default="adaptive_limit", description="that works the orders, at the highest urgency: this one crosses the spread at once"
    )
    minutes: Positive = Field(
        default=2, description="for which an order is worked; of an entry the rest stays unfilled, of an exit it goes to the market"
    )
    settle_seconds: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="without a trade of a symbol after which none of the last instant is waited for: a bar is known then, or with the symbol's next trade. "
        "Rows of a symbol are made once in this time, at most",
    )
    max_delay_seconds: float = Field(default=30.0, gt=0, description="an entry is not made where its bar was known longer ago")
    close_minutes: Positive = Field(default=5, description="before the session ends, from when on nothing is entered and all is closed")


class LiveSettings(Section):
    """The session loop, `ats trade live`. Without `enabled` there is no asset of it and no sensor; the command itself needs none of both."""

    enabled: bool = Field(
        default=False, description="whether what the loop decided is an asset, with its check, and the sensor looks after it"
    )
    start: bool = Field(default=False, description="whether the sensor also starts the loop where none runs while a session is open")
    stream: Name = Field(default="alpaca", description="where market data come from; its own settings are in [live.streams.<name>]")
    streams: dict[Name, dict[str, Any]] = Field(
        default_factory=dict, description="name -> a stream's own settings; `kind` says which, default: the name"
    )
    symbols: tuple[str, ...] = Field(default=(), description="to follow, beside those that are held or planned")
    quotes: bool = Field(default=True, description="whether quotes are followed; minute bars always are")
    trades: bool = Field(default=False, description="whether trades are followed, too: prices then move with each")
    on_breach: Literal["stop", "close"] = Field(
        default="stop", description="after a breach of a limit: nothing more is sent, or open orders are cancelled and all positions closed"
    )
    rules: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        description="name -> the own settings of a risk rule that what is held must keep inside the session, as `[risk]`; one that reads no assets. "
        "`orders.brake` holds without being named",
    )
    max_disorder_seconds: float = Field(
        default=180.0,
        ge=0,
        description="bars may come so much later than newer ones of their symbol; what is older goes back in time, and is refused",
    )
    max_ahead_seconds: float = Field(
        default=30.0, ge=0, description="market data may be so far ahead of the clock; what is further is refused"
    )
    max_age_seconds: float = Field(default=180.0, gt=0, description="no order is sent of a symbol whose newest price is older than this")
    look_seconds: float = Field(default=30.0, gt=0, description="between two looks at the broker without word of it")
    tick_seconds: float = Field(default=1.0, gt=0, description="after which time alone is a reason to decide")
    events: LiveEventSettings = LiveEventSettings()
    monitors: tuple[Literal["positions", "risk", "performance"], ...] = Field(
        default=(), description="what is stored minute by minute, each as an asset `live_<name>`"
    )
    silent_minutes: Positive = Field(default=5, description="without a decision while the session is open: the sensor tells of it")
