"""What happens inside a session: the loop that follows a stream of market data."""

from typing import Any, Literal

from pydantic import Field

from ats_assets.settings.section import Name, Positive, Section


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
    monitors: tuple[Literal["positions", "risk", "performance"], ...] = Field(
        default=(), description="what is stored minute by minute, each as an asset `live_<name>`"
    )
    silent_minutes: Positive = Field(default=5, description="without a decision while the session is open: the sensor tells of it")
