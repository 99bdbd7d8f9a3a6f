"""A start without Dagster's notices: 53 lines before, of which none asked for anything."""

import subprocess
import sys
from pathlib import Path

from ats_assets_tests.cli.market import ROOT, environment

CODE = """
import warnings
from ats_assets.definitions import defs
from ats_assets.orchestration.known_warnings import silence_known
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("default")
    silence_known()
    defs()
print(*(one.message for one in caught), sep="\\n")
"""
OTHERS = """
import dagster as dg, warnings
from ats_assets.orchestration.known_warnings import silence_known
warnings.simplefilter("default")
silence_known()
warnings.warn("Parameter `automation_condition` of function `asset` is currently in beta", dg.BetaWarning)
warnings.warn("Parameter `backfill_policy` of function `asset` is currently in beta", dg.BetaWarning)
"""


def run(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(home), capture_output=True, text=True, check=True)


def test_the_graph_is_loaded_without_a_notice(home: Path) -> None:
    loaded = run(CODE, home)
    assert "Warning" not in loaded.stderr
    assert loaded.stdout.strip() == ""


def test_what_is_not_named_is_seen(home: Path) -> None:
    said = run(OTHERS, home).stderr
    assert "automation_condition" in said
    assert "backfill_policy` of" not in said.replace("warnings.warn(", "")
