"""A line of what `ats doctor` finds."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ats_assets.runs.library_diagnosis import SET_UP_AGAIN

CORRECT_OR_REPORT = (
    "correct that file if it is yours; if neither it nor the other findings explain it, it is a fault of this program: report it"
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's."""

    subject: str
    status: Literal["ok", "warn", "fail"]
    text: str
    advice: str = ""


def guarded(subject: str, find: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a part of the diagnosis finds; an error that it does not foresee is one more finding, and the other parts are looked at all the same.

    Examples
    --------
    >>> [finding.status for finding in guarded("Python", lambda: [Finding(subject="Python", status="ok", text="3.11")])]
    ['ok']
    >>> (found,) = guarded("source", lambda: [][0])
    >>> found.status, found.text.partition(" (")[0]
    ('fail', 'IndexError: list index out of range')
    """
    try:
        yield from find()
    except Exception as error:  # noqa: BLE001 - it is asked of broken installations: whatever is wrong is what there is to tell
        yield Finding(
            subject=subject,
            status="fail",
            text=_told(error),
            advice=SET_UP_AGAIN if isinstance(error, ImportError) else CORRECT_OR_REPORT,
        )


def _told(error: Exception) -> str:
    """What the error says, and where it was raised: of a file that can't be compiled, there."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error).strip() or 'no message'} ({where.filename}, line {where.lineno})"
