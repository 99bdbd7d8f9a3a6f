"""`ats leakcheck`: whether anything stored under a session has look-ahead bias."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError, how_many
from ats_assets.leakcheck import Leak, Timed, Unstable, find_leaks, of_deployment, of_function, of_row_form
from ats_assets.leakcheck.subjects import stored_bars
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings


def leakcheck(*, functions: Sequence[str], only: Sequence[str], sessions: int, symbols: int, draws: int, as_json: bool) -> None:
    """Write what was found to standard output; status 1 if anything leaks or can't be judged."""
    deployment = Deployment(load_settings())
    subjects = _subjects(deployment, functions, only, sessions=sessions, symbols=symbols, draws=draws)
    unknown = sorted(set(only) - {one.subject.name for one in subjects})
    if unknown:
        raise SettingsError(
            f"there is nothing to check called {', '.join(unknown)}; choose from {', '.join(s.subject.name for s in subjects)}"
        )
    chosen = [one.subject for one in subjects if not only or one.subject.name in only or one.subject.name in functions]
    times = {one.subject.name: one.times for one in subjects}
    found: list[Leak | Unstable] = []
    with LongJob("ats leakcheck", len(chosen), "subjects") as job:
        for subject in chosen:
            job.step(0, subject.name)
            result = find_leaks(subject, times[subject.name], draws=draws)
            found += [result] if isinstance(result, Unstable) else result
            say(f"{subject.name}: {_verdict(result)}")
            job.step()
    if as_json:
        report = [{"finding": type(finding).__name__.lower(), **asdict(finding)} for finding in found]
        sys.stdout.write(json.dumps({"subjects": [s.name for s in chosen], "findings": report}, indent=2, default=str) + "\n")
    else:
        for finding in found:
            sys.stdout.write(f"{finding}\n")
        if not found:
            sys.stdout.write(f"no leak in {', '.join(subject.name for subject in chosen)}\n")
    if found:
        raise typer.Exit(1)


def _subjects(
    deployment: Deployment, functions: Sequence[str], only: Sequence[str], *, sessions: int, symbols: int, draws: int
) -> list[Timed]:
    """What there is to check: of the daily bars, at sessions, and inside sessions, at instants; said with how much of it."""
    inside = [] if functions and not only else of_row_form(deployment, sessions)
    if inside:
        say(f"inside up to {how_many(sessions, 'session')}, with later data changed after {how_many(draws, 'instant')}")
    if inside and not functions and not deployment.valid_sessions("bars"):
        return inside
    bars, days = stored_bars(deployment, sessions, symbols)
    sys.path.insert(0, str(Path.cwd()))
    own = [of_function(name, bars) for name in functions]
    subjects = own if functions and not only else own + of_deployment(deployment, bars, days)
    span = f"{how_many(len(days), 'session')} ({days[0]} to {days[-1]})"
    say(f"{how_many(bars['symbol'].n_unique(), 'symbol')}, {span}, with later data changed at {draws} of them")
    return [*(Timed(subject=subject, times=days) for subject in subjects), *inside]


def _verdict(result: list[Leak] | Unstable) -> str:
    if isinstance(result, Unstable):
        return "unstable"
    return f"{len({leak.column for leak in result})} columns leak" if result else "ok"
