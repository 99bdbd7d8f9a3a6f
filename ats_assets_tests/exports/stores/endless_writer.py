"""A process that writes one session of two assets over and over, until it is killed."""

import itertools
import sys

from ats_assets.exports.store import StorePlace
from ats_assets.plugins import STORES
from ats_assets_tests.kits.stores import DAYS, OTHER, TABLE, of_session


def main(kind: str) -> None:
    """Say when it begins, after the first one."""
    with STORES.made(kind, {}, None, "", StorePlace(export=kind)).connected() as connection:
        connection.prepare([TABLE, OTHER])
        for seed in itertools.count():
            connection.write(of_session(DAYS[-1], seed))
            if seed == 0:
                sys.stdout.write("begins\n")
                sys.stdout.flush()
