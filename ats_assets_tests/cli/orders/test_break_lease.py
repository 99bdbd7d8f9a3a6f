"""`ats orders break-lease`, from the command line."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ats_assets.cli import app
from ats_assets.execution import lease
from ats_assets.settings import load_settings
from ats_assets.trade_state import open_trade_state, tables


def test_one_command_breaks_what_a_fast_clock_has_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_WATCH_SECONDS", 0.01)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with open_trade_state(load_settings()) as state:
        with state.begin() as connection:
            connection.execute(tables.leases.insert().values(name="executor", holder="elsewhere:7:1:abc", token=4, expires_at=tomorrow))
        said = CliRunner().invoke(app, ["orders", "break-lease", "--who", "me", "--note", "its clock was ahead"])
        assert said.exit_code == 0, said.output
        assert "the lease of elsewhere:7:1:abc, token 4, until" in " ".join(said.output.split())
        with state.begin() as connection:
            assert connection.execute(tables.leases.select()).one().holder is None
            assert connection.execute(tables.audit.select()).one().who == "me"
    again = CliRunner().invoke(app, ["orders", "break-lease"])
    assert again.exit_code == 1
    assert "nothing to break" in again.output
