"""What a file of the warehouse says of itself, in its footer: what it is, and what it was made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from ats_assets.storage.sealed_file import BLANK

FOOTER_KEY = "ats"

Upstream = Mapping[str, Mapping[str, str]]
"""Asset -> session (ISO) -> data version."""


class AssetVersions(TypedDict):
    """By what a partition was made."""

    code_version: str
    settings_version: str


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What a file says of itself; `file_sha256` is blank until it is written."""

    asset: str
    session: str
    data_version: str
    code_version: str
    settings_version: str
    upstream: Upstream = field(default_factory=dict)
    file_sha256: str = BLANK

    def encoded(self) -> str:
        """The footer as JSON with sorted keys, so that equal footers are equal bytes."""
        return json.dumps(vars(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Written:
    """The outcome of a write."""

    path: Path
    footer: Footer
    rows: int
    bytes: int
