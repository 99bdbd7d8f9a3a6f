"""Servers of the tests that speak as other object stores than S3 do, as far as a bucket of files needs it: reads, conditional writes, removal, lists in pages.

What they answer is shaped by what the providers publish of it; `test_cloud_doubles.py` holds them against that.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from ats_assets_tests.s3_double import Environ, S3Double, served

PAGE = 3
"""Objects of a page of a list: few, so that each list has several."""
XML: list[tuple[str, str]] = [("Content-Type", "application/xml")]
DECLARED = "<?xml version='1.0' encoding='UTF-8'?>"
Headers = list[tuple[str, str]]
Told = tuple[str, Headers, bytes]


@dataclass(frozen=True)
class Kept:
    """An object: its generation counts the writes of the server."""

    content: bytes
    generation: int
    at: datetime
    etag: str

    @property
    def headers(self) -> Headers:
        return [("ETag", self.etag), ("Last-Modified", self.at.strftime("%a, %d %b %Y %H:%M:%S GMT"))]


@dataclass
class CloudDouble(S3Double):
    """A server that keeps its objects in memory.

    Attributes
    ----------
    kept
        By key.
    """

    kept: dict[str, Kept] = field(default_factory=dict)
    generations: Iterator[int] = field(default_factory=lambda: count(1_700_000_000_000_000))

    def objects(self, prefix: str) -> dict[str, bytes]:
        """See `S3Double.objects`."""
        return {key[len(prefix) + 1 :]: one.content for key, one in self.kept.items() if key.startswith(f"{prefix}/")}

    def store(self, key: str, content: bytes) -> Kept:
        """Keep an object, in the place of what was there."""
        generation = next(self.generations)
        self.kept[key] = Kept(content, generation, datetime.now(UTC), self.etag(content, generation))
        return self.kept[key]

    def etag(self, content: bytes, generation: int) -> str:
        """Of an object that is written."""
        return f'"0x{generation:016X}"'

    def page(self, prefix: str, after: str) -> tuple[list[tuple[str, Kept]], str]:
        """The next objects of a list, and the last key where there are more."""
        found = sorted((key, one) for key, one in self.kept.items() if key.startswith(prefix) and key > after)
        return found[:PAGE], found[PAGE - 1][0] if len(found) > PAGE else ""

    def app(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        status, headers, body = self.refusal(environ, bucket) or self.answer(environ, key, content)
        start(status, [*headers, ("Content-Length", str(len(body)))])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def refusal(self, environ: Environ, bucket: str) -> Told | None:
        """What is told of credentials that are wrong, or a bucket that is not there."""
        raise NotImplementedError

    def answer(self, environ: Environ, key: str, content: bytes) -> Told:
        """What is told of an object, or of the objects of a list."""
        raise NotImplementedError

    def read(self, environ: Environ, key: str) -> tuple[str, Headers, bytes]:
        """An object that is there, or the range of it that was asked for, and where that is."""
        one = self.kept[key]
        asked = environ.get("HTTP_RANGE") or environ.get("HTTP_X_MS_RANGE")
        if asked is None:
            return "200 OK", [], one.content
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = one.content[int(first) : int(last) + 1 if last else None]
        where = f"bytes {first}-{int(first) + len(part) - 1}/{len(one.content)}"
        return "206 Partial Content", [("Content-Range", where)], part


@contextmanager
def cloud_double(double: CloudDouble) -> Iterator[CloudDouble]:
    """A server with one bucket."""
    with served(double, double.app):
        yield double
