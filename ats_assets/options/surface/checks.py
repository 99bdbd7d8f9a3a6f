"""Checks of the volatility surface: its contract, how much of it allows arbitrage, and whether the spot is what puts and calls say."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.options.surface.contracts import VolatilitySurface
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.sources.broken_rules import sessions_with_broken_rules

NAME = "volatility_surface"
NEAR_YEARS, LEAST_PAIRS = 0.25, 3
"""Expiries whose forward says what the spot is, and from how many pairs: later ones say more of dividends and borrowing."""


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The checks; none without the asset."""
    return [_contract(deployment), _arbitrage(deployment), _spot(deployment)] if deployment.settings.options.has_chains else []


def _contract(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=NAME, name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract_of_surface(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether each expiry of the chains has one row, with a smile or the reason why there is none; reasons are counted."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rows = deployment.warehouse.read(NAME, sessions)
        found = sessions_with_broken_rules(VolatilitySurface.to_schema(), rows, sessions)
        verdicts = {}
        for day in sessions:
            own, said = rows.filter(session=day), found.get(day, "")
            reasons = own.filter(pl.col("why") != "")["why"].value_counts().sort("why")
            figures = {"smiles": own.height - int(reasons["count"].sum()), **dict(reasons.iter_rows())}
            verdicts[day] = Verdict(passed=not said, text=said, metadata=figures)
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return contract_of_surface


def _arbitrage(deployment: Deployment) -> dg.AssetChecksDefinition:
    most = deployment.settings.volatility_surface.max_arbitrage_share

    @dg.asset_check(asset=NAME, name="arbitrage", partitions_def=partitions_of(deployment))
    def arbitrage(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """How many smiles allow a butterfly, or a calendar with the expiry before, that costs less than nothing; a larger share than `volatility_surface.max_arbitrage_share` is warned of."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rows = deployment.warehouse.read(NAME, sessions, ["session", "underlying", "expiry", "butterfly_free", "calendar_free", "why"])
        verdicts = {day: judged_arbitrage(rows.filter(session=day), most) for day in sessions}
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return arbitrage


def judged_arbitrage(rows: pl.DataFrame, most: float) -> Verdict:
    """The verdict on a session's smiles."""
    smiles = rows.filter(pl.col("why") == "")
    butterflies, calendars = (int((~smiles[name]).sum()) for name in ("butterfly_free", "calendar_free"))
    bad = smiles.filter(~(pl.col("butterfly_free") & pl.col("calendar_free")))
    share = bad.height / max(smiles.height, 1)
    named = ", ".join(f"{underlying} {expiry}" for underlying, expiry in bad.select("underlying", "expiry").head(5).iter_rows())
    text = (
        f"{bad.height} of {smiles.height} smiles allow arbitrage (volatility_surface.max_arbitrage_share allows {most:.0%}): {named}. "
        "Look whether the quotes of these expiries are of one time, and whether their spreads are wide"
    )
    figures = {"smiles": smiles.height, "butterflies": butterflies, "calendars": calendars, "share": share}
    return Verdict(passed=share <= most, text=text if share > most else "", metadata=figures)


def _spot(deployment: Deployment) -> dg.AssetChecksDefinition:
    most = deployment.settings.volatility_surface.max_spot_difference

    @dg.asset_check(asset=NAME, name="spot", partitions_def=partitions_of(deployment))
    def spot_of_parity(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether each underlying's close is the price that its puts and calls tell, within `volatility_surface.max_spot_difference`: a close of another moment makes every volatility wrong."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        slices = ["session", "underlying", "expiry"]
        surface = deployment.warehouse.read(NAME, sessions, [*slices, "years", "forward", "parity_pairs"])
        chains = deployment.warehouse.read("option_chains", sessions, [*slices, "contract", "spot"])
        carried = deployment.warehouse.read("greeks", sessions, ["session", "contract", "rate", "dividend_yield", "dividends"])
        carry = (
            chains.join(carried, on=["session", "contract"])
            .group_by(slices)
            .agg(pl.col("spot", "rate", "dividend_yield", "dividends").first())
        )
        rows = surface.join(carry, on=slices, maintain_order="left")
        verdicts = {day: judged_spots(rows.filter(session=day), most) for day in sessions}
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return spot_of_parity


def judged_spots(rows: pl.DataFrame, most: float) -> Verdict:
    """The verdict on a session's spots.

    Parameters
    ----------
    rows
        underlying, years, forward, parity_pairs of each expiry, with spot, rate, dividend_yield and dividends (present value).
    """
    near = rows.filter(pl.col("parity_pairs") >= LEAST_PAIRS, pl.col("years") <= NEAR_YEARS)
    told = pl.col("forward") * (-pl.col("rate") * pl.col("years")).exp() + pl.col("dividends")
    told = told * (pl.col("dividend_yield") * pl.col("years")).exp()
    found = near.group_by("underlying").agg(spot=pl.col("spot").first(), told=told.median()).sort("underlying")
    off = found.filter((pl.col("told") / pl.col("spot") - 1.0).abs() > most)
    named = "; ".join(f"{underlying} at {spot:.2f}, its options say {price:.2f}" for underlying, spot, price in off.head(5).iter_rows())
    text = (
        f"{off.height} of {found.height} spots differ by more than {most:.1%} (volatility_surface.max_spot_difference): {named}. "
        "Look whether the close is of the same moment as the chain's prices; volatilities, greeks and marks at intrinsic value are only as good as the spot"
    )
    return Verdict(passed=off.is_empty(), text=text if off.height else "", metadata={"underlyings": found.height, "differing": off.height})
