"""A line of what `ats doctor` finds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's."""

    subject: str
    status: Literal["ok", "warn", "fail"]
    text: str
    advice: str = ""
