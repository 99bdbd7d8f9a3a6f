"""The newest partition of an asset, and whether it is another one than before: two looks at folders, no file is opened."""

from collections.abc import Hashable
from datetime import date

from ats_assets.deployment import Deployment


class NewestPartition:
    """Of one asset.

    Parameters
    ----------
    deployment
        Whose warehouse it is in.
    asset
        Its name.
    """

    def __init__(self, deployment: Deployment, asset: str) -> None:
        self._deployment = deployment
        self.asset = asset

    def session(self) -> date | None:
        """Its session; None where nothing is stored."""
        stored = self._deployment.valid_sessions(self.asset)
        return stored[-1] if stored else None

    def stamp(self) -> Hashable:
        """Another value once another partition is the newest, or it was rebuilt."""
        session = self.session()
        if session is None:
            return None
        try:
            stat = self._deployment.warehouse.path(self.asset, session).stat()
        except FileNotFoundError:
            return session, None
        return session, stat.st_mtime_ns, stat.st_ino, stat.st_size
