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
    digest, warehouse, wanted = hashlib.sha256(), deployment.warehouse, list(partitions)
    stored = {(asset, session) for asset, session in wanted if warehouse.exists(asset, session)}
    warehouse.root_folder.at_hand(warehouse.path(*one) for one in wanted if one in stored)
    for asset, session in wanted:
        version = warehouse.footer(asset, session).data_version if (asset, session) in stored else "none"
        digest.update(f"{asset} {session} {version}\n".encode())
    return digest.hexdigest()
