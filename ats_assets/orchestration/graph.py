"""What every asset of the graph says of itself, in one form: contract, windows read, versions, group, kinds, owner, columns."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
from pandera.api.polars.container import DataFrameSchema
from pandera.polars import DataFrameModel
from pydantic import BaseModel

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import RAW_BARS, Deployment
from ats_assets.orchestration.memory_blocks import in_blocks
from ats_assets.orchestration.partitions import Reads, partitions_of
from ats_assets.orchestration.reading import IN_VINTAGES
from ats_assets.orchestration.spreading import SPREAD, spreading
from ats_assets.storage.versions import code_version, settings_version
from ats_assets.storage.vintages import WITH_OWN_HISTORY
from ats_assets.trials import declare

READS = "ats/reads"
CODE = "ats/code_version"
SETTINGS = "ats/settings_version"
VINTAGES = "ats/vintages"
RECORD = "ats/record"
EXPORT = "ats/export"
TELLS_RESTATEMENTS = "ats/tells_restatements"
BEGINS_WITH = "ats/begins_with"
_WINDOW = re.compile(r"(\w+)\[D-(\d+)\.\.D-(\d+)\]")


def asset_key(deployment: Deployment, name: str) -> dg.AssetKey:
    """The key under which Dagster knows an asset of this deployment: its name, after `graph.prefix` where there is one."""
    return dg.AssetKey([*filter(None, [deployment.settings.graph.prefix]), name])


def asset_name(key: dg.AssetKey) -> str:
    """The name of an asset: of its folder, in footers, settings and commands, whatever the prefix."""
    return key.path[-1]


def prefixed(deployment: Deployment, name: str) -> str:
    """The name of a job, sensor or schedule of this deployment."""
    return "_".join(filter(None, [deployment.settings.graph.prefix, name]))


@dataclass(frozen=True, kw_only=True)
class Node:
    """An asset of the graph.

    Parameters
    ----------
    name, group
        The asset's key and its stage.
    contract
        pandera contract of its rows; the source of the column schema shown in the UI. None for an asset that is not a frame.
    reads
        The windows of upstream partitions that partition D reads.
    code
        The functions that make it, with all that they use, and the names of modules that they reach by name only (`versions.code_version`).
    formulas
        Expressions that make it, name to text, beside that code.
    settings
        The sections of the settings that matter to it.
    vintages
        Keep every delivery that differs instead of replacing the partition.
    wide
        Its rows are many: its function asks nothing of its context but the partition keys, and makes them in blocks where they do not fit into memory together.
    record
        It tells what happened (orders sent, fills), which can't be rebuilt: never stale, never healed.
    tells_restatements
        It tells how many deliveries have several vintages, and what was compared of them; its footer names both.
    export
        It copies partitions to a store. Whether these are the newest is judged by what the store holds, so that no store stops what is rebuilt.
    """

    name: str
    group: str
    kinds: frozenset[str]
    reads: tuple[Reads, ...] = ()
    contract: type[DataFrameModel] | DataFrameSchema | None = None
    code: tuple[Callable[..., Any] | str, ...] = ()
    formulas: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[BaseModel, ...] = ()
    vintages: bool = False
    wide: bool = False
    record: bool = False
    tells_restatements: bool = False
    export: bool = False

    @property
    def code_version(self) -> str:
        """The version of the code that makes the asset."""
        return code_version(*self.code, formulas=self.formulas)

    @property
    def settings_version(self) -> str:
        """The version of the settings that matter to the asset."""
        return settings_version(*self.settings)

    def metadata(self) -> dict[str, Any]:
        """Metadata of the definition: what the IO manager needs, and what the UI shows."""
        shown: dict[str, Any] = {
            READS: ", ".join(f"{r.asset}[D-{r.back}..D-{r.lag}]" for r in self.reads),
            CODE: self.code_version,
            SETTINGS: self.settings_version,
        }
        if self.vintages:
            shown[VINTAGES] = dg.MetadataValue.bool(True)
        if self.record:
            shown[RECORD] = dg.MetadataValue.bool(True)
        if self.export:
            shown[EXPORT] = dg.MetadataValue.bool(True)
        if self.tells_restatements:
            shown[TELLS_RESTATEMENTS] = dg.MetadataValue.bool(True)
        if self.contract is not None:
            shown["dagster/column_schema"] = column_schema(self.contract)
        return shown

    def asset(
        self,
        deployment: Deployment,
        *,
        ins: Mapping[str, dg.AssetIn] | None = None,
        deps: Sequence[dg.AssetDep | str] = (),
        pool: str | None = None,
        partitioned: bool = True,
        description: str | None = None,
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """The decorator that makes the asset of a function.

        Parameters
        ----------
        ins
            What the IO manager loads; see `ins()`.
        deps
            What the function reads itself; see `deps()`.
        description
            Default: the function's docstring.
        """
        partitions = partitions_of(deployment) if partitioned else None
        policy = None
        if partitioned:
            policy = dg.BackfillPolicy.multi_run(1) if self.record else dg.BackfillPolicy.single_run()
        kept = self._described(deployment, partitioned=partitioned)
        how = {"pool": pool, "partitions_def": partitions, "backfill_policy": policy, "description": description}
        made = dg.asset(name=self.name, ins=ins, deps=deps, **how, **kept)
        spread = self.group in SPREAD and not ins
        if not (spread or self.wide):
            return made  # pyright: ignore[reportReturnType]

        def of_function(function: Callable[..., Any]) -> dg.AssetsDefinition:
            bounded = in_blocks(deployment, self, function) if self.wide else function
            return made(deployment.of(spreading).step(self, function, bounded) if spread else bounded)

        return of_function

    def spec(self, deployment: Deployment, description: str) -> dg.AssetSpec:
        """The asset as a spec, for one that is made together with others."""
        return dg.AssetSpec(key=self.name, description=description, **self._described(deployment))

    def _described(self, deployment: Deployment, *, partitioned: bool = True) -> dict[str, Any]:
        read = [one.asset for one in self.reads]
        declare(deployment, self.name, code=self.code_version, settings=self.settings_version, reads=read)
        begins = self._begins_with(deployment)
        if begins != RAW_BARS:
            deployment.begins_with[self.name] = begins
        if self.contract is not None:
            deployment.schemas[self.name] = frame_schema_of(self.contract)
            told = {name: column.description or "" for name, column in _columns_of(self.contract).columns.items()}
            deployment.told_columns[self.name] = told
            deployment.by_session |= {self.name} if partitioned else set()
            deployment.records |= {self.name} if self.record else set()
            deployment.deliveries |= {self.name} if self.vintages else set()
            deployment.copies |= {self.name} if self.export else set()
        return {
            "group_name": prefixed(deployment, self.group),
            "kinds": set(self.kinds),
            "owners": [deployment.settings.automation.owner],
            "code_version": self.code_version,
            "metadata": self.metadata() | ({} if begins == RAW_BARS else {BEGINS_WITH: ", ".join(sorted(begins))}),
        }

    def _begins_with(self, deployment: Deployment) -> frozenset[str]:
        """The deliveries without which it has no history: those of all that it reads; an asset is made after what it reads is."""
        if self.name in WITH_OWN_HISTORY:
            return frozenset({self.name})
        return frozenset().union(*(deployment.begins_with.get(one.asset, RAW_BARS) for one in self.reads)) or RAW_BARS

    def ins(self) -> dict[str, dg.AssetIn]:
        """The inputs that the IO manager loads, by the name of the upstream asset.

        Raises
        ------
        ValueError
            If one is a window over what keeps vintages, of which the IO manager can't know what each partition knew: `reading.as_known` reads those.
        """
        windows = [r.asset for r in self.reads if r.asset in IN_VINTAGES and (r.back, r.lag) != (0, 0)]
        if windows:
            raise ValueError(f"{self.name} reads a window of {', '.join(windows)}: take deps() and read it with reading.as_known")
        return {r.asset: dg.AssetIn(r.asset, partition_mapping=r.mapping()) for r in self.reads}

    def deps(self) -> list[dg.AssetDep]:
        """The same windows as dependencies that the asset reads itself."""
        return [dg.AssetDep(r.asset, partition_mapping=r.mapping()) for r in self.reads]


def reads_of(metadata: Mapping[str, Any]) -> list[Reads]:
    """The windows that a definition's metadata declares."""
    value = metadata.get(READS, "")
    text = value.text or "" if isinstance(value, dg.TextMetadataValue) else str(value)
    return [Reads(asset=asset, back=int(back), lag=int(lag)) for asset, back, lag in _WINDOW.findall(text)]


def column_schema(contract: type[DataFrameModel] | DataFrameSchema) -> dg.TableSchema:
    """A contract's columns, types and descriptions, as Dagster shows them."""
    schema = _columns_of(contract)
    return dg.TableSchema(
        [
            dg.TableColumn(
                name, str(column.dtype), column.description or "", dg.TableColumnConstraints(nullable=column.nullable, unique=column.unique)
            )
            for name, column in schema.columns.items()
        ]
    )


def frame_schema_of(contract: type[DataFrameModel] | DataFrameSchema) -> pl.Schema:
    """The columns of a frame that satisfies a contract."""
    return pl.Schema({name: column.dtype.type for name, column in _columns_of(contract).columns.items()})  # pyright: ignore[reportAttributeAccessIssue]


def _columns_of(contract: type[DataFrameModel] | DataFrameSchema) -> DataFrameSchema:
    return contract if isinstance(contract, DataFrameSchema) else contract.to_schema()


def window_sessions(calendar: SessionCalendar, sessions: Sequence[date], back: int) -> list[date]:
    """The sessions from `back` before the first to the last of an ascending run of sessions."""
    return calendar.sessions(calendar.window(sessions[0], back + 1)[0], sessions[-1])
