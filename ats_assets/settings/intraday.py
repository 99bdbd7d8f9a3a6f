"""Data inside a session: where ticks come from, how they are screened, at which hours an instrument is traded, and which bars are sampled of them."""

from datetime import date, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PlainSerializer, field_validator, model_validator

from ats_assets.settings.section import NonNegative, Positive, Section, Share

Clock = Annotated[time, PlainSerializer(lambda at: at.isoformat("minutes" if at.second == 0 else "seconds"), return_type=str)]
"""A time of day, as a settings file has it: "17:00"."""


class HoursSettings(Section):
    """When an instrument is traded. What is not set is the exchange's: its opening and its close, early closes included.

    A session ends at `end` of its own date. It starts at `start` of the same date, or, where that is not before the end, of the day before: 17:00 to 17:00 is a whole day.
    """

    start: Clock | None = Field(default=None, description="time of day in `timezone`; default: the exchange's opening")
    end: Clock | None = Field(default=None, description="time of day in `timezone`; default: the exchange's close")
    friday_end: Clock | None = Field(default=None, description="the end of a session whose date is a Friday; default: as `end`")
    timezone: str | None = Field(default=None, description="of start and end, such as America/New_York; default: the exchange's")
    weekend: bool = Field(
        default=False,
        description="whether what is traded from Saturday on, before the first session after it starts, belongs to that session",
    )

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError(f"{name!r} is no time zone: use a name such as America/New_York or UTC") from error
        return name

    @model_validator(mode="after")
    def _both_ends_or_none(self) -> "HoursSettings":
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end are set together: set both, or leave both out for the exchange's hours")
        if self.friday_end is not None and self.end is None:
            raise ValueError("friday_end needs start and end: set them too")
        return self


class TickScreeningSettings(Section):
    """Which ticks are quarantined, beyond those that can't be right."""

    max_rejected_share: Share = Field(
        default=0.05,
        description="a larger share of faulty ticks of a session blocks what comes after; those outside the hours are no fault",
    )
    max_disorder_seconds: float | None = Field(
        default=None,
        ge=0,
        description="a tick whose time lies further before the newest one delivered is rejected; default: any order is sorted",
    )
    conditions: Literal["sip", "polygon", "algoseek", "none"] = Field(
        default="sip",
        description="whose condition codes they are: the consolidated tape's letters, Polygon's numbers, AlgoSeek's flags; none: they mean nothing",
    )
    no_price: tuple[str, ...] = Field(
        default=(),
        description='condition codes that set no price beside those that the tape excludes; ["20"] (sweeps) for AlgoSeek makes the bars of Lean',
    )
    crossed: bool = Field(default=False, description="whether quotes with bid above ask are kept as quotes")
    one_sided: Literal["rejected", "unchanged"] = Field(
        default="rejected",
        description="what a bid or ask of zero means: that there is none, or that it is unchanged; an empty one is unchanged",
    )


class LookbackSettings(Section):
    """How far back what is made of bars looks."""

    lookback_sessions: NonNegative


class SessionsSettings(Section):
    """The hours of instruments, by symbol."""

    sessions: dict[str, HoursSettings] = Field(default_factory=dict)


class TickGapsSettings(Section):
    """Which silences are named. With neither there is no asset of them."""

    sessions: NonNegative = Field(
        default=0, description="a symbol without a tick is a gap if it had one in so many sessions before; 0: it is none"
    )
    seconds: Positive | None = Field(default=None, description="so is a longer silence of a symbol within its hours; default: it is none")

    @property
    def are_named(self) -> bool:
        """Whether any is."""
        return self.sessions > 0 or self.seconds is not None


class IntradaySettings(Section):
    """Ticks. Without `trades` and `quotes` there is nothing inside a session, and no asset of it."""

    trades: dict[str, Any] = Field(
        default_factory=dict, description="where trades come from: `kind` says which source of ticks, default: files; the rest is its own"
    )
    quotes: dict[str, Any] = Field(default_factory=dict, description="where quotes come from, as `trades`")
    first_session: date | None = Field(
        default=None, description="where the ticks begin, if that is before the bars: partitions are offered from there on"
    )
    sessions: dict[str, HoursSettings] = Field(default_factory=dict, description="symbol -> its hours; `default` says those of all others")
    screening: TickScreeningSettings = TickScreeningSettings()
    gaps: TickGapsSettings = TickGapsSettings()
    lookback_sessions: NonNegative = Field(
        default=5, description="sessions before its own that what is made of bars of a session may look back over"
    )

    @property
    def has_ticks(self) -> bool:
        """Whether there are ticks at all."""
        return bool(self.trades or self.quotes)

    @property
    def hours(self) -> "SessionsSettings":
        """The hours of all instruments alone, which the session of a tick depends on."""
        return SessionsSettings(sessions=self.sessions)

    @property
    def lookback(self) -> "LookbackSettings":
        """The look-back alone, for what depends on nothing else of these."""
        return LookbackSettings(lookback_sessions=self.lookback_sessions)
