"""`ats features join`: the features that were known beside each event of a file."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import typer

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError, how_many
from ats_assets.features import FEATURE_REASONS, as_of
from ats_assets.runs.event_files import ENDINGS, read_events, write_events
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import require_writable, say
from ats_assets.settings import load_settings


def join_features(
    *, events: Path, output: Path, features: Sequence[str] | None, max_age_sessions: int, delay_minutes: float, restated: bool
) -> None:
    """Write the events with their features to a file, and what was found to standard error.

    Raises
    ------
    FeatureError
        If the file can't be read, or its columns are not what events have.
    """
    if output.suffix not in ENDINGS:
        raise typer.BadParameter(f"{output} must end with {' or '.join(ENDINGS)}", param_hint="--output")
    require_writable(output)
    if output.exists() and output.samefile(events):
        raise typer.BadParameter(f"{output} is the file with the events: name another one", param_hint="--output")
    frame = read_events(events)
    how = {"max_age_sessions": max_age_sessions, "delay": timedelta(minutes=delay_minutes), "restated": restated}
    try:
        with LongJob(f"joining features to {how_many(frame.height, 'event')}"):
            found = as_of(frame, features, deployment=Deployment(load_settings()), **how)
    except FeatureError as error:
        raise FeatureError(f"{events}: {error}") from error
    write_events(output, found)
    lost = dict(found["feature_reason"].drop_nulls().value_counts(sort=True).iter_rows())
    with_features = found.height - sum(lost.values())
    added = how_many(found.width - frame.width - 4, "feature")
    say(f"{output}: {how_many(found.height, 'event')}, {with_features:,} with {added}")
    for reason, count in lost.items():
        say(f"{count:,} {reason}: {FEATURE_REASONS[reason]}")
