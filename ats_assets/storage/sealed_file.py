"""Files that hold their own SHA-256, so that a changed byte anywhere in them is found without a second file.

The hash stands in the file's JSON (a Parquet footer's value, or the file itself) under the key `file_sha256`. It is taken of all bytes of the file with
64 zeros in its place; so it covers pages, statistics, schema and footer alike, and equal contents are equal bytes.
"""

import hashlib

BLANK = "0" * 64
"""What stands in the place of the hash while it is taken."""
_KEY = b'"file_sha256":'


def seal(content: bytes) -> tuple[bytes, str]:
    """The content with its SHA-256 in place of the zeros after the last `file_sha256`, and that hash.

    Raises
    ------
    ValueError
        If the place is not there.
    """
    start = _place(content)
    if start is None or content[start : start + 64] != BLANK.encode():
        raise ValueError("the content has no blank place for its hash")
    found = hashlib.sha256(content).hexdigest()
    return content[:start] + found.encode() + content[start + 64 :], found


def is_sealed(content: bytes) -> bool:
    """Whether the content has a place for its hash."""
    return _place(content) is not None


def is_intact(content: bytes) -> bool:
    """Whether the content is what was sealed, byte for byte."""
    start = _place(content)
    if start is None:
        return False
    digest = hashlib.sha256(memoryview(content)[:start])
    digest.update(BLANK.encode())
    digest.update(memoryview(content)[start + 64 :])
    return digest.hexdigest().encode() == content[start : start + 64]


def _place(content: bytes) -> int | None:
    key = content.rfind(_KEY)
    if key < 0:
        return None
    start = key + len(_KEY) + (1 if content[key + len(_KEY) : key + len(_KEY) + 1] == b" " else 0) + 1
    framed = content[start - 1 : start] == b'"' and content[start + 64 : start + 65] == b'"'
    return start if framed else None
