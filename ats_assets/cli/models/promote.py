"""`ats models promote`: a person makes a model champion."""

import getpass
from datetime import UTC, datetime

from ats_assets.deployment import Deployment
from ats_assets.promotions.promoting import Promoted, promote
from ats_assets.runs.writing import console, required_time, say
from ats_assets.settings import load_settings


def promote_model(*, name: str, reason: str, who: str | None, at: str | None) -> None:
    """Write the decision into the journal, and say from which session on it holds."""
    deployment = Deployment(load_settings())
    tell(promote(deployment, name, who=who or getpass.getuser(), reason=reason, known_at=known_from(at)))


def known_from(at: str | None) -> datetime:
    """The time that was named, or now."""
    return datetime.now(UTC) if at is None else required_time(at, "--at")


def tell(promoted: Promoted) -> None:
    """Write what was decided to standard output, and what there is to say of it to standard error."""
    one = promoted.decision
    since = "" if promoted.effective is None else f" from {promoted.effective} on"
    console().print(f"{one.model} is champion{since}: decided by {one.who} at {one.known_at:%Y-%m-%d %H:%M} UTC, {one.reason}")
    if promoted.remark:
        say(f"ats models: {promoted.remark}")
