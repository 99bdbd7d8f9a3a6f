"""The whole chain can be judged: an edge planted in the synthetic market is found, and where none is planted none is found.

Bars, Alpha158, boosted trees and out-of-sample predictions are the graph's own; the verdict is that of the skill summary on the model's horizon.
"""

from datetime import date
from pathlib import Path

import pytest

from ats_assets.evaluation.skill_summary import HorizonSkill, skill_summary
from ats_assets_tests.small_market import FIRST, run_job, small_market

pytestmark = pytest.mark.slow
LAST = date(2021, 12, 14)
"""The 240th session; models are there from about the 90th on."""
HORIZON = 5
ACTIONS = ("raw_corporate_actions", "corporate_actions", "rejected_corporate_actions")
CHAIN = ("raw_bars", "bars", "rejected_bars", *ACTIONS, "universe", "alpha158", "forward_returns", "lightgbm_model", "predictions", "skill")


def planted(root: Path, ic: float, seed: int, symbols: int) -> HorizonSkill:
    """The skill over the model's horizon in a market with a planted edge of that strength."""
    deployment = small_market(
        root,
        source={
            "kind": "synthetic",
            "synthetic": {"symbols": symbols, "first_session": FIRST, "last_session": LAST, "planted_ic": ic, "seed": seed},
        },
        universe={"size": symbols, "min_history_sessions": 20, "lookback_sessions": 20},
        training={
            "families": ("alpha158",),
            "horizon_sessions": HORIZON,
            "train_sessions": 120,
            "validation_sessions": 15,
            "min_train_sessions": 45,
            "embargo_sessions": 1,
            "refit": "monthly",
            "threads": 2,
        },
    )
    run_job(deployment, "history", deployment.calendar.sessions(FIRST, LAST), CHAIN)
    skill = deployment.warehouse.read("skill", deployment.warehouse.stored_sessions("skill"))
    found = skill_summary(skill, HORIZON).horizon(HORIZON)
    assert found is not None
    return found


def test_a_planted_edge_is_found(tmp_path: Path) -> None:
    found = planted(tmp_path, 0.05, seed=1, symbols=160)
    assert found.verdict == "edge"


def test_no_edge_is_found_where_none_is_planted(tmp_path: Path) -> None:
    """What leaked would be found among fewer symbols, too: it is many times as strong as an edge that takes 160."""
    found = planted(tmp_path, 0.0, seed=1, symbols=60)
    assert found.verdict == "no edge"
