"""The files of the dashboard, read once and served from memory with their ETags."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "dashboard"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""Of the files that are served; others are not."""
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
}
"""Of the page: nothing from elsewhere, no script or style inside it, and it is asked for again each time."""
_FOR_EVER = "public, max-age=31536000, immutable"
"""Of vendored files, which have their version in their name."""
_SMALLEST = 1_000
"""Bytes from which on a file is worth compressing."""


@dataclass(frozen=True, kw_only=True)
class DashboardFile:
    """A file as it is served.

    Attributes
    ----------
    body, zipped
        As it is, and compressed with gzip; None where that saves nothing.
    tag
        Its ETag.
    """

    body: bytes
    zipped: bytes | None
    media_type: str
    tag: str
    cache_control: str


@cache
def dashboard_files() -> Mapping[str, DashboardFile]:
    """Every file by its path below the folder, such as `js/main.js`."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in TYPES and path.is_file())
    return {path.relative_to(FOLDER).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> DashboardFile:
    body = path.read_bytes()
    worth = len(body) >= _SMALLEST
    vendored = path.parent.name == "vendor"
    return DashboardFile(
        body=body,
        zipped=gzip.compress(body, mtime=0) if worth else None,
        media_type=TYPES[path.suffix],
        tag=f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"',
        cache_control=_FOR_EVER if vendored else "no-cache",
    )
