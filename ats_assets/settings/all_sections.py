"""All sections, and what must agree between them."""

from typing import Any

from pydantic import Field, model_validator

from ats_assets.settings.active_return import ActiveReturnSettings
from ats_assets.settings.addition_tables import AlgorithmTables, BrokerTables, ExportTables, RiskTables, SamplerTables, WorkerTables
from ats_assets.settings.alerts import AlertsSettings
from ats_assets.settings.alpaca import AlpacaSettings
from ats_assets.settings.automation import AutomationSettings
from ats_assets.settings.backtests import BacktestSettings
from ats_assets.settings.bars import BarsSettings, UniverseSettings
from ats_assets.settings.books import BooksSettings
from ats_assets.settings.bots import BotsSettings
from ats_assets.settings.calendar import CalendarSettings
from ats_assets.settings.confidence import ConfidenceSettings
from ats_assets.settings.corporate_actions import ActionsSettings
from ats_assets.settings.drift import DriftSettings
from ats_assets.settings.drift_rules import require_drift
from ats_assets.settings.ensemble import ENSEMBLE, NONE, EnsembleSettings
from ats_assets.settings.event_agreement import require_bars_of_events
from ats_assets.settings.events import BarRegimeSettings, EventBacktestSettings, EventsSettings, EventTrainingSettings, require_sides
from ats_assets.settings.features import ExpressionsSettings, FeaturesSettings
from ats_assets.settings.graph import GraphSettings
from ats_assets.settings.holding_period import HoldingPeriodSettings, longest_holding, require_holding
from ats_assets.settings.impact import ImpactSettings
from ats_assets.settings.intraday import IntradaySettings
from ats_assets.settings.knowledge import KnowledgeSettings
from ats_assets.settings.labels import FORWARD_RETURNS, LabelsSettings
from ats_assets.settings.live import LiveSettings
from ats_assets.settings.massive import MassiveSettings
from ats_assets.settings.microstructure import MicrostructureSettings
from ats_assets.settings.model_agreement import require_tuned, require_winnable
from ats_assets.settings.models import LONGEST_PERIOD, MlflowSettings, TrainingSettings
from ats_assets.settings.monitoring import LoggingSettings, MonitoringSettings
from ats_assets.settings.monte_carlo import MonteCarloSettings
from ats_assets.settings.option_backtests import OptionBacktestSettings
from ats_assets.settings.option_features import OptionFeaturesSettings
from ats_assets.settings.option_flow import OptionFlowSettings
from ats_assets.settings.options import OptionsSettings
from ats_assets.settings.orders import OrdersSettings
from ats_assets.settings.plugins import PluginsSettings
from ats_assets.settings.portfolio import PortfolioSettings
from ats_assets.settings.predictions import ChampionSettings
from ats_assets.settings.regimes import RegimeSettings
from ats_assets.settings.reports import ReportSettings
from ats_assets.settings.requests import RequestsSettings
from ats_assets.settings.runs import RunsSettings
from ats_assets.settings.scheduled_events import ScheduledEventsSettings
from ats_assets.settings.section import Name, Section
from ats_assets.settings.serving import ServingSettings
from ats_assets.settings.sources import SourceSettings
from ats_assets.settings.storage import StorageSettings
from ats_assets.settings.strategies import OptionStrategyTables, shares_of_capital
from ats_assets.settings.ticker_selection import TickerSelectionSettings, TimeframeSelectionSettings
from ats_assets.settings.trading_year import sessions_per_year
from ats_assets.settings.tuning import TuningSettings
from ats_assets.settings.validation import CrossValidationSettings, ImportanceSettings, TimeframeValidationSettings
from ats_assets.settings.vendors import VendorsSettings
from ats_assets.settings.volatility_surface import VolatilitySurfaceSettings


class Settings(Section):
    """Everything that can be set, by section."""

    graph: GraphSettings = GraphSettings()
    calendar: CalendarSettings = CalendarSettings()
    storage: StorageSettings = StorageSettings()
    runs: RunsSettings = RunsSettings()
    source: SourceSettings = SourceSettings()
    vendors: VendorsSettings = VendorsSettings()
    bars: BarsSettings = BarsSettings()
    actions: ActionsSettings = ActionsSettings()
    scheduled_events: ScheduledEventsSettings = ScheduledEventsSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    universe: UniverseSettings = UniverseSettings()
    intraday: IntradaySettings = IntradaySettings()
    samplers: SamplerTables = Field(default={})
    options: OptionsSettings = OptionsSettings()
    option_flow: OptionFlowSettings = OptionFlowSettings()
    option_features: OptionFeaturesSettings = OptionFeaturesSettings()
    volatility_surface: VolatilitySurfaceSettings = VolatilitySurfaceSettings()
    expressions: ExpressionsSettings = ExpressionsSettings()
    features: FeaturesSettings = FeaturesSettings()
    microstructure: MicrostructureSettings = MicrostructureSettings()
    regimes: dict[Name, RegimeSettings] = Field(
        default={}, description="name -> what its states are told by; no regimes are assets by default"
    )
    labels: LabelsSettings = LabelsSettings()
    training: TrainingSettings = TrainingSettings()
    models: dict[Name, dict[str, Any]] = Field(
        default={"lightgbm": {}}, min_length=1, description="name -> the model's own settings; `kind` says which learner, default: the name"
    )
    tuning: TuningSettings = TuningSettings()
    bar_regimes: BarRegimeSettings = BarRegimeSettings()
    events: EventsSettings = EventsSettings()
    event_training: EventTrainingSettings = EventTrainingSettings()
    event_models: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        description="name -> the own settings of a model of events; `kind` says which learner, default: the name; `judges` names the model whose side it "
        'judges (a meta-model), or "rule" for that of events.side',
    )
    event_backtest: EventBacktestSettings = EventBacktestSettings()
    cross_validation: CrossValidationSettings = CrossValidationSettings()
    importance: ImportanceSettings = ImportanceSettings()
    drift: DriftSettings | None = Field(default=None, description="a table, which may be empty, makes it an asset")
    timeframe_validation: TimeframeValidationSettings | None = Field(
        default=None, description="a table, which may be empty, makes it an asset"
    )
    mlflow: MlflowSettings = MlflowSettings()
    portfolio: PortfolioSettings = PortfolioSettings()
    ensemble: EnsembleSettings = EnsembleSettings()
    champion: ChampionSettings = ChampionSettings()
    confidence: ConfidenceSettings | None = Field(
        default=None, description="a table, which may be empty, makes `prediction_intervals` an asset"
    )
    holding_period: HoldingPeriodSettings | None = Field(default=None, description="a table, which may be empty, makes it an asset")
    ticker_selection: TickerSelectionSettings | None = Field(default=None, description="a table, which may be empty, makes it an asset")
    timeframe_selection: TimeframeSelectionSettings | None = Field(
        default=None, description="a table, which may be empty, makes it an asset"
    )
    strategies: dict[Name, dict[str, Any]] = Field(
        default={"model_scores": {}},
        min_length=1,
        description="name -> the strategy's own settings; `kind` says which, default: the name; `capital` is its share of equity, default: the same for all",
    )
    risk: RiskTables = Field(default={})
    option_strategies: OptionStrategyTables = Field(default={})
    option_backtest: OptionBacktestSettings = OptionBacktestSettings()
    backtest: BacktestSettings = BacktestSettings()
    impact: ImpactSettings = ImpactSettings()
    books: BooksSettings = BooksSettings()
    monte_carlo: MonteCarloSettings | None = Field(default=None, description="a table, which may be empty, makes it an asset")
    active_return: ActiveReturnSettings | None = Field(default=None, description="a table that names groups makes it an asset")
    report: ReportSettings = ReportSettings()
    exports: ExportTables = Field(default={})
    alpaca: AlpacaSettings = AlpacaSettings()
    algorithms: AlgorithmTables = Field(default={})
    massive: MassiveSettings = MassiveSettings()
    orders: OrdersSettings = OrdersSettings()
    brokers: BrokerTables = Field(default={})
    live: LiveSettings = LiveSettings()
    requests: RequestsSettings = RequestsSettings()
    alerts: AlertsSettings = AlertsSettings()
    serving: ServingSettings = ServingSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    logging: LoggingSettings = LoggingSettings()
    bots: BotsSettings = BotsSettings()
    plugins: PluginsSettings = PluginsSettings()
    automation: AutomationSettings = AutomationSettings()
    workers: WorkerTables = Field(default={})

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
    def _capital_is_shared(self) -> "Settings":
        shares_of_capital(self.strategies, most=max(1.0, self.portfolio.max_gross))
        return self

    @property
    def holding_sessions(self) -> int:
        """For how many sessions a position is to be held, at most: as long as what the models predict, unless `portfolio.holding_sessions` says otherwise."""
        return longest_holding(self.portfolio.holding_sessions, self.holding_period, self.training.horizon_sessions)

    @property
    def capital(self) -> dict[str, float]:
        """The share of equity of each strategy, in the order of the settings."""
        return shares_of_capital(self.strategies, most=max(1.0, self.portfolio.max_gross))

    @property
    def has_books(self) -> bool:
        """Whether each strategy has a book of its own."""
        several = sum(share > 0 for share in self.capital.values()) > 1
        return several if self.books.enabled is None else self.books.enabled

    @property
    def ensemble_models(self) -> tuple[str, ...]:
        """The models whose scores are combined, in the order in which they are named; none where there is no ensemble."""
        return () if self.ensemble.rule == NONE else self.ensemble.models or tuple(self.models)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The names of all whose predictions can be traded: the models in the order of the settings, then the ensemble, where there is one."""
        return (*self.models, *((ENSEMBLE,) if self.ensemble_models else ()))

    @model_validator(mode="after")
    def _an_ensemble_has_models(self) -> "Settings":
        combined = self.ensemble_models
        if strangers := [name for name in self.ensemble.models if name not in self.models]:
            raise ValueError(f"ensemble.models names {strangers[0]!r}, which is none of [models]: choose of {', '.join(self.models)}")
        if combined and ENSEMBLE in self.models | self.event_models:
            raise ValueError(f"a model can't be called {ENSEMBLE!r} where ensemble.rule is {self.ensemble.rule!r}: give it another name")
        if len(combined) == 1:
            raise ValueError(
                f"ensemble.rule is {self.ensemble.rule!r}, but there is one model only, {combined[0]!r}: add others to [models], or leave the ensemble out"
            )
        return self

    @property
    def takes_promotions(self) -> bool:
        """Whether several models compete for a title that a person can give to one of them."""
        return len(self.models) > 1 and self.champion.rule == "challenge"

    @model_validator(mode="after")
    def _drift_can_ask(self) -> "Settings":
        require_drift(self.drift, self.training, self.tuning, self.ensemble)
        return self

    @model_validator(mode="after")
    def _champion_is_a_model(self) -> "Settings":
        if self.champion.model is not None and self.champion.model not in self.candidates:
            raise ValueError(
                f"champion.model is {self.champion.model!r}, which is none of [models]: choose one of {', '.join(self.candidates)}"
            )
        return self

    @model_validator(mode="after")
    def _models_agree(self) -> "Settings":
        require_winnable(self.champion, self.training.horizon_sessions)
        require_tuned(self.tuning, self.models)
        return self

    @model_validator(mode="after")
    def _events_agree(self) -> "Settings":
        require_bars_of_events(self)
        require_sides(self.event_models, self.events)
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
    def _holding_period_can_be_told(self) -> "Settings":
        require_holding(self.portfolio.holding_sessions, self.holding_period, self.labels.horizons_sessions)
        return self

    @model_validator(mode="after")
    def _the_label_is_there(self) -> "Settings":
        if self.training.label_source not in (found := [FORWARD_RETURNS, *self.labels.own]):
            raise ValueError(
                f"training.label_source is {self.training.label_source!r}, which is no label: choose one of {', '.join(found)}, "
                f"or add a table [labels.{self.training.label_source}]"
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
                f"training.max_age_sessions is {self.training.max_age_sessions}, but with training.refit = {self.training.refit!r} a model is active for up to "
                f"{longest} sessions: set it to {longest} or more, or fit more often"
            )
        return self
