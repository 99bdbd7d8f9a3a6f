"""What the log of an object store says of a file, so that a machine can judge what is stored without fetching it: its SHA-256, and of a partition what its footer says.

What a partition was made of is told by the digests of the sets that it read: the versions themselves, hundreds of them, stay in the footer.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from ats_assets.storage.digests import Digest, set_digest
from ats_assets.storage.footer import FOOTER_KEY


@dataclass(frozen=True, kw_only=True)
class ToldFile:
    """A file whose bytes are in the store, and not here.

    Attributes
    ----------
    sha256
        Of its bytes; empty where nobody has read them yet.
    asset, session, data_version, code_version, settings_version
        As its footer has them; `asset` is empty where there is no footer.
    reads
        Upstream asset -> the digest of the partitions read.
    """

    sha256: str
    asset: str = ""
    session: str = ""
    data_version: str = ""
    code_version: str = ""
    settings_version: str = ""
    reads: Mapping[str, Digest] = field(default_factory=dict)


def told_text(key: str, content: bytes) -> str:
    """What an object is told to be, as one text; empty of what is no partition.

    Parameters
    ----------
    key
        Its name.
    """
    if not key.endswith(".parquet"):
        return ""
    try:
        footer = json.loads(pl.read_parquet_metadata(io.BytesIO(content))[FOOTER_KEY])
        reads = {asset: _text(set_digest(versions)) for asset, versions in footer["upstream"].items()}
        names = ("asset", "session", "data_version", "code_version", "settings_version")
        return json.dumps([*(footer[name] for name in names), reads], separators=(",", ":"))
    except (pl.exceptions.PolarsError, KeyError, ValueError, TypeError, AttributeError):  # a file of somebody else
        return ""


def told_file(sha256: str, said: str) -> ToldFile:
    """The same of what was said.

    Examples
    --------
    >>> told_file("ab", '["bars","2024-03-04","d","c","s",{"raw_bars":"1:ff"}]').reads
    {'raw_bars': (1, 255)}
    >>> told_file("ab", '["of a later version of this package"]')
    ToldFile(sha256='ab', asset='', session='', data_version='', code_version='', settings_version='', reads={})
    """
    try:
        asset, session, data, code, settings, reads = json.loads(said)
        told = {name: _digest(text) for name, text in reads.items()}
    except (ValueError, TypeError, AttributeError):  # nothing was said, or in another form: who wants to know reads the file
        return ToldFile(sha256=sha256)
    return ToldFile(
        sha256=sha256, asset=asset, session=session, data_version=data, code_version=code, settings_version=settings, reads=told
    )


def _text(digest: Digest) -> str:
    return f"{digest[0]}:{digest[1]:x}"


def _digest(text: str) -> Digest:
    count, _, total = text.partition(":")
    return int(count), int(total, 16)
