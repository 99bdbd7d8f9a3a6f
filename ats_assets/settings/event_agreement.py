"""What the sections of events must agree on, among each other and with the samplers and models."""

from typing import TYPE_CHECKING

from ats_assets.settings.models import LONGEST_PERIOD

if TYPE_CHECKING:
    from ats_assets.settings.all_sections import Settings


def require_bars_of_events(settings: "Settings") -> None:
    """Refuse frames that no sampler makes, names that are taken, and models that are too old before the next.

    Raises
    ------
    ValueError
        Saying which setting to change.
    """
    if settings.events.frame is not None and settings.events.frame not in settings.samplers:
        raise ValueError(
            f"events.frame is {settings.events.frame!r}, which is none of [samplers]: choose one of {', '.join(settings.samplers) or 'those to be added'}"
        )
    if settings.microstructure.frame is not None and settings.microstructure.frame not in settings.samplers:
        raise ValueError(
            f"microstructure.frame is {settings.microstructure.frame!r}, which is none of [samplers]: choose one of "
            f"{', '.join(settings.samplers) or 'those to be added'}"
        )
    if settings.bar_regimes.frame is not None and settings.bar_regimes.frame not in settings.samplers:
        raise ValueError(f"bar_regimes.frame is {settings.bar_regimes.frame!r}, which is none of [samplers]")
    if settings.event_models and settings.events.frame is None:
        raise ValueError("[event_models] learn of events, but events.frame names no bars: set it to one of [samplers]")
    if (twice := settings.event_models.keys() & settings.models.keys()) or "event" in settings.event_models:
        raise ValueError(f"[event_models.{min(twice, default='event')}] has a name that is taken: give it another one")
    if settings.event_backtest.model not in {None, *settings.event_models}:
        raise ValueError(f"event_backtest.model is {settings.event_backtest.model!r}, which is none of [event_models]")
    longest = LONGEST_PERIOD[settings.event_training.refit][1 if settings.calendar.exchange == "24/7" else 0]
    if settings.event_models and settings.event_training.max_age_sessions < longest:
        raise ValueError(
            f"event_training.max_age_sessions is {settings.event_training.max_age_sessions}, but with refit = {settings.event_training.refit!r} a model is active for "
            f"up to {longest} sessions: set it to {longest} or more, or fit more often"
        )
