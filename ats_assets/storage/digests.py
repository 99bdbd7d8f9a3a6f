"""Digests of sets of partitions, such that the digest of a window costs two look-ups whatever its length.

The digest of a set of (key, version) is the sum of their SHA-256 modulo 2^256, beside how many they are (AdHash: Bellare and Micciancio, A new paradigm for
collision-free hashing, 1997). Sums over the sessions up to each one give the digest of a window as a difference.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

MODULUS = 1 << 256
Digest = tuple[int, int]
"""How many, and the sum."""


@lru_cache(maxsize=1 << 18)
def element(key: str, version: str) -> int:
    """The SHA-256 of one (key, version), as an integer."""
    return int.from_bytes(hashlib.sha256(f"{key}:{version}".encode()).digest(), "big")


def set_digest(versions: Mapping[str, str]) -> Digest:
    """The digest of a set, in whatever order."""
    return len(versions), sum(element(key, version) for key, version in versions.items()) % MODULUS


def stored(digest: Digest) -> bytes:
    """The sum as 32 bytes."""
    return digest[1].to_bytes(32, "big")


class WindowDigests:
    """The digests of windows of one asset's partitions.

    Parameters
    ----------
    sessions
        (ISO session, data version or None where the partition is missing), one for each session from the first that can be read on.
    """

    def __init__(self, sessions: Iterable[tuple[str, str | None]]) -> None:
        self._counts, self._sums = [0], [0]
        for key, version in sessions:
            self._counts.append(self._counts[-1] + (version is not None))
            self._sums.append(self._sums[-1] + (element(key, version) if version is not None else 0))

    def window(self, first: int, last: int) -> Digest:
        """Of the sessions at positions `first` to `last` (included, counted from the first one; what lies outside is not there)."""
        low, high = max(0, first), min(len(self._counts) - 1, last + 1)
        if high <= low:
            return 0, 0
        return self._counts[high] - self._counts[low], (self._sums[high] - self._sums[low]) % MODULUS
