"""The profile of the volume within a session, by sessions before it: which share of a day's volume was traded by which minute."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

MINUTE = 60.0


def volume_profile(
    sessions: Sequence[tuple[datetime, datetime, pl.DataFrame]], opens_at: datetime, closes_at: datetime
) -> NDArray[np.float64] | None:
    """The mean profile of some sessions for a later one, each of which counts the same.

    Parameters
    ----------
    sessions
        Open, close and the bars (`MINUTE_SCHEMA`) of each. Those that last another time than the later one are left out, as half days are before a whole one, and those without
        volume.
    opens_at, closes_at
        Of the later session.

    Returns
    -------
    ndarray of shape (n_minutes,)
        The share of the day's volume that was traded by the end of each minute since the open; the last is 1. None where no session is left.
    """
    length = _minutes(opens_at, closes_at)
    found = [_by_minute(opens, bars, length) for opens, closes, bars in sessions if _minutes(opens, closes) == length]
    shares = [volumes / volumes.sum() for volumes in found if volumes.sum() > 0]
    if not shares:
        return None
    profile = np.cumsum(np.mean(shares, axis=0))
    return profile / profile[-1]


def share_by(profile: NDArray[np.float64] | None, opens_at: datetime, times: Sequence[datetime]) -> NDArray[np.float64] | None:
    """The shares of the volume that are to be expected by some times, of shape (n_times,); between minutes they grow evenly.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> opens = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
    >>> share_by(np.array([0.5, 0.75, 1.0]), opens, [opens, opens + timedelta(seconds=30), opens + timedelta(minutes=2)]).tolist()
    [0.0, 0.25, 0.75]
    """
    if profile is None or not len(profile):
        return None
    minutes = np.array([(at - opens_at).total_seconds() / MINUTE for at in times])
    return np.interp(minutes, np.arange(len(profile) + 1), np.concatenate([[0.0], profile]))


def _minutes(opens: datetime, closes: datetime) -> int:
    return max(1, int((closes - opens).total_seconds() / MINUTE))


def _by_minute(opens: datetime, bars: pl.DataFrame, length: int) -> NDArray[np.float64]:
    volumes = np.zeros(length)
    if bars.is_empty():
        return volumes
    seconds = bars.select((pl.col("starts_at") - pl.lit(opens.astimezone(UTC))).dt.total_seconds())["starts_at"].to_numpy()
    at, size = np.floor(seconds / MINUTE).astype(np.int64), np.nan_to_num(bars["volume"].to_numpy())
    inside = (at >= 0) & (at < length)
    np.add.at(volumes, at[inside], size[inside])
    return volumes
