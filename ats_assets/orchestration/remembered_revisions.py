"""What Dagster reads again about the versions of its database's tables, remembered.

Whenever an instance is opened, Dagster 1.13 asks for the newest version of the tables of its runs, its events and its schedules, and for each Alembic reads all scripts of
migration that Dagster has ever had: some ninety, four times. They are files of the installed package, the same ones as long as the process lives. The version of the database
itself is asked for each time, as before.
"""

import functools
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage import sql

_KINDS: Final = 3
"""Of storages, as many as Dagster keeps configurations of."""


class _RememberedScripts:
    """In the place of Alembic's class where Dagster asks for the newest version, and nowhere else."""

    @staticmethod
    @functools.lru_cache(maxsize=_KINDS)
    def from_config(config: Config) -> ScriptDirectory:
        return ScriptDirectory.from_config(config)


@functools.cache
def remember_revisions() -> None:
    """From now on, in this process, Dagster's scripts of migration are read once for each kind of storage."""
    sql.ScriptDirectory = _RememberedScripts  # pyright: ignore[reportPrivateImportUsage]
