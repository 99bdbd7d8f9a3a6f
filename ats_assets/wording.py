"""How messages are worded."""

__all__ = ["how_many"]


def how_many(n: int, what: str, plural: str | None = None) -> str:
    """How many of something, in the singular where it is one.

    Examples
    --------
    >>> how_many(1, "session"), how_many(2, "session"), how_many(1500, "row"), how_many(0, "index", "indices")
    ('1 session', '2 sessions', '1,500 rows', '0 indices')
    """
    return f"{n:,} {what if n == 1 else plural or what + 's'}"
