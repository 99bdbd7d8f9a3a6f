"""Jobs that a person starts."""

from pathlib import Path

from ats_assets_tests.automation.ticks import LAST, market
from ats_assets_tests.small_market import forget, make_history


def test_a_lost_session_can_be_rebuilt_by_the_job_history(root: Path) -> None:
    deployment = market(root)
    before = deployment.warehouse.footer("targets", LAST)
    forget(root, [LAST])
    assert make_history(market(root), LAST, LAST).success
    assert market(root).warehouse.footer("targets", LAST) == before
