"""All settings of the system: frozen, typed, with units in their names. A file holds the sections of a stage; `loading` reads them."""

from ats_assets.settings.active_return import ActiveReturnSettings
from ats_assets.settings.alerts import AlertsSettings
from ats_assets.settings.all_sections import Settings
from ats_assets.settings.alpaca import AlpacaSettings
from ats_assets.settings.automation import AutomationSettings
from ats_assets.settings.backtests import BacktestSettings
from ats_assets.settings.bars import BarsSettings, SuspicionSettings, UniverseSettings
from ats_assets.settings.books import BooksSettings
from ats_assets.settings.bots import BotsSettings, StripeSettings, SubscriptionSettings
from ats_assets.settings.calendar import CalendarSettings
from ats_assets.settings.confidence import ConfidenceSettings
from ats_assets.settings.corporate_actions import ActionsSettings, Adjust
from ats_assets.settings.drift import DriftSettings
from ats_assets.settings.ensemble import ENSEMBLE, EnsembleSettings
from ats_assets.settings.events import RULE, BarRegimeSettings, EventBacktestSettings, EventsSettings, EventTrainingSettings
from ats_assets.settings.features import ExpressionsSettings, FeaturesSettings
from ats_assets.settings.graph import GraphSettings
from ats_assets.settings.holding_period import HoldingPeriodSettings
from ats_assets.settings.impact import ImpactSettings
from ats_assets.settings.intraday import HoursSettings, IntradaySettings, TickScreeningSettings
from ats_assets.settings.knowledge import KnowledgeSettings
from ats_assets.settings.labels import FORWARD_RETURNS, ForwardReturnsSettings, KnownAfter, LabelsSettings
from ats_assets.settings.live import LiveEventSettings, LiveSettings
from ats_assets.settings.loading import CRYPTO_VARIABLE, crypto_settings_file, load_settings, setting_origins, settings_file
from ats_assets.settings.massive import MassiveSettings
from ats_assets.settings.microstructure import MicrostructureSettings
from ats_assets.settings.models import (
    LONGEST_PERIOD,
    MlflowSettings,
    Period,
    Refit,
    SampleWeighting,
    SampleWeightsSettings,
    TrainingSettings,
)
from ats_assets.settings.monitoring import LoggingSettings, MonitoringSettings
from ats_assets.settings.monte_carlo import MonteCarloSettings
from ats_assets.settings.option_backtests import OptionBacktestSettings
from ats_assets.settings.option_features import OptionFeaturesSettings
from ats_assets.settings.option_flow import OptionFlowSettings
from ats_assets.settings.options import ChainScreeningSettings, OptionsSettings, Style
from ats_assets.settings.orders import BrakeSettings, OrderLimitSettings, OrdersSettings, SelectionRule
from ats_assets.settings.plugins import PluginsSettings
from ats_assets.settings.portfolio import MarginSettings, PortfolioSettings
from ats_assets.settings.predictions import ChampionSettings
from ats_assets.settings.regimes import RegimeSettings, regime_columns
from ats_assets.settings.reports import ReportForm, ReportSettings
from ats_assets.settings.requests import RequestsSettings
from ats_assets.settings.runs import RunsSettings
from ats_assets.settings.scheduled_events import ScheduledEventsSettings
from ats_assets.settings.section import Bps, Name, NonNegative, Positive, Section, Share
from ats_assets.settings.selection import SelectionSettings
from ats_assets.settings.serving import ServingSettings
from ats_assets.settings.sources import AlpacaSourceSettings, FilesSettings, SourceSettings, SyntheticSettings
from ats_assets.settings.storage import BucketUrl, ObjectStoreSettings, StorageSettings
from ats_assets.settings.streaming import StreamSettings
from ats_assets.settings.ticker_selection import TickerSelectionSettings, TimeframeSelectionSettings
from ats_assets.settings.tuning import ParameterValue, Search, SearchChoices, SearchRange, TuningPeriod, TuningSettings
from ats_assets.settings.validation import CrossValidationSettings, ImportanceSettings, TimeframeValidationSettings
from ats_assets.settings.vendors import VendorSettings, VendorsSettings

__all__ = [
    "CRYPTO_VARIABLE",
    "ENSEMBLE",
    "FORWARD_RETURNS",
    "LONGEST_PERIOD",
    "RULE",
    "ActionsSettings",
    "ActiveReturnSettings",
    "Adjust",
    "AlertsSettings",
    "AlpacaSettings",
    "AlpacaSourceSettings",
    "AutomationSettings",
    "BacktestSettings",
    "BarRegimeSettings",
    "BarsSettings",
    "BooksSettings",
    "BotsSettings",
    "Bps",
    "BrakeSettings",
    "BucketUrl",
    "CalendarSettings",
    "ChainScreeningSettings",
    "ChampionSettings",
    "ConfidenceSettings",
    "CrossValidationSettings",
    "DriftSettings",
    "EnsembleSettings",
    "EventBacktestSettings",
    "EventTrainingSettings",
    "EventsSettings",
    "ExpressionsSettings",
    "FeaturesSettings",
    "FilesSettings",
    "ForwardReturnsSettings",
    "GraphSettings",
    "HoldingPeriodSettings",
    "HoursSettings",
    "ImpactSettings",
    "ImportanceSettings",
    "IntradaySettings",
    "KnowledgeSettings",
    "KnownAfter",
    "LabelsSettings",
    "LiveEventSettings",
    "LiveSettings",
    "LoggingSettings",
    "MarginSettings",
    "MassiveSettings",
    "MicrostructureSettings",
    "MlflowSettings",
    "MonitoringSettings",
    "MonteCarloSettings",
    "Name",
    "NonNegative",
    "ObjectStoreSettings",
    "OptionBacktestSettings",
    "OptionFeaturesSettings",
    "OptionFlowSettings",
    "OptionsSettings",
    "OrderLimitSettings",
    "OrdersSettings",
    "ParameterValue",
    "Period",
    "PluginsSettings",
    "PortfolioSettings",
    "Positive",
    "Refit",
    "RegimeSettings",
    "ReportForm",
    "ReportSettings",
    "RequestsSettings",
    "RunsSettings",
    "SampleWeighting",
    "SampleWeightsSettings",
    "ScheduledEventsSettings",
    "Search",
    "SearchChoices",
    "SearchRange",
    "Section",
    "SelectionRule",
    "SelectionSettings",
    "ServingSettings",
    "Settings",
    "Share",
    "SourceSettings",
    "StorageSettings",
    "StreamSettings",
    "StripeSettings",
    "Style",
    "SubscriptionSettings",
    "SuspicionSettings",
    "SyntheticSettings",
    "TickScreeningSettings",
    "TickerSelectionSettings",
    "TimeframeSelectionSettings",
    "TimeframeValidationSettings",
    "TrainingSettings",
    "TuningPeriod",
    "TuningSettings",
    "UniverseSettings",
    "VendorSettings",
    "VendorsSettings",
    "crypto_settings_file",
    "load_settings",
    "regime_columns",
    "setting_origins",
    "settings_file",
]
