"""Log records as JSON, with the run, asset, session and experiment that they are of; and a file a run, kept beside it.

What a step logs is written twice: to standard error as ever, and to `records.jsonl` in the run's folder of `compute_logs` (`dagster.yaml`), beside the step's standard output, an object
a line. A record has no secret in it: it is redacted where it is made (`secrecy`), and once more where it is written.
"""

import contextlib
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from typing_extensions import override

from ats_assets.errors import AtsError
from ats_assets.orchestration.dagster_home import INSTANCE_FILE, dagster_home
from ats_assets.orchestration.step_fields import STEPS, step_fields
from ats_assets.secrecy import redacted
from ats_assets.settings import LoggingSettings

FIELDS = ("run", "asset", "session", "experiment")
RECORDS_FILE = "records.jsonl"
PACKAGE = "ats_assets"
DAY = 86_400.0
_given: ContextVar[Mapping[str, str] | None] = ContextVar("log_fields", default=None)


@contextlib.contextmanager
def log_fields(**fields: str) -> Iterator[None]:
    """Give what is logged inside the block these fields, of `FIELDS`.

    Raises
    ------
    ValueError
        If there is no such field.
    """
    if strangers := set(fields) - set(FIELDS):
        raise ValueError(f"a record has no field {min(strangers)!r}: choose of {', '.join(FIELDS)}")
    token = _given.set({**(_given.get() or {}), **fields})
    try:
        yield
    finally:
        _given.reset(token)


def fields_of_record() -> dict[str, str]:
    """The fields of what is logged now, by this thread."""
    return {**step_fields(), **(_given.get() or {})}


class JsonRecords(logging.Formatter):
    """A record as an object on one line: at, level, logger, message, its fields, process, and traceback where there is one."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
            **fields_of_record(),
            "process": record.process,
        }
        if record.exc_info or record.exc_text:
            told["traceback"] = redacted(record.exc_text or self.formatException(record.exc_info))  # pyright: ignore[reportArgumentType]
        return json.dumps(told, ensure_ascii=False, default=str)


class ToStderr(logging.Handler):
    """Writes to what standard error is at the time.

    Parameters
    ----------
    last_resort
        Only where nobody else shows records: a command that has a form of its own, as the service has, shows them once.
    """

    def __init__(self, level: int, *, last_resort: bool) -> None:
        super().__init__(level)
        self._last_resort = last_resort

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if self._last_resort and logging.getLogger().handlers:
            return
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as all handlers
            self.handleError(record)


class RunFiles(logging.Handler):
    """Appends the records of a run to its file; those of no run are not its affair. What can't be written is not: no run fails for its log.

    Parameters
    ----------
    keep_days
        Files of older runs are deleted when a new one is begun.
    """

    def __init__(self, keep_days: int) -> None:
        super().__init__()
        self._keep_days = keep_days
        self._run, self._file = "", None
        self.setFormatter(JsonRecords())

    @override
    def emit(self, record: logging.LogRecord) -> None:
        run = fields_of_record().get("run")
        if run is None:
            return
        with contextlib.suppress(OSError, ValueError, AtsError):
            file = self._of(run)
            file.write(self.format(record) + "\n")
            file.flush()

    @override
    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._run, self._file = "", None
        super().close()

    def _of(self, run: str) -> TextIO:
        if self._file is None or self._run != run:
            if self._file is not None:
                self._file.close()
            folder = run_log_folder(dagster_home()) / run
            folder.mkdir(parents=True, exist_ok=True)
            _forget(folder.parent, self._keep_days)
            self._run, self._file = run, (folder / RECORDS_FILE).open("a", encoding="utf-8")
        return self._file


def run_log_folder(home: Path) -> Path:
    """Where Dagster keeps the standard output of steps, a folder a run: `compute_logs` of `dagster.yaml`."""
    import yaml  # noqa: PLC0415 - who runs nothing has no need of it

    file = home / INSTANCE_FILE
    told = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    of_logs = (told or {}).get("compute_logs") or {}
    folder = (of_logs.get("config") or {}).get("base_dir")
    return Path(home, folder if isinstance(folder, str) else "storage").expanduser()


def _forget(folder: Path, days: int) -> None:
    oldest = time.time() - days * DAY
    for file in folder.glob(f"*/{RECORDS_FILE}"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()


@contextlib.contextmanager
def logs_configured(settings: LoggingSettings) -> Iterator[None]:
    """Log as the settings say, as long as the block lasts."""
    undo = configure_logs(settings)
    try:
        yield
    finally:
        undo()


def configure_logs(settings: LoggingSettings) -> "Undo":
    """From now on, log as the settings say; call what is returned to take it back. As text, warnings and worse come as they do without: their message alone."""
    package, root = logging.getLogger(PACKAGE), logging.getLogger()
    level = getattr(logging, settings.level.upper())
    as_json = settings.form == "json"
    shown = ToStderr(level if as_json else logging.WARNING, last_resort=not as_json)
    shown.setFormatter(JsonRecords() if as_json else None)
    if not as_json:
        shown.addFilter(lambda record: record.name != STEPS)  # Dagster shows them
    added: list[tuple[logging.Logger, logging.Handler]] = [(root if as_json else package, shown)]
    if settings.keep_runs:
        kept = RunFiles(settings.keep_days)
        kept.setLevel(level)
        added.append((package, kept))
    return Undo(added, package, level)


class Undo:
    """Handlers that were added, and the level that was set; calling it takes them back."""

    def __init__(self, added: list[tuple[logging.Logger, logging.Handler]], package: logging.Logger, level: int) -> None:
        self._added, self._package, self._before = added, package, package.level
        for logger, handler in added:
            logger.addHandler(handler)
        package.setLevel(level)

    def __call__(self) -> None:
        """Take them back."""
        for logger, handler in self._added:
            logger.removeHandler(handler)
            handler.close()
        self._package.setLevel(self._before)
