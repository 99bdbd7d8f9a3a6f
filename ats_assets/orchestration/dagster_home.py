"""Where Dagster's instance has its settings. It imports nothing of Dagster's, for which commands that only look have no time."""

import os
import shlex
from pathlib import Path

from ats_assets.errors import SettingsError
from ats_assets.settings import settings_file

INSTANCE_FILE = "dagster.yaml"


class NoInstanceError(SettingsError):
    """Nothing says where Dagster's instance has its settings, as in a container that only serves."""


def dagster_home() -> Path:
    """DAGSTER_HOME: as set, else the folder of the settings file if the instance's settings lie there too, else the project's.

    Raises
    ------
    SettingsError
        If there is no such folder; a `NoInstanceError` where none is named either.
    """
    named = os.environ.get("DAGSTER_HOME")
    if named:
        home = Path(named).expanduser().absolute()
        if not home.is_dir():
            raise SettingsError(
                f"DAGSTER_HOME is {named}, which is not a folder: create it, or unset DAGSTER_HOME to use the project's own"
            )
        return home
    for folder in (settings_file().parent, Path(__file__).resolve().parents[2]):
        if (folder / INSTANCE_FILE).is_file():
            return folder
    raise NoInstanceError(
        f"there is no {INSTANCE_FILE} beside {settings_file()}: set DAGSTER_HOME to the folder that holds the instance's settings"
    )


def how_to_open_ui() -> str:
    """The command that starts Dagster's web UI and daemon here: dev.py is in the project's folder, and in no folder that `ats init` has made."""
    if Path("dev.py").is_file():
        return "python3 dev.py ui"
    home = dagster_home()
    workspace = "workspace.yaml" if home == Path.cwd() else str(home / "workspace.yaml")
    return f"DAGSTER_HOME={shlex.quote(str(home))} dagster dev -w {shlex.quote(workspace)}"
