"""Where texts leave the process: log records, standard output and error. What passes there is redacted, whoever wrote it.

What goes to a database is redacted where it is known to be a text: by the types of the trade state's columns (`FreeText`), in the texts of Dagster's documents
(`event_documents.py`), by whoever sends an alert or tells MLflow of an error. Statements and their parameters are left alone: a key, an id, a date or a number that
is changed on its way is another one.
"""

import functools
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
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
