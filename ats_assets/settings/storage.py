"""Where warehouse, models and the data of the instance lie."""

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from ats_assets.settings.section import Positive, Section

SCHEMES = ("s3", "gs", "az")
_URL = re.compile(r"(?P<scheme>[a-z0-9]+)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{1,62})(?P<prefix>(/[^/?#@]+)*)/?")
_LOOKS_LIKE_ONE = re.compile(r"[A-Za-z][A-Za-z0-9]+:/")


class BucketUrl(str):
    """A folder in a bucket of an object store, such as `s3://bucket/some/prefix`, without a slash at its end.

    Examples
    --------
    >>> BucketUrl.checked("s3://trading/warehouse/")
    's3://trading/warehouse'
    >>> BucketUrl.checked("ftp://trading")
    Traceback (most recent call last):
    ValueError: an object store is named as s3://bucket/prefix, gs://bucket/prefix or az://container/prefix, without credentials in it
    """

    __slots__ = ()

    @classmethod
    def checked(cls, text: str) -> "BucketUrl":
        """The URL, where it is one of a store that can be used; the text is not repeated in the error, since credentials may be in it.

        Raises
        ------
        ValueError
        """
        found = _URL.fullmatch(text)
        if found is None or found["scheme"] not in SCHEMES:
            raise ValueError(
                "an object store is named as s3://bucket/prefix, gs://bucket/prefix or az://container/prefix, without credentials in it"
            )
        return cls(text.rstrip("/"))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_instance, serialization=core_schema.to_string_ser_schema())

    @override
    def __repr__(self) -> str:
        return repr(str(self))


def _instance(value: object) -> BucketUrl:
    if isinstance(value, BucketUrl):
        return value
    raise ValueError("not the URL of an object store")


def _read(value: object) -> object:
    return BucketUrl.checked(value) if isinstance(value, str) and _LOOKS_LIKE_ONE.match(value) else value


Root = Annotated[BucketUrl | Path, Field(union_mode="left_to_right"), BeforeValidator(_read)]


class ObjectStoreSettings(Section):
    """How an object store is asked, where warehouse or models lie in one. Credentials come from the environment alone: AWS_*, GOOGLE_*, AZURE_*."""

    endpoint: str | None = Field(
        default=None, pattern=r"^https?://[^@]+$", description="of a server that speaks S3's protocol; default: the provider's own"
    )
    cache_gib: float = Field(default=20.0, gt=0, description="of files kept in storage.cache; those not read for longest go first")
    look_seconds: float = Field(default=5.0, ge=0, description="after which a process looks again for what other machines have written")
    retry_seconds: float = Field(default=60.0, ge=0, description="for which a request is tried again while the store is busy or away")
    timeout_seconds: float = Field(default=30.0, gt=0, description="of one try")
    requests_at_once: Positive = Field(default=16, description="by one process")


class StorageSettings(Section):
    """Where the artefacts lie. Relative paths are relative to the folder of the settings file.

    Unless they are set, the warehouse and the models lie in a folder of the source's kind (`warehouse/synthetic`), so that a trial on the synthetic
    market and real data never make one history. With `graph.prefix` all three lie in a folder of that name: `warehouse/crypto/alpaca`, `data/crypto`.
    """

    warehouse: Root = Field(default=Path("warehouse"), description="folder, or s3://, gs://, az://; default: warehouse/<source.kind>")
    models: Root = Field(default=Path("models"), description="folder, or s3://, gs://, az://; default: models/<source.kind>")
    data: Path = Field(default=Path("data"), description="instance, MLflow, reports, Data Docs")
    cache: Path | None = Field(
        default=None, description="names and files of an object store, on a disk of this machine alone; default: objects in storage.data"
    )
    compression_level: int = Field(default=1, ge=1, le=22, description="of zstd")
    fsync: bool = Field(default=True, description="off only where a lost power supply may cost the newest files")
    object_store: ObjectStoreSettings = ObjectStoreSettings()

    @model_validator(mode="after")
    def _roots_are_beside_each_other(self) -> Self:
        """Each root in a store has a log of all that lies under it."""
        both = sorted(f"{place}/" for place in (self.warehouse, self.models) if isinstance(place, BucketUrl))
        if len(both) == 2 and both[1].startswith(both[0]):
            raise ValueError("warehouse and models are in one folder of the store, or one in the other: name two folders beside each other")
        return self

    @property
    def warehouse_folder(self) -> Path:
        """The folder of the warehouse; of one in an object store, where its names and cached files are."""
        return self.mirror(self.warehouse) / "files" if isinstance(self.warehouse, BucketUrl) else self.warehouse

    @property
    def models_folder(self) -> Path:
        """The folder of the models, likewise."""
        return self.mirror(self.models) / "files" if isinstance(self.models, BucketUrl) else self.models

    def folder(self, name: str) -> Path:
        """The folder of `warehouse`, `models` or `data` on this machine."""
        return {"warehouse": self.warehouse_folder, "models": self.models_folder, "data": self.data}[name]

    def mirror(self, url: BucketUrl) -> Path:
        """Where what is known of a folder in an object store is kept: one folder for each of them, and for each server."""
        return (self.cache or self.data / "objects") / hashlib.sha256(f"{url} {self.object_store.endpoint or ''}".encode()).hexdigest()[:12]
