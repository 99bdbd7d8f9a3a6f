"""Time bars: those of the clock, such as minute bars."""

from pydantic import Field, model_validator

from ats_assets.intraday.bar_ends import BarEnds, Floats, interval_ends
from ats_assets.intraday.sampling import SamplerSettings, TickSampling
from ats_assets.intraday.tick_arrays import Ticks
from ats_assets.plugins import Plugin
from ats_assets.settings.section import NonNegative, Positive


class TimeBarSettings(SamplerSettings):
    """How long a bar takes."""

    seconds: Positive = Field(default=60, description="a bar begins at each multiple of them since 1970, UTC")
    offset_seconds: NonNegative = Field(default=0, description="later: 1800 of 3600 for hours that begin at half past")

    @model_validator(mode="after")
    def _offset_is_within_a_bar(self) -> "TimeBarSettings":
        if self.offset_seconds >= self.seconds:
            raise ValueError(f"offset_seconds is {self.offset_seconds}, which is no less than seconds ({self.seconds})")
        return self


class TimeBarSampler(TickSampling[TimeBarSettings]):
    """Bars of an interval of the clock each; one without a tick is no bar. A bar is known when its interval is over."""

    def clock(self) -> tuple[int, int]:
        """Width and offset in nanoseconds."""
        return self.settings.seconds * 1_000_000_000, self.settings.offset_seconds * 1_000_000_000

    def ends(self, ticks: Ticks, before: Floats) -> BarEnds:  # noqa: ARG002 - the clock needs no threshold
        """Where intervals end."""
        return interval_ends.compiled(ticks.codes, ticks.at, ticks.starts, *self.clock())


PLUGIN = Plugin(settings=TimeBarSettings, make=TimeBarSampler)
