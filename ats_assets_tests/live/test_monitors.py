"""What the loop has recorded of a real day, as the assets store it: each frame satisfies its contract, and the check says why it can't compare without a stored market."""

from pathlib import Path

import pytest

from ats_assets.deployment import Deployment
from ats_assets.live.checks import decided_again
from ats_assets.live.monitors import FRAMES, decisions_frame
from ats_assets.live.recorded import recorded_session
from ats_assets.live.replay_plan import planned_orders
from ats_assets.live.schema import MONITORS, LiveDecisions
from ats_assets.live.service import ReplayOrder, replay
from ats_assets.settings import CalendarSettings, LiveSettings, OrdersSettings, Settings, StorageSettings
from ats_assets_tests.live.day import DAY, MINUTES


@pytest.mark.skipif(not MINUTES.is_dir(), reason=f"{MINUTES} is not there: real minute bars are needed")
def test_records_satisfy_their_contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = StorageSettings(warehouse=tmp_path / "w", data=tmp_path / "d", models=tmp_path / "m")
    calendar = CalendarSettings(first_session="2013-01-02")  # pyright: ignore[reportArgumentType]
    live = LiveSettings(enabled=True, symbols=("BAC",), quotes=False)
    deployment = Deployment(
        Settings(
            storage=storage,
            calendar=calendar,
            live=live,
            orders=OrdersSettings(algorithm="twap"),
            algorithms={"twap": {"slice_minutes": 60}},
        )
    )
    (tmp_path / "plan.csv").write_text("symbol,side,quantity\nBAC,buy,200\n")
    order = ReplayOrder(
        settings={"folder": MINUTES}, state=tmp_path / "state", intents=planned_orders(deployment, DAY, tmp_path / "plan.csv"), held={}
    )
    done = replay(deployment, DAY, order, stopped=lambda: False, alert=lambda _: None, on_step=lambda _event, _step: None)
    assert done.compared.differences.is_empty()
    monkeypatch.setenv("DB_CONNECTION_STR", f"sqlite:///{tmp_path / 'state' / f'trade_state-{DAY}.sqlite'}")
    one = recorded_session(deployment, DAY)
    assert one is not None
    assert LiveDecisions.validate(decisions_frame(DAY, one.decided)).height == len(done.watched.decided)
    for name, contract in MONITORS.items():
        assert contract.validate(FRAMES[name](one)).height, name
    judged = decided_again(deployment, DAY)
    assert not judged.passed
    assert "not compared" in judged.text
