"""The trials of a tuning that is under way, stored one by one as they end, so that a killed run goes on where it was.

    <data>/tuning/<asset>/<session>/<digest>/trial-0007.json

The digest is that of all that the tuning follows from: code, settings, the versions of the data that are read, and of the libraries. So a file counts for the very same tuning alone, of which it
is what would come out again. There is no other state: which parameters are asked for follows from the trials before (`generations`). Once the partition is stored the folder is removed.
"""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from ats_assets.storage.atomic_file import replace_file
from ats_assets.storage.sealed_file import BLANK, is_intact, seal
from ats_assets.tuning.tried_trials import TriedTrial

ROWS = "rows"
"""The folder of what is handed to other processes, beside the trials."""


class TrialStore:
    """The trials of one tuning session.

    Parameters
    ----------
    folder
        Of the session; what other digests have left there is removed at the first trial.
    digest
        Of what the tuning follows from.
    """

    def __init__(self, folder: Path, digest: str, *, fsync: bool = True) -> None:
        self._session = folder
        self.folder = folder / digest
        self._fsync = fsync

    def stored(self) -> dict[int, TriedTrial]:
        """The trials that have ended, by number; what is damaged is none."""
        found = (self._read(file) for file in sorted(self.folder.glob("trial-*.json")))
        return {one.number: one for one in found if one is not None}

    def keep(self, trial: TriedTrial) -> None:
        """Store a trial that has ended; its ICs are in the ledger."""
        values = {**asdict(replace(trial, ics={})), "file_sha256": BLANK}
        content = seal(json.dumps(values, sort_keys=True).encode())[0]
        path = self.folder / f"trial-{trial.number:04d}.json"
        replace_file(path, lambda file: file.write(content), fsync=self._fsync)

    def sweep(self) -> None:
        """Remove what was left of other tunings of the session, and what was handed to processes that are gone."""
        for other in self._session.glob("*"):
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        shutil.rmtree(self.folder / ROWS, ignore_errors=True)

    def forget(self) -> None:
        """Remove everything: the partition is stored."""
        shutil.rmtree(self._session, ignore_errors=True)

    @staticmethod
    def _read(file: Path) -> TriedTrial | None:
        content = file.read_bytes()
        if not is_intact(content):
            return None
        values = json.loads(content)
        del values["file_sha256"]
        return TriedTrial(**{**values, "folds": tuple(values["folds"])})
