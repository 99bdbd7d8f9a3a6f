"""Assets of the stage bars: bars and corporate actions as delivered, what holds of them, what does not, and who is tradable."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl

from ats_assets.bars import KNOWN_SCHEMAS
from ats_assets.bars.action_schema import CorporateActions, RejectedActions
from ats_assets.bars.action_screening import CLOSE_SESSIONS, screen_actions
from ats_assets.bars.identity import REPEAT_DAYS, identities_of
from ats_assets.bars.profile import profile
from ats_assets.bars.refusal import refused
from ats_assets.bars.schema import Bars, RejectedBars, Universe, bars_violations, schema_violations
from ats_assets.bars.screening import screen
from ats_assets.bars.universe import universe as tradable
from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, SourceError
from ats_assets.graph import Node
from ats_assets.partitions import Reads, session_partitions, sessions_of
from ats_assets.reading import Vintages, as_known, of_each_vintage
from ats_assets.settings import AlpacaSourceSettings, BarsSettings, SourceSettings
from ats_assets.sources import RAW_ACTIONS, RAW_BARS, BarSource
from ats_assets.sparkline import sparkline_markdown

GROUP = "bars"
_OF_ACTIONS = ("actions_before_days", "actions_after_days")
"""Settings of Alpaca's that only corporate actions depend on."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [_raw_bars(deployment), _bars(deployment), _raw_actions(deployment), _actions(deployment), _universe(deployment)]


def _raw_bars(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = Node(
        name="raw_bars",
        group=GROUP,
        kinds=frozenset({"parquet", "polars", "greatexpectations"}),
        contract=RAW_BARS,
        code=(_raw_bars, *_reads_with(settings.source)),
        settings=(_what_bars_are(settings.source), settings.calendar.without_closings()),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_bars(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The bars of a session as delivered, defects included. A delivery that differs from the last one is kept beside it as a new vintage."""
        sessions = sessions_of(context.partition_keys)
        source = deployment.source
        _require_delivered(source, sessions)
        delivered = _delivered(deployment, node, sessions, source.bars)
        metadata: dict[str, dg.MetadataValue] = {"source": dg.MetadataValue.md(f"```\n{source.describe()}\n```")}
        if settings.bars.profile:
            folder = settings.storage.data / "data_docs" / f"{sessions[0]}_{sessions[-1]}"
            found = profile(delivered, folder, name=f"{sessions[0]}_{sessions[-1]}", max_rejected_share=settings.bars.max_rejected_share)
            metadata["data_docs"] = dg.MetadataValue.path(str(found.page))
            metadata["expectations"] = dg.MetadataValue.text(f"{found.evaluated - len(found.failed)} of {found.evaluated} met")
            if found.failed:
                metadata["expectations_failed"] = dg.MetadataValue.json(list(found.failed))
        context.add_output_metadata(metadata)
        return delivered

    return raw_bars


def _what_bars_are(source: SourceSettings) -> SourceSettings:
    """The settings of the source that the bars of a session depend on: neither where files lie, which vintage they are, nor when the synthetic market ends is among them."""
    synthetic = source.synthetic.model_copy(update={"last_session": source.synthetic.first_session})
    where = {column: value for column, value in source.files.where.items() if column != "vintage"}
    changed = {"path": None, "vintage": None, "where": where, "actions": source.files.actions and Path("actions")}
    files = source.files.model_copy(update=changed)
    beside = ("first_session", "collect", "option_underlyings", "option_feed", *_OF_ACTIONS)
    changes = {"path": None, "actions_again_sessions": SourceSettings().actions_again_sessions}
    return source.model_copy(update=changes | {"synthetic": synthetic, "files": files, "alpaca": _without(source.alpaca, beside)})


def _what_actions_are(source: SourceSettings) -> SourceSettings:
    """The settings of the source that the corporate actions of a session depend on."""
    asked = {name: getattr(source.alpaca, name) for name in _OF_ACTIONS}
    bars = _what_bars_are(source)
    return bars.model_copy(update={"alpaca": bars.alpaca.model_copy(update=asked)})


def _without(alpaca: AlpacaSourceSettings, names: Sequence[str]) -> AlpacaSourceSettings:
    return alpaca.model_copy(update={name: getattr(AlpacaSourceSettings(), name) for name in names})


def _reads_with(source: SourceSettings) -> tuple[str, ...]:
    """The module of the source, which the asset reaches through the deployment."""
    return (
        {"synthetic": "ats_assets.sources.synthetic", "files": "ats_assets.sources.files", "alpaca": "ats_assets.sources.alpaca.source"}[
            source.kind
        ],
    )


def _delivered(
    deployment: Deployment, node: Node, sessions: Sequence[date], ask: Callable[[Sequence[date]], pl.DataFrame], *, again: int = 0
) -> pl.DataFrame:
    """What the source answers for the sessions. Over a range, a server is not asked for what it has delivered already, to this code and these settings; for a single session it is.

    Parameters
    ----------
    again
        The source's latest session and so many before it are asked for in any case.
    """
    source, warehouse = deployment.source, deployment.warehouse
    if not source.capabilities.remote or len(sessions) == 1:
        return ask(sessions)
    late = set(deployment.calendar.window(source.latest_session(), again + 1)) if again else set()
    stored = [day for day in sessions if day not in late and _is_stored(deployment, node, day)]
    frames = [warehouse.read(node.name, stored)] if stored else []
    asked = sorted(set(sessions) - set(stored))
    return pl.concat([*frames, ask(asked)]).sort("session", "symbol", maintain_order=True) if asked else frames[0]


def _is_stored(deployment: Deployment, node: Node, session: date) -> bool:
    warehouse = deployment.warehouse
    if not warehouse.exists(node.name, session) or warehouse.fault(warehouse.path(node.name, session)):
        return False
    footer = warehouse.footer(node.name, session)
    return (footer.code_version, footer.settings_version) == (node.code_version, node.settings_version)


def _require_delivered(source: BarSource, sessions: Sequence[date]) -> None:
    first, latest = source.first_session(), source.latest_session()
    if sessions[0] < first or sessions[-1] > latest:
        raise SourceError(
            f"the source ({source.name}) has bars from {first} to {latest}, but {sessions[0]} to {sessions[-1]} was asked for: choose sessions it has"
        )


def _bars(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    limit = settings.bars.max_rejected_share
    common = {
        "group": GROUP,
        "kinds": frozenset({"parquet", "polars", "pandera"}),
        "reads": (Reads(asset="raw_bars"),),
        "code": (_bars,),
        "settings": (settings.calendar.without_closings(), BarsSettings(max_rejected_share=limit)),
    }
    accepted = Node(name="bars", contract=Bars, **common)
    set_aside = Node(name="rejected_bars", contract=RejectedBars, **common)

    def make(raw_bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        kept, rejected = screen(raw_bars, deployment.calendar)
        _refuse(bars_violations(kept, deployment.calendar))
        return kept, rejected

    @dg.multi_asset(
        name="bars",
        outs={
            "bars": dg.AssetOut.from_spec(
                accepted.spec(deployment, "The bars that satisfy the contract: a row for each symbol that traded.")
            ),
            "rejected_bars": dg.AssetOut.from_spec(
                set_aside.spec(
                    deployment, "The bars that do not, each with every reason that applies. With `bars` it makes up the delivery."
                )
            ),
        },
        deps=accepted.deps(),
        partitions_def=session_partitions(deployment.calendar),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def bars(context: dg.AssetExecutionContext) -> Iterator[dg.Output[list[Vintages]]]:
        kept, rejected = refused(*_screened(deployment, accepted, sessions_of(context.partition_keys), make), limit)
        yield dg.Output(kept, output_name="bars", metadata=_rows_by_session(kept[0].rows))
        reasons = pl.concat(one.rows for one in rejected).explode("reasons").group_by("reasons").len()
        table = "\n".join(
            f"| {reason} | {count} |" for reason, count in reasons.sort("len", "reasons", descending=[True, False]).iter_rows()
        )
        yield dg.Output(
            rejected,
            output_name="rejected_bars",
            metadata={"reasons": dg.MetadataValue.md(f"| reason | rows |\n|---|---|\n{table}" if table else "none")},
        )

    return bars


def _rows_by_session(bars: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    counts = bars.group_by("session").len().sort("session")["len"].to_list()
    if len(counts) < 2:
        return {}
    return {"rows_by_session": dg.MetadataValue.md(sparkline_markdown(counts, title="Rows by session", width=400, height=60))}


def _raw_actions(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = Node(
        name="raw_corporate_actions",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        contract=RAW_ACTIONS,
        code=(_raw_actions, *_reads_with(settings.source)),
        settings=(_what_actions_are(settings.source), settings.calendar.without_closings()),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_corporate_actions(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The splits, dividends and other actions with this ex-session as delivered. A delivery that differs from the last one is kept as a new vintage."""
        sessions = sessions_of(context.partition_keys)
        _require_delivered(deployment.source, sessions)
        return _delivered(deployment, node, sessions, deployment.source.actions, again=settings.source.actions_again_sessions)

    return raw_corporate_actions


def _actions(deployment: Deployment) -> dg.AssetsDefinition:
    common = {
        "group": GROUP,
        "kinds": frozenset({"parquet", "polars", "pandera"}),
        "reads": (Reads(asset="raw_corporate_actions"), Reads(asset="bars", back=CLOSE_SESSIONS, lag=1)),
        "code": (_actions,),
        "settings": (deployment.settings.calendar.without_closings(), deployment.settings.knowledge),
    }
    accepted = Node(name="corporate_actions", contract=CorporateActions, **common)
    set_aside = Node(name="rejected_corporate_actions", contract=RejectedActions, **common)
    said = "The corporate actions that satisfy the contract, under the session at whose open they take effect."
    said_of_rest = "The actions that do not, each with every reason that applies. With `corporate_actions` it makes up the delivery."

    def make(raw_corporate_actions: pl.DataFrame, bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        kept, rejected = screen_actions(raw_corporate_actions, bars, deployment.calendar)
        _refuse(schema_violations(CorporateActions, kept))
        return kept, rejected

    @dg.multi_asset(
        name="corporate_actions",
        outs={
            "corporate_actions": dg.AssetOut.from_spec(accepted.spec(deployment, said)),
            "rejected_corporate_actions": dg.AssetOut.from_spec(set_aside.spec(deployment, said_of_rest)),
        },
        deps=accepted.deps(),
        partitions_def=session_partitions(deployment.calendar),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def corporate_actions(context: dg.AssetExecutionContext) -> Iterator[dg.Output[list[Vintages]]]:
        kept, rejected = _screened(deployment, accepted, sessions_of(context.partition_keys), make)
        kinds = dict(kept[0].rows["kind"].value_counts(sort=True).iter_rows())
        yield dg.Output(kept, output_name="corporate_actions", metadata={"kinds": dg.MetadataValue.json(kinds)})
        yield dg.Output(rejected, output_name="rejected_corporate_actions", metadata={"rejected": rejected[0].rows.height})

    return corporate_actions


def _screened(
    deployment: Deployment, node: Node, sessions: Sequence[date], make: Callable[..., tuple[pl.DataFrame, ...]]
) -> tuple[list[Vintages], list[Vintages]]:
    """What is accepted and what is rejected of every vintage of the delivery."""
    layers = of_each_vintage(deployment, node, sessions, KNOWN_SCHEMAS, make)
    return [kept for kept, _ in layers], [rejected for _, rejected in layers]


def _refuse(violations: Sequence[str]) -> None:
    if violations:
        raise ContractError(f"screening let through what the contract forbids; report this as a bug: {'; '.join(violations)}")


def _universe(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings.universe
    names = (Reads(asset="corporate_actions", back=max(0, settings.lookback_sessions - 2) + REPEAT_DAYS),)
    node = Node(
        name="universe",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="bars", back=settings.lookback_sessions - 1), *(names if deployment.settings.source.tells_name_changes else ())),
        contract=Universe,
        code=(_universe,),
        settings=(settings, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], bars: pl.DataFrame, **actions: pl.DataFrame) -> pl.DataFrame:
        followed = identities_of(actions["corporate_actions"]).named(bars) if actions else bars
        return tradable(followed, sessions, settings, calendar=deployment.calendar)

    @node.asset(deployment, deps=node.deps())
    def universe(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The symbols tradable at a session, by median dollar volume, minimum price and history, chosen with that session's knowledge only."""
        members = as_known(deployment, node, sessions_of(context.partition_keys), KNOWN_SCHEMAS, make)
        context.add_output_metadata({"newest_members": members.filter(pl.col("session") == pl.col("session").max()).height})
        return members

    return universe
