"""AWS Signature Version 4 of a GET, as S3-compatible servers ask for it.

AWS, "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API reference; in four steps:

1. The canonical request: method, path, query, headers and the hash of the body, each in one spelling only.
2. The text to sign: algorithm, time, scope (day, region, service), and the hash of the canonical request.
3. The signing key: the secret key, hashed with day, region and service, one after the other.
4. The signature, with which headers it covers, in the header `Authorization`.

The signature covers the headers that are given, so that nobody can change one on the way.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ALGORITHM: Final = "AWS4-HMAC-SHA256"
EMPTY_BODY: Final = hashlib.sha256(b"").hexdigest()
_UNRESERVED: Final = "-_.~"


def signed_headers(
    url: str,
    key_id: str,
    secret_key: str,
    at: datetime,
    *,
    region: str = "us-east-1",
    service: str = "s3",
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers to send with a GET of a URL: those that are given, the time, the hash of the empty body, and the signature of all of them.

    Parameters
    ----------
    at
        In UTC; the server refuses one that is more than minutes away from its own clock.
    headers
        Others that are sent, such as Range.

    Examples
    --------
    >>> from datetime import UTC
    >>> made = signed_headers("https://files.example/flatfiles/a.csv.gz", "key", "secret", datetime(2024, 3, 7, tzinfo=UTC))
    >>> made["Authorization"].split(", ")[:2]
    ['AWS4-HMAC-SHA256 Credential=key/20240307/us-east-1/s3/aws4_request', 'SignedHeaders=host;x-amz-content-sha256;x-amz-date']
    """
    parts = urlsplit(url)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    sent = {**(headers or {}), "x-amz-content-sha256": EMPTY_BODY, "x-amz-date": stamp}
    covered = {"host": parts.netloc, **{name.lower(): " ".join(value.split()) for name, value in sent.items()}}
    names = ";".join(sorted(covered))
    lines = "".join(f"{name}:{covered[name]}\n" for name in sorted(covered))
    canonical = "\n".join(["GET", _path(parts.path), _query(parts.query), lines, names, EMPTY_BODY])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(_signing_key(secret_key, day, region, service), text.encode(), hashlib.sha256).hexdigest()
    return {**sent, "Authorization": f"{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"}


def _signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _path(path: str) -> str:
    """Each segment encoded once: of S3 a path is not normalised."""
    return quote(unquote(path), safe=f"/{_UNRESERVED}") or "/"


def _query(query: str) -> str:
    pairs = [(quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in parse_qsl(query, keep_blank_values=True)]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
