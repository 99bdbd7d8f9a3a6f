"""Objects of an S3-compatible bucket, downloaded in parts with signed GETs: what is in memory is one part, however long the object is.

Each part says of which version (ETag) and how long the object is. Parts of another version, or a body of another length, are an error, and nothing is put in place; an object that
Massive puts up again while it is downloaded is asked for anew by the next run.
"""

import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from ats_assets.storage.atomic_file import replace_file
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.credentials import VendorKey
from ats_assets.vendors.errors import VendorAnswerLostError, VendorKeysError, VendorRefusedError
from ats_assets.vendors.http import VendorHttp
from ats_assets.vendors.massive.aws_signature import signed_headers

PART_BYTES: Final = 16 << 20
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class SignedParts:
    """Shows keys as an S3 server wants them: as a signature of the request, its range included. Safe for several threads."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._asked = threading.local()

    def ask(self, headers: Mapping[str, str]) -> None:
        """What the next requests of this thread are sent with."""
        self._asked.headers = dict(headers)

    def __call__(self, key: VendorKey, _method: str, url: str) -> Mapping[str, str]:
        """The headers for a request."""
        key_id, secret_key = (part.reveal() for part in key.parts)
        return signed_headers(url, key_id, secret_key, self._now(), headers=getattr(self._asked, "headers", {}))


class S3Objects:
    """A bucket.

    Parameters
    ----------
    http
        Of the server, with `signed` as its `put_key`.
    part_bytes
        Of one request; others in tests.
    """

    def __init__(self, http: VendorHttp, signed: SignedParts, bucket: str, *, fsync: bool = True, part_bytes: int = PART_BYTES) -> None:
        self._http = http
        self._signed = signed
        self._bucket = bucket
        self._fsync = fsync
        self._part_bytes = part_bytes

    def download(self, key: str, path: Path) -> Path | None:
        """Put an object in a file, all of it or nothing; None where there is none (404).

        Raises
        ------
        VendorError
            If the server can't be asked or refuses, or the parts do not belong together.
        """
        try:
            first = self._part(key, 0, None)
        except VendorRefusedError as error:
            if error.status == 404:
                return None
            raise _explained(error, key) from None
        replace_file(path, lambda file: self._write(key, first, file), fsync=self._fsync)
        return path

    def _write(self, key: str, first: Answer, file: BinaryIO) -> None:
        total, version = _total(first), first.headers.get("ETag")
        written = file.write(first.content)
        while written < total:
            try:
                part = self._part(key, written, version)
            except VendorRefusedError as error:
                if error.status == 412:
                    raise self._changed(key) from None
                raise _explained(error, key) from None
            if _total(part) != total or part.headers.get("ETag") != version:
                raise self._changed(key)
            written += file.write(part.content)

    def _part(self, key: str, begins: int, version: str | None) -> Answer:
        unchanged = {"If-Match": version} if version else {}
        self._signed.ask({"Range": f"bytes={begins}-{begins + self._part_bytes - 1}", **unchanged})
        return self._http.get(f"/{self._bucket}/{key}", form="bytes", is_whole=partial(_lacks, begins=begins))

    def _changed(self, key: str) -> VendorAnswerLostError:
        return VendorAnswerLostError(f"{self._http.vendor}: {key} was put up again while it was downloaded: ask for it again")


def _total(answer: Answer) -> int:
    """How long the object is."""
    told = _RANGE.fullmatch(answer.headers["Content-Range"])
    return int(told[3]) if told else 0


def _lacks(answer: Answer, *, begins: int) -> str | None:
    """What is wrong with a part by itself."""
    told = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status != 206 or told is None:
        return "the server does not say which part of the object it sent"
    first, last, total = map(int, told.groups())
    if first != begins or last - first + 1 != len(answer.content):
        return f"bytes {begins} and on were asked for, and {len(answer.content):,} bytes of {first} to {last} came"
    return None if last < total else f"a part that ends at {last} of an object of {total} bytes"


def _explained(error: VendorRefusedError, key: str) -> VendorRefusedError:
    if error.status != 403 or isinstance(error, VendorKeysError):
        return error
    return error.worded(
        f"{error}. A flat file is refused where the plan has no flat files, or not of {key.partition('/')[0]}, or not so far back, where the file is not published yet (about "
        "11:00 in New York on the next day), or where the S3 keys (of the dashboard, not the API key) are wrong: massive.com/dashboard"
    )
