"""AWS Signature Version 4, by the examples that AWS publishes for S3."""

from datetime import UTC, datetime

import pytest

from ats_assets.vendors.massive.aws_signature import signed_headers

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
AT = datetime(2013, 5, 24, tzinfo=UTC)
BUCKET = "https://examplebucket.s3.amazonaws.com"
PUBLISHED = [
    ("/test.txt", {"Range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    ("/?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("/?max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
]
"""AWS, Amazon S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", its three examples of a GET."""


@pytest.mark.parametrize(("path", "headers", "signature"), PUBLISHED, ids=["object", "lifecycle", "listing"])
def test_published_examples_are_signed_as_aws_signs_them(path: str, headers: dict[str, str], signature: str) -> None:
    made = signed_headers(BUCKET + path, KEY_ID, SECRET, AT, headers=headers)
    covered = ";".join(sorted(["host", "x-amz-content-sha256", "x-amz-date", *(name.lower() for name in headers)]))
    assert made["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20130524/us-east-1/s3/aws4_request, SignedHeaders={covered}, Signature={signature}"
    )
    assert made["x-amz-date"] == "20130524T000000Z"
    assert {name: made[name] for name in headers} == headers


def test_one_changed_character_changes_the_signature() -> None:
    def signature(**changes: str) -> str:
        said = {"url": f"{BUCKET}/a b.gz", "key_id": KEY_ID, "secret_key": SECRET} | changes
        return signed_headers(**said, at=AT)["Authorization"].rpartition("=")[2]

    plain = signature()
    assert plain == signature(url=f"{BUCKET}/a%20b.gz"), "one spelling of a path"
    assert len({plain, signature(url=f"{BUCKET}/a b.gs"), signature(secret_key=SECRET[:-1]), signature(url=f"{BUCKET}x/a b.gz")}) == 4
