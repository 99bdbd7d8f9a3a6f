"""schemathesis over the whole document, on the made deployment: no fault, no status, header or content that the document has not, whatever is sent."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import Failure, FailureGroup
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from ats_assets.serving.app import make_app
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets_tests.rounds import rounds
from ats_assets_tests.serving.made_deployment import deployment_in

EXAMPLES = rounds(3, 200)
"""Of each operation."""
KNOWN: dict[str, tuple[Any, ...]] = {
    "symbol": ("SYN0000", "SYN0007"),
    "session": ("2021-03-30", "2021-03-31"),
    "client_order_id": ("main-20210324-SYN0000-open",),
    "family": ("alpha158",),
    "table": ("equity", "trades"),
    "name": ("backtest", "lightgbm"),
}
"""Of a path, what there is: what is made up is hardly ever found."""
NOT_CHECKED = {"get": [ignored_auth], "post": [ignored_auth, positive_data_acceptance]}
"""It asks without the key, and with it still in the header: test_routes.py asks without. And what a right body asks for may be refused."""
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestRemovedIn10Warning")


HEADERS: dict[str, str] = {"host": "localhost"}
"""Of each request; the key is added when it is made."""


@pytest.fixture(scope="module")
def document(traded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The document of a service of its own, which limits nobody, as somebody sees it who may do everything."""
    home = shutil.copytree(traded_home, tmp_path_factory.mktemp("schemathesis") / "home")
    deployment = deployment_in(home, serving={"requests_per_minute": 0, "wrong_keys_per_minute": 10**9, "writes": True})
    HEADERS["authorization"] = f"Bearer {KeyStore(deployment.settings.storage.data).add('tester', Role.ADMIN)}"
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", make_app(deployment), headers=HEADERS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_nothing_that_is_sent_is_answered_otherwise_than_the_document_says(document: Any, mode: GenerationMode) -> None:
    """What the document allows, and what it forbids, for each operation; all faults are told together."""
    faults: dict[str, str] = {}
    for found in document.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, database=None)
        def ask(case: Any) -> None:
            if mode is GenerationMode.POSITIVE:
                _with_what_there_is(case)
            else:
                assume(_differs_on_the_wire(case))
            case.call_and_validate(headers=HEADERS, excluded_checks=NOT_CHECKED[case.operation.method])

        try:
            ask()
        except Unsatisfiable:  # nothing about it can be wrong
            continue
        except (Failure, FailureGroup) as fault:
            told = fault.exceptions if isinstance(fault, FailureGroup) else [fault]
            faults[operation.label] = "\n".join(f"{one.title}: {one.message}" for one in told)
    assert not faults, "\n\n".join(f"{label}\n{text}" for label, text in faults.items())


def _differs_on_the_wire(case: Any) -> bool:
    """No value in the query that is wrong as a list alone: of one it is sent as the one, and of none not at all."""
    return not any(isinstance(value, list) and len(value) < 2 for value in (case.query or {}).values())


def _with_what_there_is(case: Any) -> None:
    """Put in what can be found, and mend what the document can't say: no text but the service's own is a cursor, and `from` is not after `to`."""
    query = case.query or {}
    query.pop("cursor", None)
    if {"from", "to"} <= query.keys():
        query["from"], query["to"] = sorted((query["from"], query["to"]))
    for name, known in KNOWN.items():
        parts = case.path_parameters or {}
        if name in parts and len(str(parts[name])) % 2:
            parts[name] = known[len(str(parts[name])) % len(known)]
