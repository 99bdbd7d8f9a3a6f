"""Assets of the champion by challenges: the skill of all candidates on the same symbols, and who holds the title. None under the other rules."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.pictures import svg_markdown
from ats_assets.orchestration.reading import as_known
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.champions.candidate_skill import candidate_skill, decided_ics
from ats_assets.predictions.champions.first_predicted import followed_champion
from ats_assets.predictions.champions.standings import tell_standings
from ats_assets.predictions.champions.title_chain import Decided, TitleChain, chain_sessions
from ats_assets.predictions.champions.title_history import changes_markdown, title_svg
from ats_assets.predictions.champions.title_rows import AskedTitle, decisions_of, title_rows
from ats_assets.predictions.contracts import Champion, ModelSkill
from ats_assets.predictions.schema import MODEL_SKILL_SCHEMA, PREDICTIONS_SCHEMA
from ats_assets.promotions import RAW_PROMOTIONS_SCHEMA
from ats_assets.refits import last_refit
from ats_assets.settings import ENSEMBLE
from ats_assets.trials import EnsembleTrial

GROUP = "predictions"
GROUPS = (GROUP, "evaluation")
SHOWN_SESSIONS = 504
"""Before those of a run, in the picture of the title's history."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none unless several models compete by challenges."""
    if not deployment.settings.takes_promotions:
        return []
    return [_model_skill(deployment, deployment.of(candidates)), _title(deployment, deployment.of(candidates))]


def _model_skill(deployment: Deployment, named: Mapping[str, str]) -> dg.AssetsDefinition:
    horizon = deployment.settings.training.horizon_sessions
    back = horizon + 1
    node = Node(
        name="model_skill",
        group="evaluation",
        kinds=frozenset({"parquet", "polars"}),
        reads=(*(Reads(asset=asset, back=back, lag=back) for asset in named.values()), Reads(asset="forward_returns")),
        contract=ModelSkill,
        code=(_model_skill,),
        settings=(deployment.settings.labels.forward_returns, deployment.settings.training.of_results()),
    )
    schemas = dict.fromkeys(named.values(), PREDICTIONS_SCHEMA) | {"forward_returns": FORWARD_RETURNS_SCHEMA}

    def make(sessions: Sequence[date], forward_returns: pl.DataFrame, **predictions: pl.DataFrame) -> pl.DataFrame:
        outcomes = forward_returns.filter(horizon_sessions=horizon)
        days = window_sessions(deployment.calendar, sessions, back)
        found = candidate_skill({name: predictions[asset] for name, asset in named.items()}, outcomes, days)
        if ENSEMBLE in named:
            of_ensemble = found.filter(model=ENSEMBLE).select("decision_session", "rank_ic")
            EnsembleTrial(deployment).add_ics(sessions[-1], dict(of_ensemble.iter_rows()))
        return found

    @node.asset(deployment, deps=node.deps())
    def model_skill(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The rank IC of each candidate on the returns that became known at a session, on the symbols that all of them scored."""
        return as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)

    return model_skill


def _title(deployment: Deployment, named: Mapping[str, str]) -> dg.AssetsDefinition:
    settings, training, calendar = deployment.settings.champion, deployment.settings.training, deployment.calendar
    back = chain_sessions(settings, training.refit)
    node = Node(
        name="champion",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="model_skill", back=back), Reads(asset="raw_promotions"), *(Reads(asset=asset) for asset in named.values())),
        contract=Champion,
        code=(_title,),
        settings=(settings, training.of_results(), deployment.settings.calendar.without_closings(), deployment.settings.knowledge),
    )
    schemas = dict.fromkeys(named.values(), PREDICTIONS_SCHEMA)
    schemas |= {"model_skill": MODEL_SKILL_SCHEMA, "raw_promotions": RAW_PROMOTIONS_SCHEMA}

    def make(
        sessions: Sequence[date], model_skill: pl.DataFrame, raw_promotions: pl.DataFrame, **predictions: pl.DataFrame
    ) -> pl.DataFrame:
        days = window_sessions(calendar, sessions, back)
        rounds = sorted({last_refit(calendar, day, training.refit) for day in days} & set(days))
        ics = {key[0]: decided_ics(rows) for key, rows in model_skill.group_by("session", maintain_order=True)}
        chain = TitleChain([*named], days, rounds, ics, settings, horizon=training.horizon_sessions, refit=training.refit)
        predicted = {name: set(predictions[asset]["session"].unique()) for name, asset in named.items()}
        decided = {key[0]: decisions_of(rows) for key, rows in raw_promotions.group_by("session", maintain_order=True)}
        return title_rows(chain, [_as_of(deployment, session, decided.get(session, ([], 0)), predicted) for session in sessions])

    @node.asset(deployment, deps=node.deps())
    def champion(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Whose predictions are traded from the session on: the model that holds the title, by challenges that it has won at refit sessions, or by a person's decision."""
        sessions = sessions_of(context.partition_keys)
        made = as_known(deployment, node, sessions, schemas, make)
        context.add_output_metadata(_shown(deployment, sessions, made))
        tell_standings(deployment, made)
        return made

    return champion


def _as_of(deployment: Deployment, session: date, promoted: tuple[list[Decided], int], predicted: Mapping[str, set[date]]) -> AskedTitle:
    calendar, refit = deployment.calendar, deployment.settings.training.refit
    last = last_refit(calendar, session, refit)
    before = None if last == calendar.first else last_refit(calendar, calendar.offset(last, -1), refit)
    there = [name for name, of in predicted.items() if session in of]
    return AskedTitle(session=session, refit=last, before=before, decided=promoted[0], tried=promoted[1], there=there)


def _shown(deployment: Deployment, sessions: Sequence[date], made: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """The history of the title up to the newest session made, of which the sessions before are as they are stored, from where predictions begin."""
    before = [day for day in deployment.calendar.window(sessions[0], SHOWN_SESSIONS)[:-1] if deployment.warehouse.exists("champion", day)]
    rows = followed_champion(deployment, pl.concat([deployment.warehouse.read("champion", before), made]) if before else made)
    newest = made.filter(pl.col("session") == sessions[-1], pl.col("is_champion"))
    return {
        "champion": dg.MetadataValue.text(newest["model"].item()),
        "why": dg.MetadataValue.text(newest["reason"].item()),
        "promotions": dg.MetadataValue.md(changes_markdown(rows)),
        "history": dg.MetadataValue.md(svg_markdown(title_svg(rows), "Champions")),
    }
