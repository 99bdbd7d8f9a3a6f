"""One version of all that an answer was read from."""

import hashlib
from collections.abc import Iterable
from datetime import date

from ats_assets.deployment import Deployment


def joint_version(deployment: Deployment, partitions: Iterable[tuple[str, date]]) -> str:
    """A digest of the data versions of partitions, with their names; those that are not stored count as that.

    Parameters
    ----------
    partitions
        Asset and session of each.
    """
    digest = hashlib.sha256()
    for asset, session in partitions:
        version = deployment.warehouse.footer(asset, session).data_version if deployment.warehouse.exists(asset, session) else "none"
        digest.update(f"{asset} {session} {version}\n".encode())
    return digest.hexdigest()
