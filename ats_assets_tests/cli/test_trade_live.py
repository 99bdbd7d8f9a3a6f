"""`ats trade live` in a process of its own: a day played again, what is shown of it, and where there is nothing to follow."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ats_assets_tests.cli.market import ats, make_home
from ats_assets_tests.live.day import MINUTES


@pytest.mark.skipif(not MINUTES.is_dir(), reason=f"{MINUTES} is not there: real minute bars are needed")
def test_a_stored_day_is_played_and_decided_again(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (home / "plan.csv").write_text("symbol,side,quantity\nBAC,buy,500\n")
    asked = ["--replay", str(MINUTES.resolve()), "--session", "2013-10-08", "--plan", str(home / "plan.csv")]
    asked += ["--json", "--page", str(home / "day.html")]
    how = {"ATS_LIVE__SYMBOLS": '["BAC"]', "ATS_LIVE__QUOTES": "false", "ATS_CALENDAR__FIRST_SESSION": "2013-01-02"}
    how["ATS_ALGORITHMS"] = '{"twap": {"slice_minutes": 60}}'
    done = ats(home, "trade", "live", *asked, ATS_ORDERS__ALGORITHM="twap", **how)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(one["symbol"], one["filled"], one["open"]) for one in told["orders"]] == [("BAC", 500.0, 0.0)]
    assert {one["verdict"] for one in told["compared"]} == {"same"}
    assert "0 differences" in (home / "day.html").read_text()


def test_the_paper_broker_has_no_market_to_follow_and_no_session_was_followed(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    status = ats(home, "trade", "live", "--status")
    assert (status.returncode, "no session was followed yet" in status.stderr) == (1, True)
    done = ats(home, "trade", "live", "--once")
    assert done.returncode == 1
    assert "fills orders by the stored bars, after the close" in done.stderr


def test_a_broker_without_a_market_is_refused_at_once_and_not_after_waiting_for_the_open(tmp_path: Path) -> None:
    """It had been told only once the next session was about to open: hours of "waiting", a weekend even."""
    home = make_home(tmp_path)
    far = f"{datetime.now(UTC).year + 1}-01-05"
    done = ats(home, "trade", "live", "--session", far, ATS_CALENDAR__EXCHANGE="24/7")
    assert done.returncode == 1
    assert "fills orders by the stored bars, after the close" in done.stderr
    assert "waiting" not in done.stderr
