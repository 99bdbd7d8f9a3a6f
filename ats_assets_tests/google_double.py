"""Google Cloud Storage's XML API, by its reference: conditions on generations (`x-goog-if-generation-match`), `ListBucketResult`, error codes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import pytest

from ats_assets_tests.cloud_double import DECLARED, XML, CloudDouble, Headers, Kept, Told, cloud_double
from ats_assets_tests.s3_double import BUCKET, Environ, ready


@dataclass
class GoogleDouble(CloudDouble):
    """Google's XML API."""

    scheme: str = "gs"

    def etag(self, content: bytes, generation: int) -> str:
        """Of the same bytes the same: only generations tell one write from another."""
        return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'

    def refusal(self, environ: Environ, bucket: str) -> Told | None:
        return None if bucket == BUCKET else self._error("404 Not Found", "NoSuchBucket", "The specified bucket does not exist.")

    def answer(self, environ: Environ, key: str, content: bytes) -> Told:
        method, one = environ["REQUEST_METHOD"], self.kept.get(key)
        if method == "GET" and not key:
            return self._listed(dict(parse_qsl(environ["QUERY_STRING"])))
        if method == "PUT":
            wanted = environ.get("HTTP_X_GOOG_IF_GENERATION_MATCH")
            if wanted is not None and int(wanted) != (one.generation if one else 0):
                return self._error(
                    "412 Precondition Failed", "PreconditionFailed", "At least one of the pre-conditions you specified did not hold."
                )
            return "200 OK", self._headers(self.store(key, content)), b""
        if one is None:
            return self._error("404 Not Found", "NoSuchKey", "The specified key does not exist.")
        if method == "DELETE":
            del self.kept[key]
            return "204 No Content", [], b""
        status, where, part = self.read(environ, key)
        return status, [*self._headers(one), *where], part

    def _headers(self, one: Kept) -> Headers:
        return [*one.headers, ("x-goog-generation", str(one.generation)), ("x-goog-metageneration", "1")]

    def _listed(self, asked: dict[str, str]) -> Told:
        found, more = self.page(asked.get("prefix", ""), asked.get("continuation-token", ""))
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Generation>{one.generation}</Generation><MetaGeneration>1</MetaGeneration>"
            f"<LastModified>{one.at:%Y-%m-%dT%H:%M:%S}.{one.at.microsecond // 1000:03}Z</LastModified><ETag>{escape(one.etag)}</ETag>"
            f"<Size>{len(one.content)}</Size></Contents>"
            for key, one in found
        )
        token = f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
        body = f"<Name>{BUCKET}</Name><Prefix>{escape(asked.get('prefix', ''))}</Prefix>{token}<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{contents}"
        return (
            "200 OK",
            XML,
            f"{DECLARED}<ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>{body}</ListBucketResult>".encode(),
        )

    def _error(self, status: str, code: str, said: str) -> Told:
        return status, XML, f"{DECLARED}<Error><Code>{code}</Code><Message>{said}</Message></Error>".encode()


def google_credentials(folder: Path) -> dict[str, str]:
    """The environment of a client of a server that knows nobody, as Google's emulators are asked."""
    file = folder / "service_account.json"
    file.write_text(json.dumps({"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}), encoding="utf-8")
    return {"GOOGLE_SERVICE_ACCOUNT": str(file)}


@pytest.fixture(scope="session")
def google_server() -> Iterator[CloudDouble]:
    """One server for all tests of a process; each takes a prefix of its own."""
    with cloud_double(GoogleDouble()) as double:
        yield double


@pytest.fixture
def gs(google_server: CloudDouble, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudDouble]:
    """The server, with credentials in the environment and no faults."""
    yield from ready(google_server, google_credentials(tmp_path_factory.mktemp("google")), monkeypatch)
