"""What was found once of settings and code, and holds until one of them changes: kept in the data folder, so that a question need not import Dagster and build the graph again.

The facts lie under a key of all that they follow from: the settings, every source file of the package and of one's own additions, the Python version, and the folders of installed
packages with their times, which an installation changes. The file is a cache and may be deleted. Additions of another distribution may be worked on where they lie, unseen by that key:
where there are such ones nothing is kept.
"""

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import cast

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.lineage.known_rules import graph_key
from ats_assets.plugins import has_entry_points
from ats_assets.storage.atomic_file import replace_file


class KnownFacts:
    """The facts of one deployment.

    Examples
    --------
    >>> import tempfile
    >>> from ats_assets.settings import Settings
    >>> facts = KnownFacts(Deployment(Settings(storage={"data": tempfile.mkdtemp()})))
    >>> facts.get("graph", lambda: "built"), facts.get("graph", lambda: "built again")
    ('built', 'built')
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._file = deployment.settings.storage.data / "known-facts.json"

    def get(self, name: str, find: Callable[[], str | None]) -> str | None:
        """The fact of a name; where none is kept, what is found now, which is kept unless it is None. Errors go through, and nothing is kept then."""
        if name in self._kept:
            return self._kept[name]
        found = find()
        if found is not None:
            self.keep(name, found)
        return found

    def keep(self, name: str, fact: str) -> None:
        """Keep a fact; if the folder can't be written to, it is not kept."""
        if self._kept.get(name) == fact or has_entry_points():
            return
        self._kept[name] = fact
        text = json.dumps({"key": self._key, "facts": self._kept})
        with contextlib.suppress(OSError, SettingsError):
            replace_file(self._file, lambda file: file.write(text.encode()), fsync=False)

    @cached_property
    def _kept(self) -> dict[str, str]:
        try:
            stored = json.loads(self._file.read_bytes())
            facts = cast("dict[str, str]", stored["facts"])
            sound = stored["key"] == self._key and all(isinstance(fact, str) for fact in facts.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return facts if sound else {}

    @cached_property
    def _key(self) -> str:
        folders = [f"{folder} {_time(folder)}" for folder in sys.path if folder.endswith("-packages")]
        return hashlib.sha256("\n".join([graph_key(self._deployment), *folders]).encode()).hexdigest()


def _time(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0
