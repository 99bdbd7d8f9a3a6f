"""Whether an object store does what is built on: writes that fail where they must, and reads of what was just written."""

import os
import uuid

from ats_assets.errors import ObjectStoreError
from ats_assets.storage.objects.bucket import Bucket, TakenError
from ats_assets.storage.objects.commit_log import CONTROL


def require_conditional_writes(bucket: Bucket) -> None:
    """Write, replace, read and remove an object of no use, and see that the store refuses what it must refuse.

    Raises
    ------
    ObjectStoreError
        If it does not, or if a right is missing; the message says which.
    """
    key = f"{CONTROL}probe-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    first = bucket.put(key, b"one", None)
    try:
        if not _refuses(bucket, key, b"other", None):
            raise _unusable(bucket, "it replaces an object that was to be written only where there is none (If-None-Match)")
        second = bucket.put(key, b"two", first)
        if not _refuses(bucket, key, b"other", first):
            raise _unusable(bucket, "it replaces an object that another writer has changed (If-Match)")
        found = bucket.get(key)
        if found is None or (found.content, found.etag) != (b"two", second):
            raise _unusable(bucket, "it does not give back what was written a moment ago")
        if key not in {one.key for one in bucket.listed(CONTROL)}:
            raise _unusable(bucket, "its listing lacks what was written a moment ago")
    finally:
        bucket.delete(key)


def _refuses(bucket: Bucket, key: str, content: bytes, over: str | None) -> bool:
    try:
        bucket.put(key, content, over)
    except TakenError:
        return True
    return False


def _unusable(bucket: Bucket, why: str) -> ObjectStoreError:
    return ObjectStoreError(
        f"{bucket.url} can't hold a warehouse: {why}. Two writers could overwrite each other unseen. Take a store with conditional writes: S3, "
        "Google Cloud Storage, Azure Blob Storage, MinIO"
    )
