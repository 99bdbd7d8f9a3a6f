"""What `ats doctor` checks of warehouse and models in an object store: conditional writes, rights, and whether what is known of it is what lies there."""

from collections.abc import Iterator

from ats_assets.errors import AtsError, how_many
from ats_assets.runs.finding import Finding
from ats_assets.settings import BucketUrl, StorageSettings
from ats_assets.storage.objects.commit_log import CONTROL
from ats_assets.storage.objects.followed_log import FollowedLog
from ats_assets.storage.objects.mirrored_folder import MirroredFolder
from ats_assets.storage.objects.probing import require_conditional_writes
from ats_assets.storage.opened_root import opened_root

SHOWN = 3


def diagnose_object_store(storage: StorageSettings, name: str) -> Iterator[Finding]:
    """Check one root.

    Parameters
    ----------
    name
        `warehouse` or `models`.
    """
    root: BucketUrl = getattr(storage, name)
    try:
        log = _log(storage, root)
        require_conditional_writes(log.bucket)
        log.read_on()
        known = log.known.all()
        text = f"{root}: conditional writes work; {how_many(len(known), 'object')} by {how_many(log.known.version[0], 'record')} of the log"
        text += f"; {log.known.cached_bytes() / 2**30:.2f} of {storage.object_store.cache_gib:g} GiB cached in {log.files.parent}"
        yield Finding(subject=f"store of {name}", status="ok", text=text)
    except AtsError as error:
        yield Finding(subject=f"store of {name}", status="fail", text=str(error))


def compare_with_listing(storage: StorageSettings, name: str) -> Finding:
    """The listing beside the log; what differs was changed by other means, and is taken as it is."""
    try:
        log = _log(storage, getattr(storage, name))
        log.read_on()
        there = {one.key: one.etag for one in log.bucket.listed() if not one.key.startswith(CONTROL)}
        known = {key: one.etag for key, one in log.known.all().items()}
        names = (key for key in there.keys() | known.keys() if there.get(key) != known.get(key))
        differs = sorted(key for key in names if not key.rpartition("/")[2].startswith("."))
        if not differs:
            return Finding(subject=f"listing of {name}", status="ok", text=f"{how_many(len(there), 'object')}, each as the log says")
        log.take_in_changes(differs)
    except AtsError as error:
        return Finding(subject=f"listing of {name}", status="fail", text=str(error))
    text = f"{how_many(len(differs), 'object')} differed from the log, which says now what is there: {', '.join(differs[:SHOWN])}"
    advice = "they were changed by hand or by another program; ats stale says what was made of others than are there now"
    return Finding(subject=f"listing of {name}", status="warn", text=text, advice=advice)


def _log(storage: StorageSettings, root: BucketUrl) -> FollowedLog:
    folder = opened_root(storage, root)
    assert isinstance(folder, MirroredFolder)
    return folder.log
