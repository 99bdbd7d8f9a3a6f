"""Assets of the stage portfolio: what is wanted of each instrument."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.holding.followed import followed_periods
from ats_assets.holding.schema import HOLDING, HOLDING_SCHEMA
from ats_assets.impact.choosing import impact_code
from ats_assets.impact.schema import MARKET
from ats_assets.intervals.schema import INTERVALS
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.plugins import Needs
from ats_assets.portfolio.choosing import sessions_kept
from ats_assets.portfolio.held_books import needs_of_held_books
from ats_assets.portfolio.schema import WANTED_SCHEMA, HeldTargets, Targets
from ats_assets.portfolio.targets import earlier_books, targets_of, with_earlier
from ats_assets.risk import NamedRule, risk_rules
from ats_assets.risk.readable import readable_schemas
from ats_assets.scheduled_events import SCHEDULED
from ats_assets.settings import Section

GROUP = "portfolio"
MADE_BY = {INTERVALS: "[confidence]", SCHEDULED: "[scheduled_events.source]"}
"""What rules may read -> the table of the settings without which it is no asset."""


class TargetsSettings(Section):
    """What targets depend on, beside the rules' own settings: the capital of each strategy that has some, for how long a position is held, and the names of the rules."""

    capital: dict[str, float]
    holding_sessions: int | str
    rules: tuple[str, ...]


class HeldBookSettings(Section):
    """For how many sessions what strategies without signals hold is looked at."""

    without_signals_sessions: int


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [_targets(deployment)]


def _targets(deployment: Deployment) -> dg.AssetsDefinition:
    capital = {name: share for name, share in deployment.settings.capital.items() if share}
    of_strategies = {name: deployment.signals[name] for name in capital}
    applied = deployment.of(risk_rules)
    schemas = dict(deployment.of(readable_schemas))
    holding, follows = deployment.settings.holding_sessions, deployment.of(followed_periods)
    schemas |= {HOLDING: HOLDING_SCHEMA} if follows else {}
    names = holding + REPEAT_DAYS if holding > 1 and deployment.tells_name_changes else 0
    earlier = earlier_books(applied)
    kept = deployment.of(sessions_kept)
    own = needs_of_held_books(holding + earlier[0], kept) if kept else ()
    windows = _windows(applied, schemas, names=names + earlier[0] if names else 0, own=own)
    back_of_signals = holding - 1 + earlier[0] + kept
    node = Node(
        name="targets",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(
            *(Reads(asset=asset, back=back_of_signals) for asset in of_strategies.values()),
            *((Reads(asset=HOLDING, back=follows.settings.followed_sessions - 1 + earlier[0]),) if follows else ()),
            *windows,
        ),
        contract=HeldTargets if kept else Targets,
        code=(
            _targets,
            *(type(one.rule) for one in applied),
            *(impact_code(deployment) if MARKET in {one.asset for one in windows} else ()),
        ),
        settings=(
            TargetsSettings(
                capital=capital,
                holding_sessions="optimised" if follows else holding,
                rules=tuple(one.name for one in applied),
            ),
            *((follows.settings,) if follows else ()),
            *(one.rule.settings for one in applied),
            *((HeldBookSettings(without_signals_sessions=kept),) if kept else ()),
        ),
    )
    back = max(reads.back for reads in node.reads)

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        signals = {name: frames[asset] for name, asset in of_strategies.items()}
        of_rules = {one.asset: frames[one.asset] for one in windows}
        identities = identities_of(frames["corporate_actions"]) if names else None
        held = follows.of(frames[HOLDING], [*capital], days, with_earlier(days, sessions, earlier[0])) if follows else holding
        return targets_of(
            signals,
            capital,
            applied,
            holding_sessions=held,
            identities=identities,
            kept=kept,
            longest=holding,
            frames=of_rules,
            days=days,
            sessions=sessions,
        )

    @node.asset(deployment, deps=node.deps())
    def targets(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What is wanted of each instrument: the strategies' weights times their capital, under the risk rules, with the reason for each change."""
        sessions = sessions_of(context.partition_keys)
        made = as_known(deployment, node, sessions, schemas | dict.fromkeys(of_strategies.values(), WANTED_SCHEMA), make)
        newest = made.filter(session=sessions[-1])
        changed = newest.filter(pl.col("reasons").list.len() > 0)
        rows = "\n".join(
            f"| {symbol} | {proposed:+.2%} | {weight:+.2%} | {'<br>'.join(reasons)} |"
            for symbol, proposed, weight, reasons in changed.select("symbol", "proposed_weight", "target_weight", "reasons").iter_rows()
        )
        table = f"| symbol | proposed | target | reasons |\n|---|---|---|---|\n{rows}"
        context.add_output_metadata({"changed": changed.height, **({"newest": dg.MetadataValue.md(table)} if rows else {})})
        return made

    return targets


def _windows(applied: Sequence[NamedRule], known: dict[str, pl.Schema], *, names: int, own: Sequence[Needs] = ()) -> tuple[Reads, ...]:
    """One window for each asset that rules read, as wide as the widest of them asks for, and wider by the past books that later rules look at; and of corporate actions the sessions whose changes of name are followed; and those of held books (`own`).

    Raises
    ------
    SettingsError
        If a rule reads something that is no asset, or that no rule may read.
    """
    asked: dict[str, list[Needs]] = {"corporate_actions": [Needs(asset="corporate_actions", back=names)]} if names else {}
    for need in own:
        asked.setdefault(need.asset, []).append(need)
    for one, later in zip(applied, earlier_books(applied)[1:], strict=True):
        for window in one.rule.needs():
            if window.asset not in known:
                more = f"; a table {MADE_BY[window.asset]} makes it an asset" if window.asset in MADE_BY else ""
                raise SettingsError(
                    f"the risk rule {one.name} reads {window.asset!r}, which it can't: it may read {', '.join(sorted(known))}{more}"
                )
            asked.setdefault(window.asset, []).append(Needs(asset=window.asset, back=window.back + later, lag=window.lag))
    return tuple(Reads(asset=asset, back=max(w.back for w in of), lag=min(w.lag for w in of)) for asset, of in asked.items())
