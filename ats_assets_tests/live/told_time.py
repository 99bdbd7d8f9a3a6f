"""The command line in a process whose machine's clock says what is in a file: `python -m ats_assets_tests.live.told_time FILE trade live …`.

Only the clock is another one. Whoever writes the file moves the day on, so that a session lasts as long as a test does.
"""

import sys
from datetime import datetime
from pathlib import Path

from ats_assets.execution.clock import SystemClock


def tell(file: Path, at: datetime) -> None:
    """Set the clock, in one move: it is never seen half written."""
    new = file.with_suffix(".new")
    new.write_text(at.isoformat(), encoding="utf-8")
    new.replace(file)


if __name__ == "__main__":
    told = Path(sys.argv.pop(1))
    SystemClock.now = lambda _self: datetime.fromisoformat(told.read_text(encoding="utf-8"))
    from ats_assets.cli import main

    main()
