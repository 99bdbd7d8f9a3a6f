"""Compiles what the tests would compile, once, before several processes of them start: `python -m ats_assets_tests.warming`.

What is compiled is kept on the disk, beside the code that it was compiled from. Without this, each process that comes to a kernel first compiles it for itself, for half a minute of all.
"""

from ats_assets.backtests.ahead_of_time import compile_kernels
from ats_assets.expressions import compute
from ats_assets.features.choosing import FAMILIES
from ats_assets_tests.expressions.panels import random_walks


def main() -> None:
    """Compile the kernels, or load them where they are on the disk already."""
    compile_kernels()
    bars = random_walks(3, 70, seed=1)
    for family in FAMILIES.values():
        compute(bars, family.expressions)
    compute(bars, {"rank": "CSRank($close)", "score": "CSZScore($close)"})


if __name__ == "__main__":
    main()
