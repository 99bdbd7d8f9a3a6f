"""A profile of what a vendor delivered, by Great Expectations, with its Data Docs (HTML).

It describes a delivery as a whole: types, missing shares, ranges, the order of prices, repeats. It decides nothing about a row (`screening.py`
does): an expectation about rows fails where more of them break it than may be rejected.
"""

# pyright: reportPrivateImportUsage=false
# Great Expectations does not mark what its packages re-export.

import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ats_assets.errors import ContractError
from ats_assets.sources.data_docs import make_self_contained
from ats_assets.sources.schema import MEASURES, PRICES, RAW_BARS_SCHEMA
from ats_assets.storage.deferred_imports import deferred

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation

SITE = "delivery"
LOWEST = -1e300
UNUSED = ("boto3", "botocore", "google.api_core", "google.auth", "google.cloud", "google.oauth2", "pyspark", "rfc3987_syntax")
"""What Great Expectations imports where it is installed, for stores and formats that no profile here has: two fifths of the time of its import."""
LATER = ("altair", "scipy.stats")
"""What it imports for the distance of two distributions and its chart, which no profile here has: a hundred megabytes, and half a second of its import."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the profile of a delivery found.

    Attributes
    ----------
    success
        Whether the delivery meets all expectations.
    evaluated
        How many expectations there are.
    failed
        Those that it does not meet, as "columns: expectation".
    index
        The start page of the Data Docs.
    page
        Their page with the results.
    """

    success: bool
    evaluated: int
    failed: tuple[str, ...]
    index: Path
    page: Path


def prepare_profiles() -> None:
    """Import Great Expectations, which takes seconds, before the first delivery is there; where it is imported already, nothing is hidden again."""
    if "great_expectations" in sys.modules:
        return
    with warnings.catch_warnings(), deferred(*LATER, absent=UNUSED):
        warnings.simplefilter("ignore", DeprecationWarning)  # its import warns of modules of the standard library that it uses
        import great_expectations  # noqa: F401, PLC0415


def profile(raw: pl.DataFrame, folder: Path, *, name: str, max_rejected_share: float = 0.01) -> Profile:
    """Profile a delivery and write its Data Docs.

    Nothing is sent anywhere, and the pages load nothing from the network.

    Parameters
    ----------
    raw
        Raw bars of any number of sessions. A delivery without rows fails the expectation to have some; its columns are not looked into.
    folder
        Where the pages go; made if need be. Pages of an earlier profile in it are replaced.
    name
        What the pages call the delivery, such as its source and sessions. Characters other than letters, digits, _ and = become "-".
    max_rejected_share
        Share of the rows that may break an expectation about rows.

    Returns
    -------
    Profile
        The outcome, and where the pages are.

    Raises
    ------
    ContractError
        If `raw` lacks columns of raw bars.
    """
    missing = [column for column in RAW_BARS_SCHEMA if column not in raw.columns]
    if missing:
        raise ContractError(f"the delivery {name!r} lacks the columns {missing}: profile raw bars, as a source returns them")
    raw = raw.select(RAW_BARS_SCHEMA.names())  # whose rows they are is no matter of quality
    prepare_profiles()
    import great_expectations as gx  # noqa: PLC0415 - takes seconds

    title = re.sub(r"[^\w=-]+", "-", name).strip("-")[:100] or SITE
    for earlier in ("expectations", "validations"):
        shutil.rmtree(folder / earlier, ignore_errors=True)
    context = _context(folder)
    suite = context.suites.add(gx.ExpectationSuite(name=title, expectations=list(_expectations(raw, mostly=1.0 - max_rejected_share))))
    asset = context.data_sources.add_pandas(SITE).add_dataframe_asset("raw_bars")
    definition = gx.ValidationDefinition(name=title, data=asset.add_batch_definition_whole_dataframe("delivery"), suite=suite)
    definition = context.validation_definitions.add(definition)
    # the order of prices is judged to 13 digits: the rounding of adjusted prices is no fault (`screening.ROUNDING`)
    shown = raw.with_columns(pl.col(PRICES).round_sig_figs(13))
    result = definition.run(batch_parameters={"dataframe": shown.to_pandas()}, result_format="SUMMARY")
    context.build_data_docs(site_names=[SITE])
    page = make_self_contained(folder, title=name)
    return _outcome(result, index=folder / "index.html", page=page)


def _context(folder: Path) -> "EphemeralDataContext":
    """A context in memory that writes pages to `folder`, and neither usage statistics nor progress bars."""
    import great_expectations as gx  # noqa: PLC0415 - takes seconds
    from great_expectations.data_context.types import base  # noqa: PLC0415

    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    config = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        data_docs_sites={SITE: site},
        analytics_enabled=False,
        progress_bars=base.ProgressBarsConfig(globally=False),
    )
    return gx.get_context(project_config=config, mode="ephemeral")


def _expectations(raw: pl.DataFrame, *, mostly: float) -> Iterator["Expectation"]:
    """What is expected of a delivery; of columns without any value only that they may be so."""
    from great_expectations.expectations import core as gxe  # noqa: PLC0415

    yield gxe.ExpectTableColumnsToMatchOrderedList(column_list=list(RAW_BARS_SCHEMA))
    yield gxe.ExpectTableRowCountToBeBetween(min_value=1)
    if raw.is_empty():
        return
    yield gxe.ExpectCompoundColumnsToBeUnique(
        column_list=["session", "symbol", "date"], ignore_row_if="any_value_is_missing", mostly=mostly
    )
    yield gxe.ExpectColumnValuesToBeNull(column="defects", mostly=mostly)
    for column in ("symbol", "date", "session", *PRICES, "volume"):
        yield gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=1.0 if column == "session" else mostly)
    for column in ("symbol", "session"):
        yield gxe.ExpectColumnUniqueValueCountToBeBetween(column=column, min_value=1)
    filled = [column for column in MEASURES if raw[column].fill_nan(None).count()]
    for column in filled:
        yield gxe.ExpectColumnValuesToBeOfType(column=column, type_="float64")
        yield gxe.ExpectColumnValuesToBeBetween(column=column, min_value=0, strict_min=column != "volume", mostly=mostly)
        yield gxe.ExpectColumnMinToBeBetween(
            column=column
        )  # shown, not judged: one bad row makes it, and how many there may be is judged above
        for aggregate in (gxe.ExpectColumnMedianToBeBetween, gxe.ExpectColumnMaxToBeBetween):
            yield aggregate(column=column, min_value=0)
    for greater, less in (("high", "low"), ("high", "open"), ("high", "close"), ("open", "low"), ("close", "low")):
        if greater in filled and less in filled:
            yield gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=greater, column_B=less, or_equal=True, mostly=mostly, ignore_row_if="either_value_is_missing"
            )


def _outcome(result: "ExpectationSuiteValidationResult", *, index: Path, page: Path) -> Profile:
    failed: list[str] = []
    for each in result.results:
        config = each.expectation_config
        if not each.success and config is not None:
            about = [config.kwargs.get(key) for key in ("column", "column_A", "column_B")]
            columns = ", ".join(column for column in [*about, *(config.kwargs.get("column_list") or [])] if column)
            failed.append(f"{columns or 'table'}: {config.type}")
    return Profile(
        success=bool(result.success),
        evaluated=len(result.results),
        failed=tuple(sorted(failed)),
        index=index,
        page=page,
    )
