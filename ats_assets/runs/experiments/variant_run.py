"""The variants of an experiment run one after the other, in this process: what is equal is shared, what is done is passed over, what was interrupted goes on."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, how_many
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.lineage import LineageIndex, LineageRules, judge
from ats_assets.monitoring.structured_logs import log_fields
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.reports.json_form import without_nan
from ats_assets.runs.experiments.shared_partitions import Seed, share, signatures, sound_signatures
from ats_assets.runs.experiments.variant_settings import base_settings, variant_folder, write_variant
from ats_assets.runs.planned_runs import PlannedRun
from ats_assets.runs.run_log import announce, conclude
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets.runs.selection import chosen_assets
from ats_assets.runs.sessions import chosen_sessions
from ats_assets.runs.writing import say
from ats_assets.settings import Settings
from ats_assets.settings.experiment_file import Experiment, Variant
from ats_assets.storage.atomic_file import replace_file

PLAN, RESULT = "plan.json", "result.json"
"""What a variant is being made from, and what came of it: the second is there once all is made."""


@dataclass(frozen=True, kw_only=True)
class PlannedVariant:
    """A variant that is about to be run."""

    variant: Variant
    settings: Settings
    folder: Path

    @cached_property
    def deployment(self) -> Deployment:
        """The variant's own."""
        return Deployment(self.settings)


def run_experiment(experiment: Experiment, *, only: Sequence[str], chunk: int) -> list[str]:
    """Run the variants that are not done, and return messages of those that failed: the others are run all the same.

    Raises
    ------
    AtsError
        If a variant's settings are wrong, before any is run; or `only` names none.
    KeyboardInterrupt
        If it is interrupted. What is made is kept, and the same call goes on there.
    """
    base = base_settings(experiment)
    planned = [
        PlannedVariant(variant=one, settings=write_variant(experiment, base, one), folder=variant_folder(experiment, base, one))
        for one in experiment.variants
    ]
    if unknown := set(only) - {one.variant.name for one in planned}:
        names = ", ".join(one.variant.name for one in planned)
        raise AtsError(f"{experiment.file} has no variant {min(unknown)!r}: choose among {names}")
    seeds = _base_seed(base)
    messages: list[str] = []
    for n, one in enumerate(planned, 1):
        if not only or one.variant.name in only:
            say(f"variant {n} of {len(planned)}: {one.variant.name}")
            made = _VariantRun(one, experiment, seeds, chunk)
            with log_fields(experiment=f"{experiment.name}/{one.variant.name}"):
                failed = made.run()
            if failed is not None:
                messages.append(f"{one.variant.name}: {failed}")
            else:
                seeds.append(made.seed)
    return messages


def _base_seed(base: Settings) -> list[Seed]:
    """What the base has stored, where it has been run."""
    deployment = Deployment(base)
    if deployment.warehouse.history_start() is None:
        return []
    rules = rules_of(deployment, build(deployment).resolve_asset_graph())
    return [Seed(deployment=deployment, signatures=sound_signatures(deployment, rules))]


class _VariantRun:
    """One variant: its graph, what is shared, and what is left to be made."""

    def __init__(self, planned: PlannedVariant, experiment: Experiment, seeds: Sequence[Seed], chunk: int) -> None:
        self._planned = planned
        self._experiment = experiment
        self._seeds = seeds
        self._chunk = chunk
        self._deployment = planned.deployment
        self._sessions = chosen_sessions(self._deployment, experiment.first, experiment.last)
        self._definitions = build(self._deployment)
        self._rules: LineageRules = rules_of(self._deployment, self._definitions.resolve_asset_graph())
        self._signatures = signatures(self._deployment, self._rules)

    @property
    def seed(self) -> Seed:
        """What later variants share of this one, once it has been run."""
        return Seed(deployment=self._deployment, signatures=self._signatures)

    def run(self) -> str | None:
        """Make what is not there; a message where that failed."""
        plan = {"signatures": self._signatures, "first_session": str(self._sessions[0]), "last_session": str(self._sessions[-1])}
        if _read(self._planned.folder / RESULT).get("plan") == plan:
            say("  done already")
            return None
        self._begin(plan)
        shared = share(self._deployment, self._rules, self._seeds, self._sessions)
        assets = frozenset(chosen_assets(self._definitions, None)) - shared
        if (failed := self._make(assets, len(shared))) is not None:
            return failed
        if stale := self._stale():
            return f"{stale}: what it was made from has changed meanwhile, so run it again"
        _write(self._planned.folder / RESULT, {"plan": plan, "shared": sorted(shared), **self._result()})
        return None

    def _begin(self, plan: dict[str, Any]) -> None:
        """Keep what an interrupted run of the same plan has made; what was made of another is removed."""
        before = _read(self._planned.folder / PLAN)
        if before and (before["signatures"], before["first_session"]) != (plan["signatures"], plan["first_session"]):
            for name in ("warehouse", "models"):
                shutil.rmtree(self._planned.folder / name, ignore_errors=True)
        (self._planned.folder / RESULT).unlink(missing_ok=True)
        _write(self._planned.folder / PLAN, plan)

    def _make(self, assets: frozenset[str], shared: int) -> str | None:
        outcome = Outcome.of(self._sessions, assets)
        with listed_instance() as instance, RunProgress(len(self._sessions)) as progress:
            runner = Runner(self._deployment, self._definitions, instance)
            wanted = runner.parts(self._sessions, assets, self._chunk)
            made = self._in_order({asset for part in wanted for asset in part.assets})
            say(f"  {how_many(shared, 'asset is', 'assets are')} shared, {len(made)} are made: {', '.join(made)}")
            parts = [*self._unmade(wanted)]
            announce(self._deployment, self._planned.variant.name)
            runner.run(parts, outcome, progress)
        conclude(self._deployment, outcome)
        if outcome.interrupted:
            raise KeyboardInterrupt
        return "; ".join(outcome.messages) or None

    def _unmade(self, parts: Sequence[PlannedRun]) -> Iterator[PlannedRun]:
        """The parts from the first that an interrupted run has not made whole: what comes after it may have been made of less."""
        whole = True
        for part in parts:
            whole = whole and bool(part.sessions) and all(self._is_stored(asset, part.sessions) for asset in part.assets)
            if not whole:
                yield part

    def _is_stored(self, asset: str, sessions: Sequence[date]) -> bool:
        deployment = self._deployment
        store = deployment.model_store(asset) if asset in deployment.models else None
        return set(sessions) <= set(store.stored_sessions() if store else deployment.warehouse.stored_sessions(asset))

    def _stale(self) -> str:
        """What is stale of what was made: nothing, unless the base was changed by somebody else in between."""
        index = LineageIndex(self._deployment)
        index.refresh()
        found = judge(self._deployment, self._rules, index)
        return f"{how_many(len(found), 'partition is', 'partitions are')} stale, first {found[0].asset} {found[0].session}" if found else ""

    def _in_order(self, assets: set[str]) -> list[str]:
        return [rule.asset for rule in self._rules if rule.asset in assets]

    def _result(self) -> dict[str, Any]:
        """The variant's figures, as the report has them."""
        deployment, variant = self._deployment, self._planned.variant
        horizon = deployment.settings.training.horizon_sessions
        stored = deployment.valid_sessions("skill")
        skill = skill_summary(deployment.warehouse.read("skill", stored) if stored else SKILL_SCHEMA.to_frame(), horizon)
        own = skill.horizon(horizon)
        return {
            "variant": variant.name,
            "differs": variant.differs,
            "sessions_per_year": deployment.settings.backtest.sessions_per_year,
            "backtest": json.loads(deployment.warehouse.read_text("backtest", "metrics.json")),
            "skill": {"verdict": skill.verdict, **(asdict(own) if own else {})},
            "report": str(deployment.warehouse.root / "backtest_report" / "report.html"),
        }


def read_result(folder: Path) -> dict[str, Any] | None:
    """What came of a variant; None where it is not done."""
    return _read(folder / RESULT) or None


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}


def _write(path: Path, values: dict[str, Any]) -> None:
    text = json.dumps(without_nan(values), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(path, lambda file: file.write(text.encode()))
