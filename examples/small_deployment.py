"""What the examples share: a deployment in a folder of its own, by a settings file beside this one, and the commands of `ats` in this process."""

import argparse
import os
import shutil
from pathlib import Path

from ats_assets.cli import app
from ats_assets.deployment import Deployment
from ats_assets.settings import load_settings

HERE = Path(__file__).resolve().parent
RESULTS = Path(os.environ.get("ATS_EXAMPLES_FOLDER", HERE / "results"))
"""Where each example has a folder for what it makes."""


def use_folder(name: str, about: str | None, arguments: list[str] | None = None) -> Path:
    """Put the settings of an example into a folder, and have every command of this process use them.

    Parameters
    ----------
    name
        Of the example: its settings are `settings/<name>.toml`, or `settings/small.toml` where it has none.
    about
        What its `--help` says.
    arguments
        Of the program; `--folder` says where its results are to lie. Default: those of this process.

    Returns
    -------
    The folder.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=RESULTS / name, help="where results lie (default: %(default)s)")
    folder = parser.parse_args(arguments).folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    own = HERE / "settings" / f"{name}.toml"
    shutil.copyfile(HERE / "settings" / "small.toml", folder / "small.toml")
    shutil.copyfile(own if own.is_file() else HERE / "settings" / "small.toml", folder / "ats.toml")
    shutil.copyfile(HERE.parent / "dagster.yaml", folder / "dagster.yaml")
    shutil.copytree(HERE / "plugins", folder / "plugins", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    os.environ |= {"ATS_SETTINGS": str(folder / "ats.toml"), "DAGSTER_HOME": str(folder)}
    return folder


def ats(*arguments: str) -> None:
    """Call a command, as on the command line; one that fails ends the program."""
    print(f"\n$ ats {' '.join(arguments)}", flush=True)
    if status := app(list(arguments), standalone_mode=False):
        raise SystemExit(status)


def quick_start() -> Deployment:
    """The deployment of quick_start.py, made where it is not there yet: what the notebooks look at."""
    use_folder("quick_start", None, [])
    market = deployment()
    if not market.valid_sessions("signals"):
        ats("run")
        market = deployment()
    return market


def deployment() -> Deployment:
    """What the settings make: calendar, warehouse, source, models."""
    return Deployment(load_settings())
