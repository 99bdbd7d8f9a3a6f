"""What `ats doctor` checks, in the order in which it says so: the machine, the calendar, what settings choose, what is stored."""

from collections.abc import Iterator
from datetime import UTC, datetime

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, CalendarError, CorruptPartitionError, SettingsError, SourceError, how_many
from ats_assets.orchestration.dagster_home import INSTANCE_FILE, dagster_home
from ats_assets.runs.export_diagnosis import diagnose_exports
from ats_assets.runs.finding import Finding, guarded
from ats_assets.runs.known_facts import KnownFacts
from ats_assets.runs.machine_diagnosis import diagnose_machine, remember_libraries
from ats_assets.runs.recorded_runs import INSTANCE, opened_instance
from ats_assets.runs.startup import quiet
from ats_assets.runs.storage_diagnosis import diagnose_storage
from ats_assets.runs.vendor_diagnosis import diagnose_vendors
from ats_assets.settings import Settings
from ats_assets.settings.trading_year import sessions_per_year
from ats_assets.sources import recognised_by

FEATURES, GRAPH, BUILT = "features", "graph", "built"
"""Of facts."""
CHANGES_SHOWN = 5
ENDS_SOON = 21
"""Sessions left in the calendar below which a warning."""


def diagnose(settings: Settings, *, deep: bool = False) -> Iterator[Finding]:
    """Check everything; what can't be checked because something else fails is left out.

    Parameters
    ----------
    deep
        Also verify every byte of the warehouse and the models.
    """
    deployment = Deployment(settings)
    facts = KnownFacts(deployment)
    yield from diagnose_machine(settings, facts)
    found = list(guarded("calendar", lambda: _calendars(deployment)))
    yield from found
    if "calendar" not in vars(deployment):  # it can't be opened, and all that follows counts its sessions
        return
    if not deployment.has_only_ticks:
        yield from guarded("source", lambda: [_source(deployment)])
    yield from guarded("ticks", lambda: _ticks(deployment))
    yield from guarded("options", lambda: _chains(deployment))
    yield from guarded("vendors", lambda: diagnose_vendors(settings))
    found = list(guarded("features", lambda: [_features(deployment, facts)]))
    yield from found
    if all(one.status == "ok" for one in found):
        yield from guarded("graph", lambda: _graph(deployment, facts))
    yield from guarded("orders", lambda: _orders(deployment, facts))
    yield from guarded("exports", lambda: diagnose_exports(deployment))
    yield from diagnose_storage(deployment, deep=deep)


def remember(deployment: Deployment) -> None:
    """After a run, which has built the graph and opened Dagster's instance: what holds until settings or code change, so that the next diagnosis need not find it."""
    facts = KnownFacts(deployment)
    remember_libraries(facts)
    facts.keep(GRAPH, BUILT)
    if (dagster_home() / INSTANCE_FILE).is_file():
        facts.keep(INSTANCE, opened_instance(dagster_home()))
    facts.get(FEATURES, lambda: _feature_assets(deployment))


def _calendars(deployment: Deployment) -> Iterator[Finding]:
    """The calendar, and how the stored one has changed."""
    try:
        calendar = deployment.calendar
    except (CalendarError, CorruptPartitionError) as error:
        yield Finding(subject="calendar", status="fail", text=str(error))
        return
    yield _calendar(calendar, deployment.settings.backtest.sessions_per_year)
    for change in deployment.calendar_store.changes()[-CHANGES_SHOWN:]:
        yield Finding(subject="calendar", status="ok", text=f"changed: {change}")


def _calendar(calendar: SessionCalendar, a_year: int) -> Finding:
    newest = calendar.last_closed(datetime.now(UTC))
    text = f"{calendar.exchange} ({calendar.timezone}), sessions from {calendar.first} to {calendar.last}, last closed {newest}; {a_year} a year"
    left = len(calendar.sessions(newest, calendar.last)) - 1
    if calendar.ends_because and left < ENDS_SOON:
        return Finding(
            subject="calendar",
            status="warn" if left else "fail",
            text=f"{text}; {how_many(left, 'session')} left",
            advice=calendar.ends_because,
        )
    year = sessions_per_year(calendar.exchange)
    if year and abs(a_year / year - 1) > 0.05:
        advice = f"unset it, or make it {year}: Sharpe ratio, volatility and yearly returns are made with it"
        text = f"{text}, by backtest.sessions_per_year; {calendar.exchange} has {year}"
        return Finding(subject="calendar", status="warn", text=text, advice=advice)
    return Finding(subject="calendar", status="ok", text=text)


def _source(deployment: Deployment) -> Finding:
    try:
        source = deployment.source
        first, latest = source.first_session(), source.latest_session()
        text = f"{source.describe().strip()}\nsessions from {first} to {latest}"
    except (SourceError, SettingsError) as error:
        return Finding(subject="source", status="fail", text=str(error), advice="correct the [source] settings")
    start = deployment.calendar.first
    if latest < start:
        return Finding(subject="source", status="fail", text=text, advice=f"calendar.first_session is {start}: set it to {first} or before")
    if first < start:
        advice = f"sessions before {start} are not used; set calendar.first_session to {first} to use them"
        return Finding(subject="source", status="warn", text=text, advice=advice)
    if any(line.startswith("warning: ") for line in recognised_by(source)):
        return Finding(
            subject="source",
            status="warn",
            text=text,
            advice="each warning names a setting; ats sources inspect PATH --set NAME=VALUE tries it",
        )
    return Finding(subject="source", status="ok", text=text)


def _ticks(deployment: Deployment) -> Iterator[Finding]:
    """Where the settings say that trades and quotes come from."""
    if not deployment.settings.intraday.has_ticks:
        return
    from ats_assets.intraday.choosing import tick_assets, tick_source  # noqa: PLC0415 - those who have none do without

    for what in tick_assets(deployment):
        try:
            source = tick_source(deployment, what)
            has_any, text = bool(source.sessions()), source.describe().strip()
        except AtsError as error:
            yield Finding(subject=what, status="fail", text=str(error), advice=f"correct [intraday.{what}]")
            continue
        advice = "" if has_any else f"correct [intraday.{what}]; ats sources inspect PATH --ticks {what} shows how files are read"
        yield Finding(subject=what, status="ok" if has_any else "fail", text=text, advice=advice)


def _chains(deployment: Deployment) -> Iterator[Finding]:
    """Where the settings say that option chains come from."""
    if not deployment.settings.options.has_chains:
        return
    from ats_assets.options.choosing import option_plugin  # noqa: PLC0415 - those who have none do without

    try:
        plugin, own = option_plugin(deployment)
        source = plugin.make(own, deployment)
        has_any, text = bool(source.sessions()), source.describe().strip()
    except AtsError as error:
        yield Finding(subject="options", status="fail", text=str(error), advice="correct [options.chains]")
        return
    unread = "correct [options.chains]; ats sources inspect PATH --chains shows how files are read"
    advice = "" if has_any else "run: ats run" if plugin.reads(own) else unread  # of bars, which no run has made yet
    yield Finding(subject="options", status="ok" if has_any else "warn", text=text, advice=advice)


def _features(deployment: Deployment, facts: KnownFacts) -> Finding:
    try:
        text = facts.get(FEATURES, lambda: _feature_assets(deployment))
    except AtsError as error:
        return Finding(subject="features", status="fail", text=str(error), advice="correct the file or the setting")
    return Finding(subject="features", status="ok", text=str(text))


def _feature_assets(deployment: Deployment) -> str:
    from ats_assets.features.choosing import families, model_families  # noqa: PLC0415 - the language of the features

    chosen, of_model = deployment.of(families), deployment.of(model_families)
    factors = [f"{name} ({len(family.expressions)})" for name, family in chosen.items()]
    return f"assets (and number of features): {', '.join(factors)}; the model uses {', '.join(of_model)}"


def _graph(deployment: Deployment, facts: KnownFacts) -> Iterator[Finding]:
    """What plugins and stages refuse when the graph is built: a label, a risk rule or a regime that is named wrongly would else be told by the run alone."""
    try:
        facts.get(GRAPH, lambda: _built(deployment))
    except AtsError as error:
        yield Finding(subject="graph", status="fail", text=str(error), advice="correct the setting; no run is made before")


def _built(deployment: Deployment) -> str:
    """Build the graph. Where it can be built, it can be built again, as long as settings and code stay the same."""
    with quiet():
        from ats_assets.definitions import build  # noqa: PLC0415 - Dagster takes seconds

        build(deployment)
    return BUILT


def _orders(deployment: Deployment, facts: KnownFacts) -> Iterator[Finding]:
    """At a real broker: whether anything follows up on what a plan leaves to do."""
    try:
        if facts.get("embedded broker", lambda: _embedded(deployment)):
            return
    except SettingsError as error:
        yield Finding(subject="orders", status="fail", text=str(error), advice="correct orders.broker, or its section of [brokers]")
        return
    from ats_assets.runs.follow_up import ADVICE, UNATTENDED, followed_up  # noqa: PLC0415 - Dagster takes seconds

    is_followed, text = followed_up(deployment)
    if is_followed:
        yield Finding(subject="orders", status="ok", text=text)
    else:
        yield Finding(subject="orders", status="warn", text=f"{UNATTENDED}: {text}", advice=ADVICE)


def _embedded(deployment: Deployment) -> str | None:
    """The kind of the broker, if it fills orders by the stored bars."""
    from ats_assets.execution.choosing import chosen_broker  # noqa: PLC0415 - all of the orders

    broker = deployment.of(chosen_broker)
    return broker.kind if broker.embedded else None
