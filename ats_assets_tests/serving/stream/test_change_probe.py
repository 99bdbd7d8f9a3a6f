"""A probe's stamp is another one after each commit, of whatever process, and the same while nothing is committed."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ats_assets.serving.stream.change_probe import ProbeError, SqliteProbe, probe_of
from ats_assets.trade_state import TradeState
from ats_assets_tests.serving.stream.trading_day import TradingDay


def test_each_commit_makes_another_stamp_and_nothing_else_does(database_url: str) -> None:
    with TradeState(database_url) as state:
        day, probe = TradingDay(state), probe_of(make_url(database_url))
        stamps = [probe.stamp()]
        for write in (day.baseline, day.order, day.halt, day.resume):
            write()
            stamps.append(probe.stamp())
            assert probe.stamp() == stamps[-1]
        day.truth()
        with state.begin() as connection:
            connection.exec_driver_sql("SELECT 1")
        assert probe.stamp() == stamps[-1]
        assert len(set(stamps)) == len(stamps)
        probe.close()


def test_a_file_that_is_made_later_or_replaced_is_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "trade_state.sqlite"
    probe = SqliteProbe(path)
    stamps = [probe.stamp()]
    assert stamps == [None]
    for number in (1, 2):
        other = tmp_path / f"other{number}.sqlite"
        TradeState(f"sqlite:///{other}").close()
        other.rename(path)
        stamps.append(probe.stamp())
        probe.close()
    path.unlink()
    assert probe.stamp() is None
    assert len(set(stamps)) == 3
    probe.close()


def test_what_is_no_database_cannot_be_asked_or_is_another_stamp(tmp_path: Path) -> None:
    """A reason without an address in it."""
    probe = probe_of(make_url("postgresql://me:s3cret@127.0.0.1:1/nothing"))
    with pytest.raises(ProbeError) as error:
        probe.stamp()
    assert "s3cret" not in str(error.value)
