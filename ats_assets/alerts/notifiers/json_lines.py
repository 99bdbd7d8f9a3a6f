"""A file of JSON lines, one for each alert, for what reads files: a log collector, `jq`, `tail -f`."""

import json
import os
from pathlib import Path

from pydantic import Field

from ats_assets.alerts.notifier import Message
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class JsonLinesSettings(Section):
    """Which file."""

    path: Path = Field(default=Path("alerts.jsonl"), description="relative to storage.data")


class JsonLines:
    """Appends a line to a file, which may be rotated or removed at any time.

    Parameters
    ----------
    data
        The folder that a relative path is in.
    """

    secrets: tuple[str, ...] = ()

    def __init__(self, own: JsonLinesSettings, _route: str, data: Path) -> None:
        self._path = data / own.path.expanduser()

    def deliver(self, message: Message) -> str | None:
        """Append the message in one write, so that lines of several processes do not mix, and sync it."""
        told = {"at": message.at.isoformat(), "severity": str(message.severity), "title": message.title, "text": message.text}
        line = (json.dumps(told, ensure_ascii=False) + "\n").encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                written = os.write(file, line)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            return f"{self._path} can't be written ({error.strerror}): correct its path, or make room"
        return None if written == len(line) else f"{self._path} took {written} of {len(line)} bytes: make room"


PLUGIN = Plugin(settings=JsonLinesSettings, make=JsonLines)
