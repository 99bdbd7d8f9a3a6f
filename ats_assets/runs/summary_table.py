"""The summary of a run, for people."""

import math
import shutil
import sys
from pathlib import Path

from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.orchestration.dagster_home import how_to_open_ui
from ats_assets.runs.signals_table import show_signals
from ats_assets.runs.summary import Summary
from ats_assets.runs.writing import console, say, write_rows

SHOWN_SIGNALS = 10


def show(deployment: Deployment, summary: Summary) -> None:
    """Write the summary for people to standard output."""
    out = console()
    write_rows(out, [(Text(name, style="bold"), Text(text)) for name, text in _facts(summary)])
    if summary["signals"]:
        out.print()
        show_signals(deployment, summary["signals"], SHOWN_SIGNALS)
    if summary["ok"]:
        following = ", ".join(f"{_to_be_typed()}{command.removeprefix('ats')}" for command in summary["next"])
        say(f"\nNext: {following}, {how_to_open_ui()} (the graph and its history in the browser)")


def _to_be_typed() -> str:
    """The command as a shell here finds it: after `python3 dev.py run` the environment is not on the path."""
    own = Path(sys.executable).with_name("ats")
    if shutil.which("ats") or not own.is_file():
        return "ats"
    here = Path.cwd()
    return str(own.relative_to(here) if own.is_relative_to(here) else own)


def _facts(summary: Summary) -> list[tuple[str, str]]:
    made = summary["assets"]
    facts = [
        ("Sessions", f"{summary['sessions']:,}, {summary['first_session']} to {summary['last_session']}"),
        ("Assets", f"{len(made)} made, {how_many(sum(made.values()), 'partition')}"),
    ]
    if summary["rows_in"] is not None:
        facts += _row_facts(summary)
    if summary["skill"]:
        judged = summary["rank_ic"] is not None
        figures = f"IC {_number(summary['ic'], '+.4f')}, rank IC {_number(summary['rank_ic'], '+.4f')}. " if judged else ""
        facts.append(("Out of sample", f"{figures}{summary['skill']}"))
    if summary["backtest"]:
        facts += _backtest_facts(summary["backtest"])
    if summary["options"]:
        facts += _option_facts(summary["options"])
    facts += [
        ("Fallback", f"{name}: {how_many(len(lines), 'session')}, last {lines[-1].removeprefix('- ')}")
        for name, lines in summary["fallbacks"].items()
    ]
    if summary["events"]:
        facts += _event_facts(summary["events"])
    facts += [
        ("Check failed" if check["severity"] == "ERROR" else "Warning", f"{name}: {_shortened(check)}")
        for name, check in summary["checks_failed"].items()
    ]
    if summary["report"]:
        facts.append(("Report", summary["report"]))
    seconds = dict(summary["seconds"])
    total = seconds.pop("total")
    facts += [
        ("Warehouse", summary["warehouse"]),
        ("Seconds", f"{total:.1f}: " + ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in seconds.items())),
        ("Peak memory", f"{summary['peak_memory_bytes'] / 1e9:.2f} GB"),
    ]
    return facts


def _row_facts(summary: Summary) -> list[tuple[str, str]]:
    counts = summary["rejected_reasons"]
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
    if sum(counts.values()) > summary["rows_rejected"]:
        reasons += "; some rows have several reasons"
    rows = f"{summary['rows_in']:,} delivered = {summary['rows_accepted']:,} accepted + {summary['rows_rejected']:,} rejected"
    return [("Rows", f"{rows}{f' ({reasons})' if reasons else ''}"), ("Symbols", f"{summary['symbols']:,}")]


def _shortened(check: Summary) -> str:
    return f"{check['sessions']:,} sessions, named in the check's results" if check["sessions"] > 1 else check["text"]


def _backtest_facts(figures: Summary) -> list[tuple[str, str]]:
    if not figures["sessions"]:
        return [("Backtest", "none: no session has a signal yet")]
    return [
        (
            "Backtest",
            f"return {_number(figures['total_return'], '+.1%')} from {figures['first_session']} to {figures['last_session']} ({_number(figures['annual_return'], '+.1%')} a year, "
            f"before costs {_number(figures['gross_annual_return'], '+.1%')} a year), "
            f"volatility {_number(figures['volatility'], '.1%')}, "
            f"Sharpe {_number(figures['sharpe'], '.2f')} ± {_number(figures['sharpe_standard_error'], '.2f')}, "
            f"maximum drawdown {_number(figures['max_drawdown'], '.1%')}",
        ),
        (
            "Turnover",
            f"{_number(figures['turnover_a_year'], '.1f')} times the equity a year, one-way; a position is held for "
            f"{_number(figures['holding_sessions'], '.1f')} sessions; costs {_number(figures['costs_a_year'], '.2%')} a year",
        ),
        *([("Limit", figures["turnover_limit"])] if figures["turnover_limit"] else []),
        (
            "Benchmark",
            f"return {_number(figures['benchmark_return'], '+.1%')}, Sharpe {_number(figures['benchmark_sharpe'], '.2f')}, "
            f"maximum drawdown {_number(figures['benchmark_max_drawdown'], '.1%')}",
        ),
    ]


def _option_facts(found: Summary) -> list[tuple[str, str]]:
    returns = ", ".join(f"{name} {_number(value, '+.1%')}" for name, value in found["returns"].items())
    missing = ", ".join(f"{name} in {without:,} of {sessions:,}" for name, (without, sessions) in found["without_chains"].items())
    told = (
        [("Warning", f"no chain, so nothing to trade: {missing} sessions; see options.underlyings and [options.chains]")] if missing else []
    )
    return [("Options", f"return {returns}"), *told]


def _event_facts(found: Summary) -> list[tuple[str, str]]:
    figures = found["models"][found["traded"]]
    skill = figures["skill"]
    traded = (
        f"{figures['trades']:,} of {figures['predictions']:,} events in {figures['sessions']:,} sessions; "
        f"{_number(figures['mean_gross_bps'], '+.2f')} bps a trade before costs of {_number(figures['mean_cost_bps'], '.2f')}, "
        f"{_number(figures['mean_net_bps'], '+.2f')} after; won {_number(figures['win_rate'], '.0%')}; "
        f"return {_number(figures['total_return'], '+.2%')}, largest drawdown {_number(figures['max_drawdown'], '.2%')}"
    )
    told = [
        f"{name}: AUC {_number(one['skill']['auc'], '.3f')} ± {_number(one['skill']['auc_error'], '.3f')}"
        for name, one in found["models"].items()
    ]
    brier = f"Brier {_number(skill['brier'], '.4f')}, of the base rate {_number(skill['brier_of_base_rate'], '.4f')}"
    return [("Events traded", traded), ("Out of sample", f"{'; '.join(told)}; {found['traded']}: {brier}"), ("Verdict", figures["verdict"])]


def _number(value: float | None, form: str) -> str:
    return "–" if value is None or not math.isfinite(value) else format(value, form)
