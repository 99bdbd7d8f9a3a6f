"""All settings of the system: frozen, typed, with units in their names.

They come from `ats.toml` (or the file that the environment variable ATS_SETTINGS names), each value overridable by
`ATS_SECTION__FIELD` (nested: `ATS_SOURCE__SYNTHETIC__SEED=7`). An unknown key is an error. Nothing is read at import: an entry point calls
`load_settings` once and hands the sections on.
"""

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ats_assets.errors import SettingsError
from ats_assets.secrecy import hold_secret, redacted
from ats_assets.settings.trading_year import sessions_per_year

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[int, Field(ge=0)]
Adjust = Literal["none", "splits", "splits_and_dividends"]
Refit = Literal["session", "weekly", "monthly", "quarterly"]
LONGEST_PERIOD: dict[Refit, tuple[int, int]] = {"session": (1, 1), "weekly": (6, 7), "monthly": (23, 31), "quarterly": (66, 92)}
"""Sessions from one refit to the next, at most: of an exchange that closes at weekends, and of one that never does."""
ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Bps = Annotated[float, Field(ge=0.0, le=10_000.0)]


class Section(BaseModel):
    """A frozen section of the settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CalendarSettings(Section):
    """Which sessions exist."""

    exchange: str = Field(default="XNYS", description="exchange_calendars name: XNYS, XLON, 24/7, …")
    first_session: date = Field(default=date(2010, 1, 1), description="the partition set starts here; no earlier data can be stored")
    closed: tuple[date, ...] = Field(
        default=(), description="days on which the exchange was closed although exchange_calendars has a session: a day of mourning"
    )

    def without_closings(self) -> "CalendarSettings":
        """What partitions depend on whatever lies in their windows: a closing matters only to those that it lies in."""
        return self.model_copy(update={"closed": ()})


class StorageSettings(Section):
    """Where the artefacts lie. Relative paths are relative to the folder of the settings file.

    Unless they are set, the warehouse and the models lie in a folder of the source's kind (`warehouse/synthetic`), so that a trial on the synthetic
    market and real data never make one history. With `graph.prefix` all three lie in a folder of that name: `warehouse/crypto/alpaca`, `data/crypto`.
    """

    warehouse: Path = Field(default=Path("warehouse"), description="default: warehouse/<source.kind>")
    models: Path = Field(default=Path("models"), description="default: models/<source.kind>")
    data: Path = Field(default=Path("data"), description="instance, MLflow, reports, Data Docs")
    compression_level: int = Field(default=1, ge=1, le=22, description="of zstd")
    fsync: bool = Field(default=True, description="off only where a lost power supply may cost the newest files")


class SyntheticSettings(Section):
    """The synthetic market; its formula is in `ats_assets/sources/adapters/synthetic/source.py`."""

    seed: int = 7
    symbols: Positive = 60
    first_session: date = Field(default=date(2021, 1, 4), description="of the simulated market; one that is no session means the next")
    last_session: date = Field(
        default=date(2023, 12, 29), description="of the simulated market; a later one adds sessions and changes none"
    )
    planted_ic: float = Field(
        default=0.05, ge=0.0, le=0.5, description="correlation of the planted signal with the next session's idiosyncratic return"
    )
    splits_per_year: float = Field(
        default=0.02, ge=0.0, le=10.0, description="for each symbol; prices are as traded, so a split looks like a return"
    )
    halts_per_year: float = Field(
        default=0.5, ge=0.0, le=50.0, description="for each symbol; a halt lasts one to five sessions, without bars"
    )
    defective_share: Share = Field(default=0.001, description="of the rows, that the contract of bars must reject")


class FilesSettings(Section):
    """A Parquet or CSV file or folder of daily bars."""

    path: Path | None = None
    columns: dict[str, str] = Field(default_factory=dict, description="canonical name -> name in the file, where recognition by name fails")
    timezone: str | None = Field(default=None, description="of naive timestamps; default: the exchange's")
    stamp: Literal["open", "close"] = Field(default="open", description="a timestamp is the bar's open or its close")
    adjusted: bool = Field(
        default=False, description="scale open, high, low, close and vwap by adj_close / close, and volume by its inverse"
    )
    symbol: str | None = Field(default=None, description="the symbol of a single file without a symbol column; default: the file's stem")
    where: dict[str, str] = Field(default_factory=dict, description="column -> value: only these rows are read, such as res = daily")
    actions: Path | None = Field(
        default=None, description="a file or folder of corporate actions, or of factor files (docs/data.md); relative to the current folder"
    )
    vintage: date | None = Field(
        default=None, description="the day on which these data were known; default: vintage=YYYY-MM-DD in the path"
    )


class AlpacaSourceSettings(Section):
    """Daily bars from Alpaca. The connection itself is in the section `alpaca`."""

    asset_class: Literal["us_equity", "crypto"] = Field(default="us_equity", description="crypto needs no keys")
    symbols: tuple[str, ...] = Field(
        default=(), description="AAPL, or BTC/USD for crypto; default: every listed asset, delisted ones included, which needs keys"
    )
    first_session: date = Field(default=date(2016, 1, 1), description="history starts here; Alpaca has stock bars from 2016 on")
    feed: Literal["iex", "sip", "delayed_sip"] = Field(default="iex", description="sip needs a paid subscription for the newest 15 minutes")
    actions_before_days: NonNegative = Field(
        default=30,
        description="corporate actions are asked for by process date: from so many days before an ex-date, since a name may change first",
    )
    actions_after_days: NonNegative = Field(
        default=120, description="and to so many days after it, since a dividend is processed when it is paid"
    )
    collect: tuple[Literal["minute_bars", "trades", "quotes", "snapshots", "option_chains"], ...] = Field(
        default=(), description="assets beside the daily bars, of the same symbols, which must be named"
    )
    option_underlyings: tuple[str, ...] = Field(default=(), description="whose option chains are collected")
    option_feed: Literal["indicative", "opra"] = Field(default="indicative", description="opra needs a paid subscription")


class SourceSettings(Section):
    """Where bars come from."""

    kind: Literal["synthetic", "files", "alpaca"] = "synthetic"
    path: Path | None = Field(default=None, description="short for files.path")
    actions_again_sessions: NonNegative = Field(
        default=10,
        description="with a new session, the corporate actions of so many before it are asked for again: some are announced late",
    )
    synthetic: SyntheticSettings = SyntheticSettings()
    files: FilesSettings = FilesSettings()
    alpaca: AlpacaSourceSettings = AlpacaSourceSettings()

    @property
    def tells_name_changes(self) -> bool:
        """Whether a change of name can be among its corporate actions."""
        if self.kind == "files":
            return self.files.actions is not None
        return self.kind == "alpaca" and self.alpaca.asset_class == "us_equity"


class AlpacaSettings(Section):
    """How Alpaca is reached. The keys come from the environment only: APCA_API_KEY_ID and APCA_API_SECRET_KEY."""

    account: Literal["paper", "live"] = Field(default="paper", description="live trades real money, and only where orders.live says so too")
    data_url: str | None = Field(default=None, description="another server than Alpaca's, on this machine only: http://127.0.0.1:8080")
    trading_url: str | None = Field(default=None, description="likewise")
    stream_url: str | None = Field(default=None, description="likewise: ws://127.0.0.1:8081")
    timeout_seconds: float = Field(default=30.0, gt=0, le=600, description="of one request")
    max_attempts: Positive = Field(
        default=6, description="of a request that changes nothing; an order is never sent again without asking for it first"
    )
    max_wait_seconds: float = Field(default=120.0, gt=0, description="between two attempts, whatever Retry-After says")

    @model_validator(mode="after")
    def _other_servers_are_local(self) -> "AlpacaSettings":
        for name in ("data_url", "trading_url", "stream_url"):
            url = getattr(self, name)
            if url and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
                raise ValueError(f"{name} is {url}: only a server on this machine may stand in for Alpaca's; unset it to reach Alpaca")
        return self


class SuspicionSettings(Section):
    """Thresholds of the rules that warn about accepted bars; each rule is documented in `ats_assets/bars/suspicion_rules.py`."""

    lookback_sessions: Positive = 21
    split_tolerance: Share = Field(
        default=0.05, description="relative distance of previous close/open from a simple ratio: the market moves too"
    )
    split_volume_factor: float = Field(
        default=4.0, ge=1, description="dollar volume within this factor of its median: a crash trades far more"
    )
    stale_sessions: Positive = Field(default=5, description="identical closes in a row")
    spike_sigmas: float = Field(default=8.0, gt=0, description="size of a move that reverts, in robust standard deviations")
    spike_reversal: Share = Field(default=0.8, description="share of the move that the next session takes back")
    twin_sessions: Positive = Field(default=15, description="sessions of equal closes that make two symbols twins")
    vwap_tolerance: Share = Field(default=0.001, description="relative distance of vwap beyond low or high")

    @model_validator(mode="after")
    def _fits_in_lookback(self) -> "SuspicionSettings":
        for name in ("stale_sessions", "twin_sessions"):
            if getattr(self, name) > self.lookback_sessions + 1:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, more than lookback_sessions + 1: raise lookback_sessions ({self.lookback_sessions})"
                )
        return self


class BarsSettings(Section):
    """Validation of bars."""

    max_rejected_share: Share = Field(default=0.01, description="a larger share of rejected rows blocks what comes after")
    min_present_share: Share = Field(default=0.9, description="of yesterday's symbols; fewer is a warning")
    max_late_sessions: NonNegative = Field(default=1, description="sessions after its close by which a partition must be there")
    profile: bool = Field(default=True, description="profile deliveries with Great Expectations and keep its Data Docs")
    suspicions: SuspicionSettings = SuspicionSettings()


class ActionsSettings(Section):
    """Corporate actions; the formula is in `ats_assets/corporate_actions/adjustment.py`."""

    adjust: Adjust = Field(
        default="splits_and_dividends",
        description="which actions scale earlier prices and volumes inside the windows of features and labels; splits_and_dividends: returns are what a holder earns",
    )


class KnowledgeSettings(Section):
    """Which version of a session is read where a vendor has delivered several; the rule is in `ats_assets/storage/knowledge.py`."""

    mode: Literal["point_in_time", "restated"] = Field(
        default="point_in_time",
        description="point_in_time: partition D reads what was known at the close of D; restated: the newest version, for research on corrected history",
    )
    grace_hours: float = Field(
        default=12.0, ge=0, le=240, description="after the close of D, for late deliveries; it ends at the next open at the latest"
    )


class UniverseSettings(Section):
    """Which symbols are tradable at a session, with that session's knowledge only."""

    size: Positive = 500
    min_price: float = Field(default=1.0, ge=0, description="in the currency of the quotes")
    min_history_sessions: Positive = 20
    lookback_sessions: Positive = 60
    focus: tuple[str, ...] = Field(default=(), description="symbols that are always members while they have a bar")


class ExpressionsSettings(Section):
    """How feature expressions are computed."""

    flat_windows: Literal["relative", "qlib"] = Field(
        default="relative",
        description="where correlation, R², skewness and kurtosis are missing because nothing moves: by the window's mean, or by qlib's absolute thresholds",
    )


class FeaturesSettings(Section):
    """Which feature families are assets: built-in ones by name, and each file of the folder."""

    families: tuple[str, ...] = Field(
        default=("alpha158",), description="built-in families: alpha158, alpha360, technical; those that a model uses are assets anyway"
    )
    folder: Path = Field(
        default=Path("features"), description="of one's own families, one TOML file each; relative to the folder of the settings file"
    )


class LabelsSettings(Section):
    """Forward returns."""

    horizons_sessions: tuple[Positive, ...] = (1, 5, 20)


class TrainingSettings(Section):
    """What all models share: what they learn from, over which window, and when they are fitted. What is a model's own is in `[models.<name>]`."""

    families: tuple[str, ...] = Field(default=("alpha158",), min_length=1, description="feature families to learn from, in this order")
    horizon_sessions: Positive = 5
    label: Literal["rank", "raw"] = Field(
        default="rank", description="the percentile of the return among the session's universe, or the return; lambdarank has grades"
    )
    train_sessions: Positive = Field(default=504, description="decision sessions in the training window")
    validation_sessions: Positive = Field(default=63, description="the newest part of the window, held out for early stopping")
    min_train_sessions: Positive = Field(default=126, description="fewer labelled sessions to train on, validation apart: no model")
    embargo_sessions: NonNegative = Field(default=5, description="sessions left out between training and validation, and before the fit")
    refit: Refit = Field(default="monthly", description="fitted at the first session of each month (week, quarter), or at every session")
    max_age_sessions: Positive = Field(default=63, description="an older model is refused")
    threads: Positive = Field(default=2, description="of a fit and of its predictions; the results are the same with any number")

    def of_results(self) -> "TrainingSettings":
        """What results depend on."""
        return self.model_copy(update={"threads": 1})


class ChampionSettings(Section):
    """Which of several models is traded; the rule is in `ats_assets/predictions/champion.py`."""

    rule: Literal["skill", "fixed"] = Field(
        default="skill", description="the best rank IC known at the last refit session, or the model named"
    )
    model: str | None = Field(
        default=None, description="with rule fixed, and while none is judged: the name of a model; default: the first"
    )
    lookback_sessions: Positive = Field(default=126, description="of known outcomes that models are compared over")
    min_judged_sessions: Positive = Field(default=42, description="fewer decisions than this: the model does not run")


class PluginsSettings(Section):
    """Additions of one's own: sources, models and so on (docs/add_your_own.md)."""

    folder: Path = Field(
        default=Path("plugins"), description="of a user's modules, such as learners/mine.py; relative to the folder of the settings file"
    )


class MlflowSettings(Section):
    """Experiment tracking."""

    enabled: bool = True
    tracking_uri: str | None = Field(default=None, description="default: sqlite in the data folder")
    experiment: str = "ats-assets"


class PortfolioSettings(Section):
    """Scores to target weights, and the limits on them. Weights are shares of equity."""

    method: Literal["top_k_long", "long_short_quantiles", "score_proportional"] = "top_k_long"
    top_k: Positive = 10
    quantile: float = Field(default=0.2, gt=0, le=0.5)
    max_weight: Share = 0.15
    max_gross: float = Field(default=1.0, ge=0, le=10)
    max_net: float = Field(default=1.0, ge=0, le=10)
    max_turnover: float = Field(default=0.5, gt=0, le=4, description="sum of |change of weight| a session")
    no_trade_band: Share = Field(
        default=0.02, description="a smaller change of weight is not traded, exits excepted; at most a quarter of the target counts"
    )


class MarginSettings(Section):
    """What borrowing shares and cash costs, and how much of it an account may bear; the rules are in `ats_assets/portfolio/margin.py`."""

    borrow_bps_a_year: float = Field(default=50.0, ge=0, description="of a short position's value, each calendar day on a year of 360")
    borrow_bps_by_symbol: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="symbol -> its own borrow_bps_a_year, for what is hard to borrow"
    )
    debit_bps_a_year: float = Field(default=800.0, ge=0, description="interest on cash below zero, which only short positions can cause")
    initial_share: float = Field(default=0.5, gt=0, le=1, description="equity over the sum of |value| that a position may be opened with")
    maintenance_share_long: Share = Field(
        default=0.25, description="of the longs' value; with less equity than both need, positions are cut"
    )
    maintenance_share_short: Share = Field(default=0.3, description="of the shorts' value")

    @model_validator(mode="after")
    def _cutting_helps(self) -> "MarginSettings":
        for name in ("maintenance_share_long", "maintenance_share_short"):
            if getattr(self, name) > self.initial_share:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, above initial_share ({self.initial_share}): a call could not be met by cutting"
                )
        return self


class BacktestSettings(Section):
    """Trading of signals at the next open."""

    initial_cash: float = Field(default=1_000_000.0, gt=0)
    commission_bps: Bps = 1.0
    spread_bps: Bps = Field(default=4.0, description="full spread; half of it is paid on each side")
    slippage_bps: Bps = 2.0
    min_commission: float = Field(default=0.0, ge=0, description="for each order, in currency")
    fractional_shares: bool = False
    max_missing_sessions: Positive = Field(
        default=10, description="a held symbol without a bar for longer is delisted: closed at its last close less the haircut"
    )
    delisting_haircut: Share = 0.0
    margin: MarginSettings = MarginSettings()
    benchmark: str | None = Field(
        default=None, description="symbol to compare with; default: all symbols that have a signal, equally weighted"
    )
    risk_free_rate: float = Field(default=0.0, description="a year")
    sessions_per_year: Positive = Field(
        default=252, description="that yearly figures are made with; default: what calendar.exchange has a year"
    )


class OrderLimitSettings(Section):
    """What no order may exceed, whatever the signals say. The backtest keeps to the same limits."""

    allow_short: bool = Field(default=False, description="sell more than is held")
    max_order_share: float = Field(default=0.25, gt=0, description="notional of one order, as a share of equity")
    max_day_share: float = Field(default=2.0, gt=0, description="notional of all orders of a session, as a share of equity")
    max_order_notional: float | None = Field(default=None, gt=0, description="in currency")
    max_day_notional: float | None = Field(default=None, gt=0, description="in currency")
    max_position_share: float = Field(default=0.3, gt=0, description="|value| of a position after the order, as a share of equity")
    max_gross_share: float = Field(default=2.0, gt=0, description="sum of |value| of all positions after the orders, as a share of equity")
    min_trade_notional: float = Field(default=1.0, ge=0, description="a smaller order is not sent, a position's exit excepted; in currency")


class OrdersSettings(Section):
    """From signals to orders."""

    broker: Literal["paper", "alpaca"] = Field(
        default="paper", description="paper: embedded, fills at the next open of the warehouse's bars"
    )
    live: bool = Field(default=False, description="true, and alpaca.account = live: orders cost real money")
    enabled: bool = Field(default=False, description="whether the sensor trades by itself")
    strategy: str = Field(default="main", pattern=r"^[a-z][a-z0-9_]{0,15}$", description="part of every client order id")
    kind: Literal["market_on_open", "limit", "bracket"] = "market_on_open"
    collar_bps: Bps = Field(default=500.0, description="distance of a limit or bracket order's limit price from the decision price")
    take_profit_bps: Bps = Field(default=1_000.0, description="of a bracket, from the decision price")
    stop_loss_bps: Bps = Field(default=500.0, description="of a bracket, from the decision price")
    cancel_exits_before_open: bool = Field(
        default=False,
        description="whether exits may be cancelled outside of market hours, so that a sale is in the opening auction; a cancel that stays pending then leaves the position without them from the open on",
    )
    limits: OrderLimitSettings = OrderLimitSettings()
    kill: bool = Field(default=False, description="stops all orders; the file kill_file does so too, within one order")
    kill_file: Path = Field(default=Path("KILL"), description="no order is sent while it exists; relative to storage.data")
    cash_tolerance: float = Field(default=0.01, ge=0, description="difference of cash that reconciliation passes over, in currency")
    rounding_limit: float = Field(
        default=5.0,
        ge=0,
        description="what the broker's roundings of fractional executions may add up to beside it, within a session and in all, in currency",
    )
    slippage_warning_bps: Bps = Field(default=50.0, description="mean slippage against the decision price that a check warns about")


class AlertsSettings(Section):
    """Who hears of what. The addresses are secrets: they come from environment variables, which these settings name."""

    routes: dict[str, Literal["info", "warning", "critical"]] = Field(
        default_factory=dict, description="name of an environment variable with an Apprise address -> the least severity that it gets"
    )
    repeat_after_seconds: Positive = Field(default=3600, description="the same alert is not sent again before")
    max_per_hour: Positive = Field(
        default=30, description="of each route; what is more is counted and told in one message; critical ones always go"
    )


class AutomationSettings(Section):
    """Sensors and schedules."""

    owner: str = Field(default="team:research", description="of every asset, in Dagster's form")
    retrain_at: str = Field(default="22:30", pattern=r"^\d\d:\d\d$", description="local time of the exchange")
    poll_seconds: Positive = 60
    ask_again_minutes: NonNegative = Field(
        default=240, description="a session that a server has delivered is asked for again after so long, for corrections. 0: never"
    )
    late_after_minutes: NonNegative = Field(
        default=300, description="after a session's close; then its missing bars are an alert, unless the source is synthetic. 0: never"
    )


class GraphSettings(Section):
    """How this graph is told from another one in the same Dagster instance."""

    prefix: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_]{0,31})?$",
        description="before the key of every asset, job, sensor and schedule; needed where one instance has several graphs",
    )


class Settings(BaseSettings):
    """Everything that can be set, by section."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="ATS_", env_nested_delimiter="__")

    graph: GraphSettings = GraphSettings()
    calendar: CalendarSettings = CalendarSettings()
    storage: StorageSettings = StorageSettings()
    source: SourceSettings = SourceSettings()
    bars: BarsSettings = BarsSettings()
    actions: ActionsSettings = ActionsSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    universe: UniverseSettings = UniverseSettings()
    expressions: ExpressionsSettings = ExpressionsSettings()
    features: FeaturesSettings = FeaturesSettings()
    labels: LabelsSettings = LabelsSettings()
    training: TrainingSettings = TrainingSettings()
    models: dict[ModelName, dict[str, Any]] = Field(
        default={"lightgbm": {}}, min_length=1, description="name -> the model's own settings; `kind` says which learner, default: the name"
    )
    mlflow: MlflowSettings = MlflowSettings()
    portfolio: PortfolioSettings = PortfolioSettings()
    champion: ChampionSettings = ChampionSettings()
    strategies: dict[ModelName, dict[str, Any]] = Field(
        default={"model_scores": {}},
        min_length=1,
        description="name -> the strategy's own settings; `kind` says which, default: the name",
    )
    backtest: BacktestSettings = BacktestSettings()
    alpaca: AlpacaSettings = AlpacaSettings()
    orders: OrdersSettings = OrdersSettings()
    alerts: AlertsSettings = AlertsSettings()
    plugins: PluginsSettings = PluginsSettings()
    automation: AutomationSettings = AutomationSettings()

    @model_validator(mode="before")
    @classmethod
    def _lightgbm_is_a_model(cls, values: Any) -> Any:
        if isinstance(values, dict) and "lightgbm" in values:
            raise ValueError(
                f"[lightgbm] is two sections now: [training] holds {', '.join(TrainingSettings.model_fields)}, which all models share, and "
                "[models.lightgbm] what is LightGBM's own, such as num_leaves"
            )
        return values

    @model_validator(mode="after")
    def _one_strategy_trades(self) -> "Settings":
        if len(self.strategies) > 1:
            raise ValueError(
                f"strategies has {len(self.strategies)} ({', '.join(self.strategies)}), and one can be traded: leave the others out"
            )
        return self

    @model_validator(mode="after")
    def _champion_is_a_model(self) -> "Settings":
        if self.champion.model is not None and self.champion.model not in self.models:
            raise ValueError(
                f"champion.model is {self.champion.model!r}, which is none of [models]: choose one of {', '.join(self.models)}"
            )
        return self

    @model_validator(mode="after")
    def _horizon_is_labelled(self) -> "Settings":
        if self.training.horizon_sessions not in self.labels.horizons_sessions:
            raise ValueError(
                f"training.horizon_sessions is {self.training.horizon_sessions}, but labels.horizons_sessions has only "
                f"{list(self.labels.horizons_sessions)}: add it there or choose one of them"
            )
        return self

    @model_validator(mode="after")
    def _a_year_is_the_calendars(self) -> "Settings":
        year = sessions_per_year(self.calendar.exchange)
        if year is not None and "sessions_per_year" not in self.backtest.model_fields_set:
            vars(self)["backtest"] = self.backtest.model_copy(update={"sessions_per_year": year})
        return self

    @model_validator(mode="after")
    def _a_model_lives_until_the_next(self) -> "Settings":
        weekly_closed, never_closed = LONGEST_PERIOD[self.training.refit]
        longest = never_closed if self.calendar.exchange == "24/7" else weekly_closed
        if self.training.max_age_sessions < longest:
            raise ValueError(
                f"training.max_age_sessions is {self.training.max_age_sessions}, but with training.refit = {self.training.refit!r} a model is in force for up to "
                f"{longest} sessions: set it to {longest} or more, or fit more often"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence: arguments, the environment, the settings file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=settings_file())


def settings_file() -> Path:
    """The settings file: what ATS_SETTINGS names, else `ats.toml` in the current folder or the project's."""
    named = os.environ.get("ATS_SETTINGS")
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd() / "ats.toml"
    return here if here.is_file() else Path(__file__).resolve().parents[2] / "ats.toml"


def load_settings(own_file: Path | None = None, **overrides: object) -> Settings:
    """Read the settings once, for an entry point.

    Parameters
    ----------
    own_file
        The settings file of another graph than the one that ATS_SETTINGS and `ATS_SECTION__FIELD` are about: it alone is read.
    **overrides
        Sections given as mappings or section objects; they win over the environment and the file.

    Raises
    ------
    SettingsError
        If the file that ATS_SETTINGS names is missing, a key is unknown or a value is of the wrong type or out of range.
    """
    file = own_file or settings_file()
    if own_file and not file.is_file():
        raise SettingsError(f"{file}, the settings of another graph, is not a file: make it, or take that graph out of workspace.yaml")
    if os.environ.get("ATS_SETTINGS") and not file.is_file():
        raise SettingsError(f"ATS_SETTINGS names {file}, which is not a file: correct it or unset it")
    unknown = [] if own_file else _unknown_variables()
    if unknown:
        raise SettingsError(
            f"{', '.join(unknown)} names no section of the settings: unset it, or choose one of {', '.join(Settings.model_fields)}"
        )
    try:
        settings = (_of_file(file) if own_file else Settings)(**overrides)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        faults = redacted("; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors()))
        raise SettingsError(
            f"{error.error_count()} wrong setting(s) in {file} or the environment (ATS_SECTION__FIELD): {faults}"
        ) from None  # pydantic's own message repeats the values
    except ValueError as error:  # not TOML, or an environment value that is not the JSON its section needs
        raise SettingsError(f"the settings in {file} or the environment can't be read: {redacted(str(error))}") from None
    hold_secret(*settings.alerts.routes)
    return _with_absolute_paths(settings, file.parent)


def _of_file(file: Path) -> type[Settings]:
    class OfFile(Settings):
        """The settings of one file, whatever the environment says."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    return OfFile


def _unknown_variables() -> list[str]:
    """Environment variables of the form ATS_SECTION__FIELD whose section does not exist, which pydantic-settings passes over."""
    names = [name for name in os.environ if name.upper().startswith("ATS_") and "__" in name]
    return sorted(name for name in names if name[len("ATS_") :].split("__")[0].lower() not in Settings.model_fields)


def _with_absolute_paths(settings: Settings, folder: Path) -> Settings:
    """Storage and features are relative to the settings file (one instance has one warehouse); a source's path to the current folder, as typed."""
    storage = settings.storage
    roots = {name: (folder / getattr(storage, name).expanduser()).resolve() for name in ("warehouse", "models", "data")}
    for name in {"warehouse", "models", "data"} - storage.model_fields_set:
        roots[name] /= settings.graph.prefix  # which may be empty
    for name in {"warehouse", "models"} - storage.model_fields_set:
        roots[name] /= settings.source.kind
    own = (folder / settings.features.folder.expanduser()).resolve()
    if "folder" in settings.features.model_fields_set and not own.is_dir():
        raise SettingsError(f"features.folder names {own}, which is not a folder: make it, or unset it")
    additions = (folder / settings.plugins.folder.expanduser()).resolve()
    if "folder" in settings.plugins.model_fields_set and not additions.is_dir():
        raise SettingsError(f"plugins.folder names {additions}, which is not a folder: make it, or unset it")
    path = settings.source.files.path or settings.source.path
    actions = settings.source.files.actions
    places = {"path": path and Path(path).expanduser().absolute(), "actions": actions and actions.expanduser().absolute()}
    files = settings.source.files.model_copy(update=places)
    return settings.model_copy(
        update={
            "storage": storage.model_copy(update=roots),
            "features": settings.features.model_copy(update={"folder": own}),
            "plugins": settings.plugins.model_copy(update={"folder": additions}),
            "orders": settings.orders.model_copy(update={"kill_file": (roots["data"] / settings.orders.kill_file.expanduser()).resolve()}),
            "source": settings.source.model_copy(update={"files": files, "path": None}),
        }
    )
