"""What a reader of files decided of its own accord, and the setting that decides it otherwise."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReaderChoice:
    """One decision about a file.

    Attributes
    ----------
    taken
        What was decided, and why: "dates: month first (04/13/2021)".
    setting
        What would change it.
    is_doubtful
        Whether a person should look: it may be wrong.
    """

    taken: str
    setting: str
    is_doubtful: bool = False

    def __str__(self) -> str:
        """As people read it."""
        return f"{'warning: ' if self.is_doubtful else ''}{self.taken}; to change it: {self.setting}"
