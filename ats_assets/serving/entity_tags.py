"""ETags: the version of an answer, and whether the caller has it already."""

import hashlib

from fastapi import Response


def tag_of(body: bytes) -> str:
    """The ETag of what no data version stands for: of its bytes."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def entity_tag(*parts: str) -> str:
    """The ETag of what follows from these."""
    return f'"{hashlib.blake2b(chr(0).join(parts).encode(), digest_size=16).hexdigest()}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether an If-None-Match header names the tag."""
    return if_none_match.strip() == "*" or any(
        one.strip().removeprefix("W/").replace('-gzip"', '"') == tag for one in if_none_match.split(",")
    )


def not_modified(tag: str) -> Response:
    """304: the caller has it."""
    return Response(status_code=304, headers={"etag": tag})
