"""How Massive is reached under some settings: with which key, at which address, and in which budget."""

import logging
import os
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from ats_assets.settings import MassiveSettings, Settings
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.credentials import FILE, VendorKeys
from ats_assets.vendors.massive.flat_files import FlatFiles
from ats_assets.vendors.massive.massive_rest import MassiveRest
from ats_assets.vendors.massive.s3_objects import S3Objects, SignedParts
from ats_assets.vendors.open_vendor import open_vendor
from ats_assets.vendors.vendor_limits import VendorLimits

VENDOR, FILES_VENDOR = "massive", "massive_files"
FREE_PER_MINUTE, PAID_PER_SECOND = 5, 100
"""Requests: of the free plan, and of the others, below which Massive recommends to stay."""
API_KEY: Final = "MASSIVE_API_KEY"
S3_KEY_ID, S3_SECRET_KEY = "MASSIVE_S3_ACCESS_KEY_ID", "MASSIVE_S3_SECRET_ACCESS_KEY"
OLDER: Final = {
    API_KEY: ("POLYGON_API_KEY",),
    S3_KEY_ID: ("POLYGON_S3_ACCESS_KEY_ID",),
    S3_SECRET_KEY: ("POLYGON_S3_SECRET_ACCESS_KEY",),
}
"""Names that the variables had when Massive was Polygon.io."""
_log = logging.getLogger(__name__)


def api_keys() -> VendorKeys:
    """The key of the REST API."""
    return VendorKeys(
        API_KEY, older=OLDER, why="Make one at massive.com/dashboard; the free plan has end-of-day bars and five requests a minute"
    )


def s3_keys() -> VendorKeys:
    """The pair of keys of the flat files."""
    return VendorKeys(S3_KEY_ID, S3_SECRET_KEY, older=OLDER, why="They are at massive.com/dashboard, and others than the API key")


def massive_rest(settings: Settings, *, backoff: Backoff | None = None) -> MassiveRest:
    """The REST API, in the budget of the plan, or of `[vendors.massive]`."""
    massive = settings.massive
    _notice(massive)
    limits = VendorLimits.per_minute(FREE_PER_MINUTE) if massive.delivery == "end_of_day" else VendorLimits.per_second(PAID_PER_SECOND)
    return MassiveRest(open_vendor(settings, VENDOR, massive.url, api_keys(), limits, backoff=backoff))


def flat_files(settings: Settings, *, backoff: Backoff | None = None) -> FlatFiles:
    """The flat files in the folder of the settings, downloaded to it where `massive.download` says so; in the budget of `[vendors.massive_files]`."""
    massive = settings.massive
    folder = (massive.flat_files or settings.storage.data / "massive_flat_files").expanduser().absolute()
    if not massive.download:
        return FlatFiles(folder)
    _notice(massive)
    signed, as_it_is = SignedParts(), {"Accept-Encoding": "identity"}  # a file is kept as it is compressed at the server
    http = open_vendor(
        settings, FILES_VENDOR, massive.files_url, s3_keys(), VendorLimits(), put_key=signed, headers=as_it_is, backoff=backoff
    )
    return FlatFiles(folder, S3Objects(http, signed, massive.files_bucket, fsync=settings.storage.fsync))


def _notice(massive: MassiveSettings) -> None:
    """Say once in a process that names of Polygon.io are in use."""
    old = [
        older + ending
        for name, names in OLDER.items()
        for older in names
        for ending in ("", FILE)
        if os.environ.get(older + ending) and not (os.environ.get(name) or os.environ.get(name + FILE))
    ]
    old += [host for host in (urlsplit(url).hostname for url in (massive.url, massive.files_url)) if host and host.endswith("polygon.io")]
    if old:
        _say_once(", ".join(old))


@cache
def _say_once(old: str) -> None:
    _log.info("Polygon.io is Massive now: %s still works; the new names are MASSIVE_… and …massive.com", old)
