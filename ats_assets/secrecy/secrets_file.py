"""`.env`: secrets beside the settings file, for those who don't set them in the environment."""

import logging
import os
import stat
from pathlib import Path

from dotenv import dotenv_values

from ats_assets.errors import SettingsError

SECRETS_FILE = ".env"
_SETTINGS_PREFIXES = ("ATS_", "DAGSTER_", "PYTHON")

logger = logging.getLogger(__name__)
_warned: set[Path] = set()


def read_secrets_file(folder: Path) -> list[str]:
    """Put what `.env` in `folder` says into the environment, where a variable is not set yet; the names of those that were set.

    Raises
    ------
    SettingsError
        If it can't be read, or sets what is no secret.
    """
    file = folder / SECRETS_FILE
    try:
        found = dotenv_values(file, interpolate=False) if file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} can't be read ({type(error).__name__}): it is text with a line NAME=value for each secret") from None
    settings = sorted(name for name in found if name.upper().startswith(_SETTINGS_PREFIXES))
    if settings:
        raise SettingsError(
            f"{file} sets {', '.join(settings)}: it is for secrets only; settings belong in the settings file or the environment"
        )
    if readers_besides_owner(file) and file not in _warned:
        _warned.add(file)
        logger.warning("%s can be read by other users of this machine: chmod 600 %s", file, file)
    new = {name: value for name, value in found.items() if value and name not in os.environ}
    os.environ.update(new)
    return sorted(new)


def readers_besides_owner(file: Path) -> bool:
    """Whether the file's mode lets others than its owner read it."""
    return os.name == "posix" and file.is_file() and bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
