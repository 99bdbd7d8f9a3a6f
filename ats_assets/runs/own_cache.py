"""What a machine keeps of an object store lies on a disk of its own: a run and the workers of other machines each have a folder for it.

All processes of one machine share that folder, by locks that reach no further. A worker on another machine takes the folder of the run's settings, as long as that is another disk
there, or the one that its own environment names: `ATS_STORAGE__CACHE`.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ats_assets.errors import WorkerError
from ats_assets.settings import BucketUrl, Settings, StorageSettings

OWN: Final = "ATS_STORAGE__CACHE"
"""The variable of a worker that says where its machine keeps what it reads."""
MACHINE: Final = "machine"
"""The file that names the machine whose run has the folder."""


def with_own_cache(settings: Settings) -> Settings:
    """The settings of a run, with the folder for cached files that this worker's environment names, if it names one."""
    named = os.environ.get(OWN, "").strip()
    if not named:
        return settings
    return settings.model_copy(update={"storage": settings.storage.model_copy(update={"cache": Path(named).expanduser().absolute()})})


def claim_cache(storage: StorageSettings) -> None:
    """Note that the run's machine has its folders, so that a worker elsewhere knows them for another machine's."""
    for folder in _folders(storage):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MACHINE).write_text(socket.gethostname(), encoding="utf-8")


def require_own_cache(storage: StorageSettings, host: str) -> None:
    """See that a worker on another machine than the run's does not work in the folder of that.

    Parameters
    ----------
    host
        The run's machine.

    Raises
    ------
    WorkerError
        If it does: SQLite and locks don't hold over a network's file system.
    """
    own = socket.gethostname()
    for folder in _folders(storage) if own != host else ():
        file = folder / MACHINE
        if file.is_file() and file.read_text(encoding="utf-8") == host:
            raise WorkerError(
                f"{folder} is shared by {host} and {own}: what a machine keeps of an object store must lie on a disk of its own. Name one in the environment "
                f"of the workers of {own}: {OWN}=/var/cache/ats"
            )


def _folders(storage: StorageSettings) -> Iterator[Path]:
    return (storage.mirror(root) for root in (storage.warehouse, storage.models) if isinstance(root, BucketUrl))
