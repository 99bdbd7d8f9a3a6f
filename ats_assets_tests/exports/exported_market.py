"""A small market whose bars, features and predictions are exported."""

from datetime import date
from pathlib import Path
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market

LAST = date(2021, 2, 5)
"""Its 24th session."""
EXPORTS: dict[str, Any] = {
    "redis": {"assets": ["alpha158", "predictions"], "keep_sessions": 2},
    "timescale": {"assets": ["raw_bars", "bars", "predictions"]},
}


def market(root: Path, **changes: Any) -> Deployment:
    """The deployment; `exports` replaces what is exported."""
    return small_market(root, last_session=LAST, **{"exports": EXPORTS, **EARLY_MODELS, **changes})


def make(root: Path) -> None:
    """All that is exported, but the exports."""
    make_history(market(root), FIRST, LAST)


def export(deployment: Deployment, name: str, first: date = FIRST, last: date = LAST):
    """Run the job `exports` for one of them."""
    return run_job(deployment, "exports", deployment.calendar.sessions(first, last), [f"{name}_export"])
