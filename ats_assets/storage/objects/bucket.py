"""The few requests that are made of an object store, and its errors in words that say what to do.

Each write is conditional: it succeeds only where nothing lies there yet, or where that lies there which the writer has seen (by its ETag). A try that was cut off may have
succeeded, so after one the object is looked at: if it holds what was to be written, it was.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import from_url

from ats_assets.errors import ObjectStoreError, StoreDeniedError
from ats_assets.secrecy import redacted
from ats_assets.settings import BucketUrl, ObjectStoreSettings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

TRIES: Final = 5
"""Of a conditional write to which the store says that another is under way."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})|status: (\d{3})")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
_ADVICE = {
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it (timedatectl set-ntp true)",
    "InvalidAccessKeyId": "it does not know the access key: check the AWS_*, GOOGLE_* or AZURE_* variables of the environment",
    "SignatureDoesNotMatch": "the secret key is not that of the access key: check the variables of the environment, and the region",
    "ExpiredToken": "the credentials have expired: renew them",
    "AccessDenied": "the credentials lack the right: they need to get, put, delete and list there (`ats doctor` tries each)",
}


class TakenError(Exception):
    """A conditional write found something else in its place."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """An object as the store has it."""

    key: str
    etag: str
    size: int
    mtime_ns: int
    content: bytes = b""


class Bucket:
    """One folder of a bucket.

    Parameters
    ----------
    url
        Such as `s3://bucket/prefix`.
    settings
        Endpoint, patience.

    Raises
    ------
    ObjectStoreError
        By each method, where the store can't be used; the message says what to do.
    """

    def __init__(self, url: BucketUrl, settings: ObjectStoreSettings) -> None:
        self.url = url
        self.settings = settings
        self._tag: Literal["e_tag", "version"] = "version" if url.startswith("gs:") else "e_tag"  # Google's conditions are on generations
        self._opened: tuple[int, ObjectStore] | None = None

    def get(self, key: str) -> Held | None:
        """An object with its bytes; None where there is none."""

        def asked(store: "ObjectStore") -> Held:
            found = obstore.get(store, key)
            return self._held(found.meta, found.bytes().to_bytes())

        return self._ask("read", key, asked)

    def head(self, key: str) -> Held | None:
        """An object without its bytes; None where there is none."""

        def asked(store: "ObjectStore") -> Held:
            return self._held(obstore.head(store, key))

        return self._ask("read", key, asked)

    def put(self, key: str, content: bytes, over: str | None) -> str:
        """Write an object whole where the store holds what the writer has seen there; returns its ETag.

        Parameters
        ----------
        over
            ETag of what is replaced, or its generation in Google's store; None where there is to be nothing yet.

        Raises
        ------
        TakenError
            If something else lies there; nothing was written.
        """
        for attempt in range(TRIES):
            try:
                return self._put(key, content, "create" if over is None else {self._tag: over})
            except TakenError:
                found = self.get(key)
                if found is not None and found.content == content:  # of a try of ours, or of a writer of the same
                    return found.etag
                if found is not None and found.etag != over:
                    raise
                if found is None and over is not None:
                    raise
                time.sleep(0.05 * 2**attempt)  # the store was busy with another write that has come to nothing
        raise TakenError(key)

    def put_anyway(self, key: str, content: bytes) -> None:
        """Write an object whatever lies there."""
        self._put(key, content, "overwrite")

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""

        def asked(store: "ObjectStore") -> bool:
            obstore.delete(store, key)
            return True

        self._ask("delete", key, asked)

    def listed(self, prefix: str = "") -> Iterator[Held]:
        """Every object: many requests, so this is for the first time and for repairs."""

        def asked(store: "ObjectStore") -> list[Held]:
            return [self._held(meta) for batch in obstore.list(store, prefix or None) for meta in batch]

        for one in self._ask("list", prefix, asked) or ():
            found = one if one.etag else self.head(one.key)  # a listing of Google's names no generations
            if found is not None:
                yield found

    def _put(self, key: str, content: bytes, mode: Any) -> str:
        def asked(store: "ObjectStore") -> str:
            written = obstore.put(store, key, content, mode=mode, use_multipart=False)
            return str(written[self._tag])

        found = self._ask("write", key, asked)
        if found is None:  # S3 says so of a replacement whose object is gone
            raise TakenError(key)
        return found

    def _ask(self, what: str, key: str, asked: Any) -> Any:
        until = time.monotonic() + self.settings.retry_seconds
        pause = 0.1
        while True:
            try:
                return asked(self._store())
            except FileNotFoundError as error:
                if any(said in str(error) for said in _NO_BUCKET):
                    raise self._explained(what, key, error) from None
                return None
            except (AlreadyExistsError, PreconditionError):
                raise TakenError(key) from None
            except (BaseError, OSError) as error:
                if not _passes(error) or time.monotonic() + pause > until:
                    raise self._explained(what, key, error) from None  # what the library says may hold signed addresses
            time.sleep(pause)
            pause = min(2 * pause, 5.0)

    def _held(self, meta: Any, content: bytes = b"") -> Held:
        mtime = int(meta["last_modified"].timestamp() * 1_000_000) * 1_000
        tag = str(meta[self._tag] or "")
        if tag and self._tag == "e_tag" and not tag.endswith('"'):  # Azure's lists have it without the quotes of headers and conditions
            tag = f'"{tag}"'
        return Held(key=meta["path"], etag=tag, size=meta["size"], mtime_ns=mtime, content=content)

    def _store(self) -> "ObjectStore":
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), self._made())
        return self._opened[1]

    def _made(self) -> "ObjectStore":
        own = self.settings
        config: dict[str, Any] = {}
        if own.endpoint:
            config["base_url" if self.url.startswith("gs:") else "endpoint"] = own.endpoint
        try:
            return from_url(
                str(self.url),
                **config,
                client_options={
                    "allow_http": bool(own.endpoint and own.endpoint.startswith("http://")),
                    "timeout": timedelta(seconds=own.timeout_seconds),
                    "connect_timeout": timedelta(seconds=min(own.timeout_seconds, 5.0)),
                },
                retry_config={
                    "max_retries": 10,
                    "retry_timeout": timedelta(seconds=own.retry_seconds),
                    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
                },
            )
        except Exception as error:  # noqa: BLE001 - the library has no one class for a wrong configuration, and its text may hold a secret
            raise self._explained("open", "", error) from None

    def _explained(self, what: str, key: str, error: BaseException) -> ObjectStoreError:
        text = str(error)
        code = found[1] if (found := _CODE.search(text)) else ""
        status = next(filter(None, found.groups()), "") if (found := _STATUS.search(text)) else ""
        where = f"{self.url}/{key}" if key else str(self.url)
        begin = f"can't {what} {where}"
        if any(said in text for said in _NO_BUCKET):
            return ObjectStoreError(f"{begin}: there is no such bucket: make it, or correct the [storage] settings")
        if advice := _ADVICE.get(code):
            return StoreDeniedError(f"{begin}: {code}: {advice}")
        if type(error).__name__ in {"PermissionDeniedError", "UnauthenticatedError"} or status in {"401", "403"}:
            return StoreDeniedError(f"{begin}: {_ADVICE['AccessDenied'] if status != '401' else _ADVICE['InvalidAccessKeyId']}")
        patience = f"after {self.settings.retry_seconds:g} seconds of trying again (storage.object_store.retry_seconds)"
        if status in {"429", "503"}:
            return ObjectStoreError(
                f"{begin}: the store answered {status} {code} {patience}: it is overloaded or throttles this account. Run again later, "
                "or lower storage.object_store.requests_at_once"
            )
        if _passes(error):
            server = self.settings.endpoint or "the provider's server"
            return ObjectStoreError(
                f"{begin}: no whole answer of {server} {patience}{f' (status {status})' if status else ''}: check the network, the endpoint and the "
                "provider's status, then run again. What was stored is whole: each object is the old or the new one"
            )
        return ObjectStoreError(f"{begin}: {redacted(_first_line(text))}")


def sha256_of(content: bytes) -> str:
    """SHA-256 (hex) of an object's bytes."""
    return hashlib.sha256(content).hexdigest()


def _passes(error: BaseException) -> bool:
    """Whether the same may succeed later: the server was busy, away, or cut the answer off."""
    name = type(error).__name__
    if name in {"PermissionDeniedError", "UnauthenticatedError", "InvalidPathError", "NotSupportedError", "UnknownConfigurationKeyError"}:
        return False
    status = next(filter(None, found.groups()), "") if (found := _STATUS.search(str(error))) else ""
    return status in {"", "408", "409", "429"} or status.startswith("5")


def _first_line(text: str) -> str:
    """Without the query of an address, in which a signature may be."""
    return re.sub(r"\?\S+", "?…", text.split("\n", maxsplit=1)[0])[:300]
