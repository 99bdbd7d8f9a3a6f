"""The settings file of a new deployment, with a remark beside each value."""

from collections.abc import Iterator

from ats_assets.runs.new_deployment.wishes import Wishes
from ats_assets.settings import CalendarSettings, SyntheticSettings
from ats_assets.settings.toml_text import toml_value

_HEAD = """\
# Settings of this deployment. What is not here has its default: `ats config show` lists every value with where it comes from.
# ATS_SECTION__FIELD=value in the environment overrides any of them. Secrets are not for this file: see .env.example.
"""
_ABOUT = {
    "synthetic": "a simulated market with a planted edge, to try things out: no keys, no network",
    "files": "a file or folder of daily bars; `ats sources inspect PATH` shows how it is read",
    "alpaca": "keys in .env; coins need none",
    "massive": "formerly Polygon.io; the key in .env",
    "ccxt": "an exchange's public data: no keys; needs ats-assets[ccxt]",
    "coingecko": "averages over exchanges, to compare with; the key in .env",
}
_FEW_SYMBOLS = 100
"""Up to so many, one defective row is more than the default share of a session."""


def settings_text(wishes: Wishes) -> str:
    """The text of `ats.toml`."""
    blocks = (_calendar(wishes), _source(wishes), _bars(wishes), _trading_of_coins(wishes), _models(wishes), _orders(wishes))
    return "\n".join([_HEAD, *("\n".join([*block, ""]) for block in map(list, blocks) if block)])


def _calendar(wishes: Wishes) -> Iterator[str]:
    yield "[calendar]"
    yield f"exchange = {toml_value(wishes.exchange_calendar)}   # whose sessions are partitions, by its name in exchange_calendars"
    if wishes.calendar_start != CalendarSettings().first_session:
        yield f"first_session = {wishes.calendar_start}   # nothing earlier can be stored"


def _source(wishes: Wishes) -> Iterator[str]:
    yield "[source]"
    yield f"kind = {toml_value(wishes.source)}   # {_ABOUT[wishes.source]}"
    if wishes.path is not None:
        yield f"path = {toml_value(str(wishes.path.absolute()))}"
        return
    yield ""
    yield f"[source.{wishes.source}]"
    if wishes.source == "synthetic":
        default = SyntheticSettings()
        yield f"symbols = {wishes.symbols[0] if wishes.symbols else default.symbols}   # how many there are"
        yield f"first_session = {wishes.first or default.first_session}"
        yield f"last_session = {default.last_session}   # a later one adds sessions and changes none"
        yield f"planted_ic = {default.planted_ic}   # the strength of the edge; 0 plants none"
        return
    if wishes.source == "ccxt":
        yield f"exchange = {toml_value(wishes.exchange)}   # by ccxt's name"
    if wishes.source == "alpaca" and wishes.is_crypto:
        yield 'asset_class = "crypto"'
    if wishes.symbols:
        yield f"symbols = {toml_value(list(wishes.symbols))}"
    else:
        yield '# symbols = ["AAPL", "MSFT"]   # default: all that there are, delisted ones included'
    if wishes.first:
        yield f"first_session = {wishes.first}   # history begins here"


def _bars(wishes: Wishes) -> Iterator[str]:
    if wishes.source == "synthetic" or (wishes.symbols and len(wishes.symbols) < _FEW_SYMBOLS):
        yield "[bars]"
        few = 1.5 / len(wishes.symbols) if wishes.source != "synthetic" else 1.5 / int(wishes.symbols[0]) if wishes.symbols else 0.0
        share = min(max(0.05, round(few, 2)), 0.5)
        yield f"max_rejected_share = {share}   # of a session's rows; one of few symbols is much of it (default: 0.01)"


def _trading_of_coins(wishes: Wishes) -> Iterator[str]:
    if wishes.is_crypto:
        yield "[universe]"
        yield "min_price = 0.0   # some coins cost a hundred-thousandth of a dollar"
        yield ""
        yield "[backtest]"
        yield "fractional_shares = true"
        yield "commission_bps = 25.0   # what takers pay at many exchanges; look yours up"


def _models(wishes: Wishes) -> Iterator[str]:
    for name in wishes.models:
        yield f"[models.{name}]   # its own settings, such as `seed`; docs/models.md has them all"
        yield ""
    yield "[mlflow]"
    yield "enabled = true   # each fit is logged to data/mlflow.db"


def _orders(wishes: Wishes) -> Iterator[str]:
    yield "[orders]"
    yield 'broker = "paper"   # embedded: no keys, no money; "alpaca": its paper account (docs/orders.md)'
    yield f"enabled = {toml_value(wishes.orders)}   # whether the sensor sends orders after each session; `ats trade` does so when you call it"
