"""A process that writes to a root in an object store until it is done or killed: `python -m … SCHEME ENDPOINT PREFIX FOLDER WHO TIMES`.

Each time it reads the number that the partitions of two sessions hold, and writes the next. It says `written` after each write, and tries again where another writer was faster.
"""

import sys
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.errors import WrittenMeanwhileError
from ats_assets.settings import BucketUrl, StorageSettings
from ats_assets.storage.objects.bucket import Bucket
from ats_assets.storage.objects.mirrored_folder import MirroredFolder
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.s3_double import S3Double

SESSIONS = (date(2024, 3, 4), date(2024, 3, 5))


def opened(scheme: str, endpoint: str, prefix: str, folder: Path, look_seconds: float) -> Warehouse:
    """The warehouse of one machine."""
    own: StorageSettings = S3Double(endpoint=endpoint, scheme=scheme).settings(
        prefix, folder, look_seconds=look_seconds, retry_seconds=60.0, timeout_seconds=60.0
    )
    assert isinstance(own.warehouse, BucketUrl)
    held = MirroredFolder(Bucket(own.warehouse, own.object_store), own.mirror(own.warehouse))
    return Warehouse(held.root, root_folder=held)


def number_in(warehouse: Warehouse, session: date) -> int:
    """What the partition of a session holds; 0 where there is none."""
    return warehouse.read("count", [session])["number"].item() if warehouse.exists("count", session) else 0


def write_next(warehouse: Warehouse, who: str, session: date) -> None:
    """Write the next number."""
    warehouse.write("count", session, pl.DataFrame({"session": [session], "number": [number_in(warehouse, session) + 1], "who": [who]}))


def main(scheme: str, endpoint: str, prefix: str, folder: str, who: str, times: str) -> None:
    warehouse, done = opened(scheme, endpoint, prefix, Path(folder), look_seconds=1e6), 0
    while done < int(times):
        try:
            write_next(warehouse, who, SESSIONS[done % 2])
        except WrittenMeanwhileError:
            continue
        done += 1
        sys.stdout.write("written\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
