"""How much was stale when it was looked at last: the verdicts that the index keeps. Nothing is judged anew, and no lock is taken."""

import contextlib
import sqlite3

from ats_assets.deployment import Deployment
from ats_assets.lineage.index import LineageIndex


def stale_counts(deployment: Deployment) -> dict[str, int]:
    """Asset -> its stale partitions, as of the last `ats stale` or tick of the stale sensor; none where the index can't be read, which is a cache."""
    path = LineageIndex(deployment).path
    if not path.is_file():
        return {}
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
            return dict(connection.execute("SELECT asset, COUNT(*) FROM verdicts GROUP BY asset ORDER BY asset"))
    except sqlite3.Error:
        return {}
