"""The named errors. Each message says what is wrong, where, and what to do."""


def how_many(n: int, what: str, plural: str | None = None) -> str:
    """How many of something, in the singular where it is one: for messages.

    Examples
    --------
    >>> how_many(1, "session"), how_many(2, "session"), how_many(1500, "row"), how_many(0, "index", "indices")
    ('1 session', '2 sessions', '1,500 rows', '0 indices')
    """
    return f"{n:,} {what if n == 1 else plural or what + 's'}"


class AtsError(Exception):
    """Anything that the system refuses, with a message meant for its user."""


class SettingsError(AtsError):
    """A setting is missing, unknown or out of range."""


class SourceError(AtsError):
    """A source of bars can't be read, or lacks what is needed."""


class CalendarError(AtsError):
    """A day is not a session of the calendar, or lies outside its bounds."""


class MissingPartitionError(AtsError):
    """A partition that is needed is not in the warehouse."""


class CorruptPartitionError(AtsError):
    """A file of the warehouse or of a model is damaged."""


class MemoryLimitError(AtsError):
    """What was asked for does not fit into `runs.max_memory_mb`, and can't be made in smaller parts."""


class LookAheadError(AtsError):
    """Something asked for data from after the session it is made for."""


class ExpressionError(AtsError):
    """A factor expression can't be parsed or evaluated."""


class FeatureError(AtsError):
    """A feature family can't be read, or clashes with another."""


class ModelError(AtsError):
    """A model can't be fitted, read or used."""


class OptionError(AtsError):
    """Options can't be valued: numbers that do not fit, or dividends that leave nothing of the underlying."""


class PortfolioError(AtsError):
    """Weights can't be found for what was asked."""


class EvaluationError(AtsError):
    """What is to be judged can't be: too few rows or sessions, or figures out of range."""


class EngineError(AtsError):
    """A backtest engine can't be installed or started, or came to no answer that can be used."""


class EventLogError(AtsError):
    """Dagster's runs and events can't be stored: their database was restarted, or is gone."""


class WorkerError(AtsError):
    """Another process can't do what it was asked to, or was killed each time it was tried."""


class ContractError(AtsError):
    """A frame does not satisfy the contract of its asset."""


class QueryError(AtsError):
    """A query of the warehouse is no SELECT, or can't be run."""


class LineageError(AtsError):
    """The lineage index can't be opened, read or written."""


class TradeStateError(AtsError):
    """The database of orders and fills can't be opened, read or written, or is not this program's."""


class BackupError(AtsError):
    """A backup can't be made, read or put back."""


class ExportError(AtsError):
    """A store can't take what is exported to it, or does not hold it."""


class StoreUnreachableError(ExportError):
    """A store can't be reached, or went away: the same can be tried again."""


class OnlineError(AtsError):
    """The online store does not hold what a reader asks for."""


class BotError(AtsError):
    """A bot can't do what it was asked: who asked is told why."""


class MessageRefusedError(BotError):
    """A message was surely not taken: it can be sent again without coming twice.

    Parameters
    ----------
    again_seconds
        After which; None where it would never be taken.
    """

    def __init__(self, message: str, again_seconds: float | None = None) -> None:
        super().__init__(message)
        self.again_seconds = again_seconds


class RecipientGoneError(BotError):
    """Whom a message is for has blocked the bot, or is no more."""


class WebhookRefusedError(BotError):
    """A message that says it is a payment service's is not."""


class ServiceRefusedError(BotError):
    """The service answered, and refuses."""


class ServiceUnreachableError(BotError):
    """The service can't be reached, or gave no answer: whether a request arrived may not be known."""


class ObjectStoreError(AtsError):
    """The object store that holds warehouse or models can't be reached, refuses, or lacks what is needed."""


class StoreDeniedError(ObjectStoreError):
    """The object store refuses: the credentials lack a right, or are none."""


class WrittenMeanwhileError(ObjectStoreError):
    """Another writer has stored something else at the same place at the same time: theirs stays, and nothing of it was replaced."""
