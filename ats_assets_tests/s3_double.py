"""An S3 server of the tests: moto's, on 127.0.0.1, behind a front that counts requests and does what networks and providers do: answers 503, cuts bodies off, is slow or gone.

moto looks at the condition of a write and writes in two steps; S3 does both at once. So the front lets one request in at a time.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ats_assets.settings import StorageSettings

BUCKET = "trading"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIATESTS", "AWS_SECRET_ACCESS_KEY": "of-the-tests-alone", "AWS_DEFAULT_REGION": "us-east-1"}
Environ = dict[str, Any]
Answer = tuple[str, list[tuple[str, str]], bytes]
BUSY: Answer = (
    "503 Slow Down",
    [("Content-Type", "application/xml")],
    b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>",
)


@dataclass
class S3Double:
    """The server, and what it does.

    Attributes
    ----------
    scheme
        Of its addresses.
    asked
        Method and path of every request, in order.
    before
        Asked with each request; an answer of its own goes back instead of the server's.
    after
        Asked with each answer; what it returns is sent: another body than the declared length is a connection cut off.
    """

    endpoint: str = ""
    scheme: str = "s3"
    asked: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str], Answer | None] = lambda method, path: None
    after: Callable[[str, str, bytes], bytes] = lambda method, path, body: body

    def client(self) -> Any:
        """boto3's client, an independent reader and writer."""
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")

    def storage(self, name: str, data: Any, **more: Any) -> dict[str, Any]:
        """The section [storage] for warehouse and models under a prefix, with what is known of them under `data`."""
        own = {"endpoint": self.endpoint, "look_seconds": 0.0, "retry_seconds": 5.0, "timeout_seconds": 5.0} | more
        return {
            "warehouse": f"{self.scheme}://{BUCKET}/{name}/warehouse",
            "models": f"{self.scheme}://{BUCKET}/{name}/models",
            "data": data,
            "object_store": own,
        }

    def settings(self, name: str, data: Any, **more: Any) -> StorageSettings:
        """The same, as settings."""
        return StorageSettings.model_validate(self.storage(name, data, **more))

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Key below the prefix -> bytes, by listing, which the product does not do."""
        client, found = self.client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix + "/"):
            for one in page.get("Contents", ()):
                found[one["Key"][len(prefix) + 1 :]] = client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        return found

    def counts(self) -> Counter[str]:
        """Requests by method."""
        return Counter(method for method, _ in self.asked)

    def undisturbed(self) -> None:
        """No faults any more."""
        self.before, self.after = (lambda method, path: None), (lambda method, path, body: body)


Double = TypeVar("Double", bound=S3Double)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(double: S3Double, server_app: Callable[..., Iterable[bytes]]) -> Iterator[None]:
    """An object store's server behind the front, at the double's endpoint."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    alone = threading.Lock()

    def app(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        double.asked.append((method, path))
        own = double.before(method, path)
        if own is not None:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start(own[0], [*own[1], ("Content-Length", str(len(own[2])))])
            return [own[2]]
        told: list[Any] = []
        with alone:
            body = b"".join(server_app(environ, lambda status, headers, _=None: told.extend((status, headers))))
        start(*told)
        return [double.after(method, path, body)]

    server: BaseWSGIServer = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    double.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def s3_double() -> Iterator[S3Double]:
    """A server with one bucket."""
    double = S3Double()
    with served(double, DomainDispatcherApplication(create_backend_app)):
        double.client().create_bucket(Bucket=BUCKET)
        double.asked.clear()
        yield double


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Double]:
    """One server for all tests of a process; each takes a prefix of its own."""
    with s3_double() as double:
        yield double


@pytest.fixture
def s3(s3_server: S3Double, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Double]:
    """The server, with credentials in the environment and no faults."""
    yield from ready(s3_server, CREDENTIALS, monkeypatch)


def ready(double: Double, credentials: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """A server for one test, with credentials in the environment and no faults."""
    for name, value in credentials.items():
        monkeypatch.setenv(name, value)
    double.undisturbed()
    double.asked.clear()
    yield double
    double.undisturbed()


def slow(seconds: float) -> Callable[[str, str], Answer | None]:
    """A server that takes its time."""

    def wait(method: str, path: str) -> Answer | None:
        time.sleep(seconds)
        return None

    return wait
