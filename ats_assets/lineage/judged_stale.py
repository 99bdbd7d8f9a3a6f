"""How much was stale when it was looked at last: the verdicts that the index keeps. Nothing is judged anew, and no lock is taken."""

import contextlib
import hashlib
import json
import sqlite3

from ats_assets.deployment import Deployment
from ats_assets.lineage.index import LineageIndex


def stale_counts(deployment: Deployment) -> dict[str, int] | None:
    """Asset -> its stale partitions, as of the last `ats stale` or tick of the stale sensor.

    None where nobody has looked yet, or the last look was under other settings (`ATS_…=… ats stale` asks what a change would make stale, which says nothing of
    what is there), or the index can't be read, which is a cache.
    """
    path = LineageIndex(deployment).path
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
            connection.execute("BEGIN")  # so that both are of one look
            row = connection.execute("SELECT value FROM state WHERE name = 'judged'").fetchone()
            if not row or json.loads(row[0]).get("settings") != settings_looked_at(deployment):
                return None
            return dict(connection.execute("SELECT asset, COUNT(*) FROM verdicts GROUP BY asset ORDER BY asset"))
    except (sqlite3.Error, ValueError):
        return None


def settings_looked_at(deployment: Deployment) -> str:
    """The digest of the settings under which a deployment is looked at."""
    return hashlib.sha256(deployment.settings.model_dump_json().encode()).hexdigest()
