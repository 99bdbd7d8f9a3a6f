"""What the service's tests serve: made by the commands themselves, `ats run` and `ats trade`.

python -m ats_assets_tests.serving.made_deployment FOLDER      makes it in a folder, to be looked at with ats serve
"""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from ats_assets.deployment import Deployment
from ats_assets.settings import load_settings
from ats_assets.trade_state import open_trade_state, tables
from ats_assets_tests.cli.conftest import make_run
from ats_assets_tests.cli.market import ats
from ats_assets_tests.sharing import made_for_all

TRADED = ("2021-03-24", "2021-03-30")
"""The sessions at whose close orders are decided, the first and the last: those of all but the last are filled."""
REQUEST = "20210331T200000-1a2b3c4d"
"""What a person has asked for."""


def make_traded(home: Path, factory: pytest.TempPathFactory | None = None) -> Path:
    """Put a finished run into a folder, and trade it on paper."""
    run = made_for_all(factory, "ats", make_run) if factory else make_run(home.with_name(home.name + "-run"))
    shutil.copytree(run, home, dirs_exist_ok=True)
    traded: CompletedProcess[str] = ats(home, "trade", "--from", TRADED[0], "--to", TRADED[1])
    assert traded.returncode == 0, traded.stderr
    _ask_once(deployment_in(home))
    return home


def _ask_once(deployment: Deployment) -> None:
    """A halt that somebody has asked for and resumed since, in the table alone: nothing else changes."""
    at = datetime(2021, 3, 31, 20, tzinfo=UTC)
    asked = {"id": REQUEST, "kind": "halt", "body": {"reason": "odd prices"}, "asked_by": "laptop", "role": "trade", "asked_at": at}
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        connection.execute(tables.requests.insert().values(**asked, state="done", finished_at=at, result={"halted": True}))


def deployment_in(home: Path, **sections: Any) -> Deployment:
    """The deployment of a folder; sections win over its settings file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATS_SETTINGS", str(home / "ats.toml"))
        return Deployment(load_settings(**sections))


if __name__ == "__main__":
    make_traded(Path(sys.argv[1]).absolute())
