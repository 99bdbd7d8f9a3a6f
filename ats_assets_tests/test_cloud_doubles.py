"""The doubles of Google's and Azure's stores answer as their references say, asked without the product's client."""

import http.client
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ats_assets.errors import StoreDeniedError
from ats_assets.settings import BucketUrl
from ats_assets.storage.objects.bucket import Bucket, TakenError
from ats_assets_tests.azure_double import az, azure_server
from ats_assets_tests.cloud_double import PAGE, CloudDouble
from ats_assets_tests.google_double import google_server, gs
from ats_assets_tests.s3_double import BUCKET

__all__ = ["az", "azure_server", "google_server", "gs"]
Told = tuple[int, dict[str, str], bytes]


def ask(double: CloudDouble, method: str, path: str, body: bytes = b"", **headers: str) -> Told:
    """A request, as it goes over the wire."""
    asked = http.client.HTTPConnection(double.endpoint.removeprefix("http://"), timeout=30)
    asked.request(method, f"/{path}", body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = asked.getresponse()
    told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    asked.close()
    return told


def test_googles_conditions_are_on_generations_and_its_lists_name_them(gs: CloudDouble) -> None:
    key = f"{BUCKET}/shapes/a"
    status, first, _ = ask(gs, "PUT", key, b"one", x_goog_if_generation_match="0")
    assert (status, {"etag", "x-goog-generation", "x-goog-metageneration"} <= first.keys()) == (200, True)
    for generation, expected in (("0", 412), (first["x-goog-generation"], 200), (first["x-goog-generation"], 412)):
        status, _, said = ask(gs, "PUT", key, b"two", x_goog_if_generation_match=generation)
        assert (status, ET.fromstring(said).findtext("Code") if said else None) == (
            expected,
            "PreconditionFailed" if said else None,
        )
    status, told, content = ask(gs, "GET", key)
    assert (status, content, int(told["x-goog-generation"]) > int(first["x-goog-generation"])) == (200, b"two", True)
    listed = ET.fromstring(ask(gs, "GET", f"{BUCKET}?list-type=2&prefix=shapes/")[2])
    space = "{http://doc.s3.amazonaws.com/2006-03-01}"
    one = listed.find(f"{space}Contents")
    assert one is not None
    assert [part.tag.removeprefix(space) for part in one] == ["Key", "Generation", "MetaGeneration", "LastModified", "ETag", "Size"]
    for path, code in ((f"{BUCKET}/shapes/none", "NoSuchKey"), ("elsewhere/x", "NoSuchBucket")):
        status, _, said = ask(gs, "GET", path)
        assert (status, ET.fromstring(said).findtext("Code")) == (404, code)
    again = [ask(gs, "PUT", key, b"same")[1] for _ in range(2)]
    assert (again[0]["etag"] == again[1]["etag"], again[0]["x-goog-generation"] == again[1]["x-goog-generation"]) == (True, False)
    status, told, content = ask(gs, "GET", key, Range="bytes=1-2")
    assert (status, told["content-range"], content) == (206, "bytes 1-2/4", b"am")
    assert ask(gs, "DELETE", key)[0] == 204


def test_azures_conditions_are_on_etags_and_its_errors_have_a_header(
    az: CloudDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed by the product's client, since it looks at signatures; what went over the wire is in `told`."""
    told: list[tuple[str, str]] = []
    own = az.settings("shapes", tmp_path)
    assert isinstance(own.warehouse, BucketUrl)
    bucket, answer = Bucket(own.warehouse, own.object_store), az.answer
    monkeypatch.setattr(az, "answer", lambda *asked: _noted(told, answer(*asked)))
    etag = bucket.put("a", b"one", None)
    for over in (None, '"0x1"'):
        with pytest.raises(TakenError):
            bucket.put("a", b"two", over)
    assert bucket.put("a", b"two", etag) != etag
    assert bucket.get("none") is None
    bucket.delete("a")
    bucket.delete("a")
    statuses = [status for status, _ in told]
    assert statuses.count("201 Created") == 2
    assert {code for _, code in told if code} == {"BlobAlreadyExists", "ConditionNotMet", "BlobNotFound"}
    assert [status for status, code in told if code] == ["409 Conflict", "412 Precondition Failed", "404 Not Found"]


def _noted(told: list[tuple[str, str]], answer: tuple[str, list[tuple[str, str]], bytes]) -> tuple[str, list[tuple[str, str]], bytes]:
    told.append((answer[0], dict(answer[1]).get("x-ms-error-code", "")))
    return answer


def test_a_key_that_is_not_the_accounts_is_refused_without_being_told(
    az: CloudDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "bm90LXRoaXMtc2VjcmV0")
    own = az.settings("denied", tmp_path)
    assert isinstance(own.warehouse, BucketUrl)
    with pytest.raises(StoreDeniedError, match=r"the credentials lack the right|does not know the access key") as refused:
        Bucket(own.warehouse, own.object_store).put("a", b"one", None)
    assert "bm90" not in str(refused.value)


@pytest.mark.parametrize("kind", ["gs", "az"])
def test_lists_are_taken_page_by_page(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    double: CloudDouble = request.getfixturevalue(kind)
    own = double.settings("pages", tmp_path)
    assert isinstance(own.warehouse, BucketUrl)
    bucket, keys = Bucket(own.warehouse, own.object_store), [f"session=2024-03-0{n} a&b/data.parquet" for n in range(2 * PAGE + 1)]
    tags = {key: bucket.put(key, key.encode(), None) for key in keys}
    double.asked.clear()
    assert {one.key: one.etag for one in bucket.listed()} == tags
    assert double.asked.count(("GET", f"/{BUCKET}")) == 3
    for one in bucket.listed():  # Azure's lists have ETags without the quotes that headers and conditions have
        assert bucket.put(one.key, b"again", one.etag) != one.etag
    for key in keys:
        bucket.delete(key)
    assert not list(bucket.listed())
