"""What sections about models must agree on."""

from collections.abc import Mapping

from ats_assets.settings.predictions import ChampionSettings
from ats_assets.settings.tuning import TuningSettings


def require_winnable(champion: ChampionSettings, horizon_sessions: int) -> None:
    """A challenger can win at all.

    Raises
    ------
    ValueError
        If the sessions that are compared are fewer than a challenger needs.
    """
    least = max(champion.min_judged_sessions, 60, 10 * horizon_sessions)
    if champion.rule == "challenge" and champion.paired_sessions < least:
        raise ValueError(
            f"champion.paired_sessions is {champion.paired_sessions}, but a challenger needs {least} judged sessions (champion.min_judged_sessions, 60, and 10 horizons), so that "
            f"none would ever win: set it to {least} or more"
        )


def require_tuned(tuning: TuningSettings, models: Mapping[str, object]) -> None:
    """The models that are tuned are there.

    Raises
    ------
    ValueError
        If one is none of the models, or settings of tuning are given and no model is tuned.
    """
    if not tuning.models and tuning != TuningSettings():
        said = sorted(tuning.model_fields_set - {"models"})
        raise ValueError(
            f"tuning.{said[0]} is set, but tuning.models names none, so that nothing is tuned: choose from {', '.join(models)}"
        )
    for name in tuning.models:
        if name not in models:
            raise ValueError(f"tuning.models names {name!r}, which is none of [models]: choose from {', '.join(models)}")
