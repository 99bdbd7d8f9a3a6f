"""What a root is, as the settings have it: a folder of this machine, or one in an object store."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ats_assets.errors import SettingsError
from ats_assets.settings import BucketUrl, ObjectStoreSettings, StorageSettings
from ats_assets.storage.root_folder import RootFolder


def opened_root(storage: StorageSettings, root: BucketUrl | Path) -> RootFolder:
    """The folder of a root; all that is in one store is one object for the whole process.

    Parameters
    ----------
    root
        `storage.warehouse` or `storage.models`.

    Raises
    ------
    SettingsError
        If it is in an object store, and the library for them is not installed.
    """
    if isinstance(root, BucketUrl):
        return _mirrored(root, storage.mirror(root), storage.object_store.model_dump_json())
    return RootFolder(root, fsync=storage.fsync)


@cache
def _mirrored(url: BucketUrl, folder: Path, settings: str) -> RootFolder:
    if find_spec("obstore") is None:
        raise SettingsError(f"{url} is in an object store, which needs the extra object-store: pip install 'ats-assets[object-store]'")
    from ats_assets.storage.objects.bucket import Bucket  # noqa: PLC0415 - an extra
    from ats_assets.storage.objects.mirrored_folder import MirroredFolder  # noqa: PLC0415

    return MirroredFolder(Bucket(url, ObjectStoreSettings.model_validate_json(settings)), folder)
