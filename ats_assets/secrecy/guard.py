"""Where texts leave the process: log records, databases, standard output and error. What passes there is redacted, whoever wrote it.

Dagster's events, run tags and ticks, MLflow's records and the trade state all go through SQLAlchemy, so one listener on it sees them all.
"""

import functools
import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from ats_assets.secrecy.redaction import Redactor, current_redactor, redacted
from ats_assets.secrecy.secrets_file import read_secrets_file


def guard_secrets(folder: Path) -> None:
    """To be called by every entry point before it works: read `.env` in `folder`, then guard what this process writes. Calling it again is harmless.

    Raises
    ------
    SettingsError
        If `.env` can't be used.
    """
    try:
        read_secrets_file(folder)
    finally:
        _guard_process()


@functools.cache
def _guard_process() -> None:
    logging.setLogRecordFactory(redacting_factory(logging.getLogRecordFactory()))
    _guard_databases()
    sys.stdout, sys.stderr = RedactingStream(sys.stdout), RedactingStream(sys.stderr)  # pyright: ignore[reportAttributeAccessIssue]


def redacting_factory(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """A factory of log records whose message, arguments and traceback hold no secret."""

    def record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made = make(*args, **kwargs)
        redactor = current_redactor()
        _redact_message(made, redactor)
        if made.exc_info and made.exc_info[1] is not None:
            made.exc_text = redactor("".join(traceback.format_exception(*made.exc_info)).rstrip("\n"))
        if made.stack_info:
            made.stack_info = redactor(made.stack_info)
        return made

    return record


def _redact_message(record: logging.LogRecord, redactor: Redactor) -> None:
    """Redact the whole message where it needs it: a secret may be in the arguments, or be put together of both."""
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # wrong arguments: logging itself reports these, with the message as it was handed over
        record.msg, record.args = redactor(f"{record.msg!s} {record.args!r}"), None
        return
    shown = redactor(message)
    if shown != message:
        record.msg, record.args = shown, None


def _guard_databases() -> None:
    from sqlalchemy import Engine, event  # noqa: PLC0415 - half a second, which commands without a database don't need

    @event.listens_for(Engine, "before_cursor_execute", retval=True)
    def _redact_parameters(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> tuple[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return statement, _redact(parameters, current_redactor())


def _redact(value: Any, redactor: Redactor) -> Any:
    """The same, with every string in it redacted; the very same object where none needs it."""
    if isinstance(value, str):
        return redactor(value)
    if isinstance(value, Mapping):
        changed = {key: _redact(one, redactor) for key, one in value.items()}
        return changed if any(changed[key] is not value[key] for key in changed) else value
    if isinstance(value, tuple | list):
        items: Sequence[Any] = value
        redone = [_redact(one, redactor) for one in items]
        return type(value)(redone) if any(new is not old for new, old in zip(redone, items, strict=True)) else value
    return value


class RedactingStream:
    """A text stream that hides secrets in each text that is written; all else is the stream's own.

    Parameters
    ----------
    stream
        Standard output or error.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text without secrets; its own length, as a writer expects."""
        self._stream.write(redacted(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
