"""What steps write to Dagster's log, as records of this package, too: `context.log` knows no handler of Python's logging, so such a line was in Dagster's database alone."""

import functools
import logging

from dagster._core.instance.types import _EventListenerLogHandler
from dagster._core.log_manager import get_log_record_metadata

from ats_assets.orchestration.step_fields import STEPS


@functools.cache
def repeat_lines_of_steps() -> None:
    """From now on, in this process, each line that a step writes goes to the logger `STEPS` as well; Dagster's own events don't."""
    store = _EventListenerLogHandler.emit

    def emit(self: _EventListenerLogHandler, record: logging.LogRecord) -> None:
        store(self, record)
        told = get_log_record_metadata(record)
        if told["dagster_event"] is None and told["step_key"]:
            logging.getLogger(STEPS).log(record.levelno, "%s", told["orig_message"], exc_info=record.exc_info)

    _EventListenerLogHandler.emit = emit
