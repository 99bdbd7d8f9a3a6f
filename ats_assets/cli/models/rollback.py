"""`ats models rollback`: a person takes the last change of champions back."""

import getpass

from ats_assets.cli.models.promote import known_from, tell
from ats_assets.deployment import Deployment
from ats_assets.promotions.promoting import roll_back
from ats_assets.settings import load_settings


def roll_back_champion(*, reason: str, who: str | None, at: str | None) -> None:
    """Write the decision into the journal, and say who is champion from which session on."""
    deployment = Deployment(load_settings())
    tell(roll_back(deployment, who=who or getpass.getuser(), reason=reason, known_at=known_from(at)))
