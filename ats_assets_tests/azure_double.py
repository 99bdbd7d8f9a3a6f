"""Azure Blob Storage, by its reference: `Put Blob`, `Get Blob`, `Delete Blob`, `Blob Batch`, `List Blobs`, error codes, and `SharedKey`, which it looks at."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, unquote
from xml.sax.saxutils import escape

import pytest

from ats_assets_tests.cloud_double import DECLARED, XML, CloudDouble, Headers, Kept, Told, cloud_double
from ats_assets_tests.s3_double import BUCKET, Environ, ready

ACCOUNT, KEY = "tests", base64.b64encode(b"of-the-tests-alone").decode()
AZURE_CREDENTIALS = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY}
QUOTE = '"'
"""Lists have ETags without it, headers have them in it."""
MS: Headers = [("x-ms-version", "2023-11-03"), ("x-ms-request-id", "00000000-0000-0000-0000-000000000000")]
SIGNED: tuple[str, ...] = ("CONTENT_ENCODING", "CONTENT_LANGUAGE", "CONTENT_LENGTH", "CONTENT_MD5", "CONTENT_TYPE", "DATE")
SIGNED += ("IF_MODIFIED_SINCE", "IF_MATCH", "IF_NONE_MATCH", "IF_UNMODIFIED_SINCE", "RANGE")


def signature(environ: Environ) -> str:
    """What Azure's clients sign of a request with the account's key (`SharedKey`, of the versions since 2015)."""

    def of(name: str) -> str:
        found = environ.get(name if name in {"CONTENT_LENGTH", "CONTENT_TYPE"} else f"HTTP_{name}", "")
        return "" if (name, found) == ("CONTENT_LENGTH", "0") else found

    own = sorted((name[5:].lower().replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_X_MS_"))
    asked = sorted(parse_qs(environ["QUERY_STRING"], keep_blank_values=True).items())
    resource = "".join(
        [f"/{ACCOUNT}{environ['RAW_URI'].partition('?')[0]}", *(f"\n{name.lower()}:{','.join(values)}" for name, values in asked)]
    )
    text = "\n".join([environ["REQUEST_METHOD"], *map(of, SIGNED), *(f"{name}:{value.strip()}" for name, value in own), resource])
    return base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()


@dataclass
class AzureDouble(CloudDouble):
    """Azure's Blob service; of `SharedKey` it knows one account."""

    scheme: str = "az"

    def refusal(self, environ: Environ, bucket: str) -> Told | None:
        if environ.get("HTTP_AUTHORIZATION") != f"SharedKey {ACCOUNT}:{signature(environ)}":
            return self._error("403 Forbidden", "AuthenticationFailed", "Server failed to authenticate the request.")
        return None if bucket == BUCKET else self._error("404 Not Found", "ContainerNotFound", "The specified container does not exist.")

    def answer(self, environ: Environ, key: str, content: bytes) -> Told:
        method, one, asked = environ["REQUEST_METHOD"], self.kept.get(key), dict(parse_qsl(environ["QUERY_STRING"]))
        if method == "POST" and asked.get("comp") == "batch":
            return self._batch(environ["CONTENT_TYPE"].partition("boundary=")[2], content)
        if method == "GET" and not key:
            return self._listed(asked)
        if method == "PUT":
            return self._put(environ, key, content, one)
        if one is None:
            return self._error("404 Not Found", "BlobNotFound", "The specified blob does not exist.")
        if method == "DELETE":
            del self.kept[key]
            return "202 Accepted", MS, b""
        status, where, part = self.read(environ, key)
        return status, [*self._headers(one), *where, ("x-ms-blob-type", "BlockBlob")], part

    def _put(self, environ: Environ, key: str, content: bytes, one: Kept | None) -> Told:
        if environ.get("HTTP_X_MS_BLOB_TYPE") != "BlockBlob":
            return self._error("400 Bad Request", "MissingRequiredHeader", "x-ms-blob-type")
        if environ.get("HTTP_IF_NONE_MATCH") == "*" and one:
            return self._error("409 Conflict", "BlobAlreadyExists", "The specified blob already exists.")
        wanted = environ.get("HTTP_IF_MATCH")
        if wanted and wanted != (one and one.etag):
            return self._error(
                "412 Precondition Failed", "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
            )
        return "201 Created", self._headers(self.store(key, content)), b""

    def _batch(self, boundary: str, content: bytes) -> Told:
        """Blob Batch: removals in one message, each with headers of its own."""
        answers = b""
        for number, part in enumerate(content.split(f"--{boundary}".encode())[1:-1]):
            method, path = part.partition(b"\r\n\r\n")[2].split(b" ", 2)[:2]
            assert method == b"DELETE", part
            key = unquote(path.decode()).removeprefix(f"/{BUCKET}/")
            status = (
                "202 Accepted" if self.kept.pop(key, None) else "404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound"
            )
            own = "".join(f"{name}: {value}\r\n" for name, value in MS)
            answers += f"--answers\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\nHTTP/1.1 {status}\r\n{own}\r\n".encode()
        return "202 Accepted", [*MS, ("Content-Type", "multipart/mixed; boundary=answers")], answers + b"--answers--\r\n"

    def _headers(self, one: Kept) -> Headers:
        return [*one.headers, *MS]

    def _listed(self, asked: dict[str, str]) -> Told:
        found, more = self.page(asked.get("prefix", ""), asked.get("marker", ""))
        blobs = "".join(
            f"<Blob><Name>{escape(key)}</Name><Properties><Last-Modified>{dict(one.headers)['Last-Modified']}</Last-Modified><Etag>{one.etag.strip(QUOTE)}</Etag>"
            f"<Content-Length>{len(one.content)}</Content-Length><Content-Type>application/octet-stream</Content-Type><BlobType>BlockBlob</BlobType></Properties></Blob>"
            for key, one in found
        )
        body = f"<Prefix>{escape(asked.get('prefix', ''))}</Prefix><Blobs>{blobs}</Blobs><NextMarker>{escape(more)}</NextMarker>"
        of = f"ServiceEndpoint='{self.endpoint}/' ContainerName='{BUCKET}'"
        return "200 OK", [*XML, *MS], f"{DECLARED}<EnumerationResults {of}>{body}</EnumerationResults>".encode()

    def _error(self, status: str, code: str, said: str) -> Told:
        return (
            status,
            [*XML, *MS, ("x-ms-error-code", code)],
            f"{DECLARED}<Error><Code>{code}</Code><Message>{said}</Message></Error>".encode(),
        )


@pytest.fixture(scope="session")
def azure_server() -> Iterator[CloudDouble]:
    """One server for all tests of a process; each takes a prefix of its own."""
    with cloud_double(AzureDouble()) as double:
        yield double


@pytest.fixture
def az(azure_server: CloudDouble, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudDouble]:
    """The server, with credentials in the environment and no faults."""
    yield from ready(azure_server, AZURE_CREDENTIALS, monkeypatch)
