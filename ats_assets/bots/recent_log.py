"""The newest lines of this process's log, for `/logs`; redacted when they are written down."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ats_assets.secrecy import redacted

_LINES: deque[str] = deque(maxlen=200)


class RecentLog(logging.Handler):
    """Keeps the newest lines; of a traceback the kind of error alone."""

    @classmethod
    @contextmanager
    def kept(cls) -> Iterator[None]:
        """Keep what is logged inside the block, from INFO on."""
        handler, root = cls(logging.INFO), logging.getLogger()
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        fault = f" ({type(record.exc_info[1]).__name__})" if record.exc_info and record.exc_info[1] else ""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%m-%d %H:%M:%S")
        _LINES.append(redacted(f"{at} {record.levelname} {record.name.rpartition('.')[2]}: {record.getMessage()}{fault}")[:400])


def recent_lines(most: int) -> list[str]:
    """The newest lines, the newest last."""
    return list(_LINES)[-most:]
