"""`ats init`: a new deployment folder, from five questions or from options."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ats_assets.runs.new_deployment import Wishes

_ABOUT_SYMBOLS = {
    "synthetic": "how many; empty: 60",
    "ccxt": "such as BTC/USDT,ETH/USDT",
    "coingecko": "such as BTC/USD,ETH/USD",
}
_SYMBOLS_OF_STOCKS = "such as AAPL,MSFT; empty: all that there are"


def init(  # noqa: PLR0917 - typer calls it by name
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="The folder to make. Default: this one.")] = Path(),
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where bars come from: synthetic, files, alpaca, massive, ccxt or coingecko.")
    ] = None,
    path: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A file or folder of daily bars, for the source files; it is read at once.")
    ] = None,
    symbols: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Which symbols, such as AAPL,MSFT. Default: all. Of the synthetic market: how many."),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Where history begins. Default: where the source's does.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A model, such as lightgbm. Repeatable.")] = None,
    orders: Annotated[
        bool | None, typer.Option("--orders/--no-orders", help="Whether orders are sent, to the embedded paper broker. Default: no.")
    ] = None,
    exchange: Annotated[str, typer.Option(metavar="NAME", help="Of the source ccxt: the exchange, such as kraken.")] = "binance",
    calendar: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose sessions count, such as XLON or 24/7. Default: XNYS; 24/7 for coins.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: what no option says is its default.")] = False,
) -> None:
    """Make a folder for a new deployment: settings, Dagster's files, names of secrets. Asks five questions on a terminal, unless options answer them."""
    from ats_assets.runs.new_deployment import make_folder  # noqa: PLC0415 - --help needs none of these
    from ats_assets.runs.writing import parse_day, say  # noqa: PLC0415

    parse_day(first, "--from")
    given = _Given(source=source, path=path, symbols=symbols, first=first, models=model, orders=orders)
    wishes = _wishes(given, asks=sys.stdin.isatty() and not yes, exchange=exchange, calendar=calendar)
    for file in make_folder(folder, wishes):
        say(f"wrote {file}")
    say(f"\nNext, in {folder.absolute()}:  ats doctor,  ats run,  ats signals   (README.md there says more)")
    if named := os.environ.get("ATS_SETTINGS"):
        say(f"ATS_SETTINGS names {named}, which every command takes instead: unset it, or set it to {folder.absolute() / 'ats.toml'}")


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What options say; None: nothing."""

    source: str | None
    path: Path | None
    symbols: str | None
    first: str | None
    models: list[str] | None
    orders: bool | None


def _wishes(given: _Given, *, asks: bool, exchange: str, calendar: str | None) -> "Wishes":
    """What is wanted: by options, else by questions, else by defaults."""
    from ats_assets.runs.new_deployment import SOURCE_NAMES, Wishes  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415

    def answer(question: str, default: str) -> str:
        return typer.prompt(question, default=default, show_default=bool(default), err=True).strip() if asks else default

    source = given.source or ("files" if given.path else answer(f"1. Where do bars come from? {', '.join(SOURCE_NAMES)}", "synthetic"))
    path = given.path
    if source == "files":
        if path is None and asks:
            path = Path(answer("   Which file or folder?", "bars.parquet"))
        if path is not None:
            _show_what_is_read(path, calendar)
    symbols = given.symbols
    if symbols is None:
        symbols = "" if source == "files" else answer(f"2. Which symbols? {_ABOUT_SYMBOLS.get(source, _SYMBOLS_OF_STOCKS)}", "")
    first = given.first or answer("3. Where does history begin? YYYY-MM-DD; empty: where the source's does", "")
    models = given.models or answer("4. Which models? Several with commas; docs/models.md has them all", "lightgbm").split(",")
    orders = given.orders
    if orders is None:
        orders = answer("5. Are orders to be sent after each session, to the embedded paper broker? yes or no", "no").lower() in {
            "y",
            "yes",
        }
    return Wishes(
        source=source,
        path=path,
        symbols=_listed(symbols),
        first=parse_day(first or None, "--from"),
        models=_listed(",".join(models)),
        orders=orders,
        exchange=exchange,
        calendar=calendar,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _show_what_is_read(path: Path, calendar: str | None) -> None:
    """How the files are read: what can't be is told before anything else is asked."""
    from ats_assets.runs.new_deployment import inspected_files  # noqa: PLC0415
    from ats_assets.runs.writing import say  # noqa: PLC0415

    for line in inspected_files(path, calendar).describe().splitlines():
        say(f"   {line}")
