"""The files of a new deployment, checked before the first of them is where it belongs."""

import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from ats_assets.calendar import session_calendar
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.plugins import LEARNERS
from ats_assets.runs.new_deployment.settings_text import settings_text
from ats_assets.runs.new_deployment.wishes import Wishes
from ats_assets.settings import load_settings

_SECRETS = {
    "alpaca": ("of a paper account, from Alpaca's web page; bars of coins need none", ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")),
    "massive": ("of Massive, formerly Polygon.io", ("MASSIVE_API_KEY",)),
    "coingecko": ("of CoinGecko's demo plan", ("COINGECKO_DEMO_API_KEY",)),
}
"""Source -> what its secrets are, and their names."""
_ENV_HEAD = """\
# Names of secrets. Copy this file to .env, fill in what you use, and `chmod 600 .env`; git ignores .env.
# Settings do not belong here: they are in ats.toml.
"""
_ENV_OPTIONAL = """\
# The trade state in PostgreSQL, where it is no file (docs/orders.md)
# DB_CONNECTION_STR=
# Where alerts go, as [alerts.routes] names it (docs/alerts.md)
# SLACK_URL=
"""
_GIT_IGNORES = "# secrets, and what is made\n.env\ndata/\nwarehouse/\nmodels/\n"


def make_folder(folder: Path, wishes: Wishes) -> list[Path]:
    """Write a deployment into a folder, which is made where it is not there; all of it or nothing.

    Returns
    -------
    The files, sorted.

    Raises
    ------
    SettingsError
        If one of the files is there already, or the settings would be refused.
    """
    texts = deployment_texts(wishes)
    if there := [name for name in texts if (folder / name).exists()]:
        raise SettingsError(f"{folder.absolute()} has {', '.join(there)}: nothing is overwritten; name another folder, or move them away")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder.absolute()} is a file: name another folder")
    with tempfile.TemporaryDirectory(prefix="ats-init-") as draft:
        for name, text in texts.items():
            (Path(draft) / name).write_text(text, encoding="utf-8")
        _require_good(Path(draft) / "ats.toml")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in texts:
                shutil.copyfile(Path(draft) / name, folder / name)
        except OSError as error:
            raise SettingsError(f"{folder.absolute()} can't be written ({error.strerror}): name another folder") from error
    return sorted(folder / name for name in texts)


def deployment_texts(wishes: Wishes) -> dict[str, str]:
    """File name -> its text."""
    return {
        "ats.toml": settings_text(wishes),
        "workspace.yaml": _template("workspace.yaml"),
        "dagster.yaml": _template("dagster.yaml"),
        ".env.example": _secret_names(wishes),
        ".gitignore": _GIT_IGNORES,
        "README.md": _read_me(wishes),
    }


def _template(name: str) -> str:
    return files("ats_assets.runs.new_deployment").joinpath("templates", name).read_text(encoding="utf-8")


def _secret_names(wishes: Wishes) -> str:
    lines = [_ENV_HEAD]
    if wishes.source in _SECRETS:
        about, names = _SECRETS[wishes.source]
        lines += [f"# {about}", *(f"{name}=" for name in names)]
    return "\n".join([*lines, _ENV_OPTIONAL])


def _read_me(wishes: Wishes) -> str:
    keys = (
        "cp .env.example .env && chmod 600 .env   # then fill in the keys\n"
        if wishes.source in _SECRETS and not _needs_no_key(wishes)
        else ""
    )
    return _template("README.md").replace("{keys}", keys).replace("{source}", wishes.source)


def _needs_no_key(wishes: Wishes) -> bool:
    return wishes.source == "alpaca" and wishes.is_crypto


def _require_good(file: Path) -> None:
    """Refuse settings that no command would take: of the sections, the calendar, the source and the models."""
    settings = load_settings(file)
    session_calendar(settings.calendar.exchange, settings.calendar.first_session)
    deployment = Deployment(settings)
    assert deployment.source_settings is not None
    for name, values in settings.models.items():
        LEARNERS.named(name, values, None, "models")
