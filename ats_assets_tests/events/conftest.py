"""One run of the planted lane for all tests of events."""

import pytest

from ats_assets.deployment import Deployment
from ats_assets_tests.events.lanes import DAYS, PULL, made, planted_lane, store_quotes
from ats_assets_tests.small_market import run_job


@pytest.fixture(scope="session")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """All sessions in one range, with the backtest and the report."""
    deployment = planted_lane(tmp_path_factory.mktemp("lane"))
    store_quotes(deployment, DAYS, pull=PULL)
    made(deployment, DAYS)
    run_job(deployment, "backtest_reports", (), ("event_backtest", "event_report"))
    return deployment
