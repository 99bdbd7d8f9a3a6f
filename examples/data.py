"""Your own data: a file as a web site writes it, what is quarantined and why, and a correction that changes no past partition.

    python examples/data.py [--folder FOLDER]

1. `ats sources inspect` says how a file is read before anything is stored.
2. Rows that break the contract of bars are quarantined with their reasons; the good rows beside them go through.
3. A corrected file becomes a new vintage of the raw bars. What was made from the first one stays as it was known then.
"""

import os
from pathlib import Path

import polars as pl
from small_deployment import ats, deployment, use_folder

FILE = """\
Date;Ticker;Open;High;Low;Close;Volume
04.01.2021;ABC;10,00;10,40;9,90;10,20;120.000
05.01.2021;ABC;10,20;10,10;10,00;10,30;110.000
06.01.2021;ABC;10,30;10,60;10,25;10,50;130.000
04.01.2021;XYZ;50,00;51,00;49,50;50,50;80.000
05.01.2021;XYZ;50,50;52,00;50,25;51,75;-5
06.01.2021;XYZ;51,75;52,50;51,00;52,25;90.000
"""
"""With a semicolon, commas in numbers, days first; a high below the close and a negative volume in it."""


def main(arguments: list[str] | None = None) -> None:
    """Inspect, run, look at what was quarantined; correct the file and look at what becomes of it."""
    folder = use_folder("data", __doc__, arguments)
    file = folder / "prices.csv"
    os.environ |= {"ATS_SOURCE__KIND": "files", "ATS_SOURCE__PATH": str(file), "ATS_BARS__MAX_REJECTED_SHARE": "1.0"}
    try:
        show(file)
    finally:
        for name in ("ATS_SOURCE__KIND", "ATS_SOURCE__PATH", "ATS_BARS__MAX_REJECTED_SHARE"):
            del os.environ[name]


def show(file: Path) -> None:
    """The three points, in their order."""
    file.write_text(FILE, encoding="utf-8")
    ats("sources", "inspect", str(file), "--rows", "2")
    ats("run", "--select", "+universe")
    ats("sql", "SELECT session, symbol, reasons FROM rejected_bars ORDER BY session, symbol")

    file.write_text(FILE.replace("130.000", "135.000"), encoding="utf-8")
    ats("run", "--select", "+bars")
    market = deployment()
    last = market.valid_sessions("bars")[-1]
    known = market.warehouse.read("bars", [last]).filter(pl.col("symbol") == "ABC")["volume"][0]
    print(
        f"\nThe volume of {last} was corrected from 130,000 to 135,000 later: bars of that session still have {known:,.0f}, what was known at its close."
    )
    ats("restatements")


if __name__ == "__main__":
    main()
