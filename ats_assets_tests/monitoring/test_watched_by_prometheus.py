"""A real Prometheus scrapes the real exporter and the real service of a deployment with everything on.

Nothing fires while all is well; each panel of each dashboard has data; alerts fire when their faults are made, and end with them. `benchmarks/fortnight_of_faults.py` makes every fault.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from ats_assets.monitoring.components import components
from ats_assets.trade_state import open_trade_state
from ats_assets.trade_state.tables import halts
from ats_assets_tests.monitoring.prometheus import Prometheus, needed, running_prometheus
from ats_assets_tests.monitoring.test_prometheus_rules import queries
from ats_assets_tests.monitoring.watched_deployment import Watched, watched
from ats_assets_tests.serving.made_deployment import make_traded
from ats_assets_tests.sharing import made_for_all


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    needed("prometheus")
    source = made_for_all(tmp_path_factory, "served", lambda home: make_traded(home, tmp_path_factory))
    with watched(source, tmp_path_factory.mktemp("watched") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def prometheus(seen: Watched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with running_prometheus(
        tmp_path_factory.mktemp("prometheus"), {"ats": seen.address, "ats-service": seen.service}, shorter=120
    ) as found:
        for path in ("/api/v1/signals", "/api/v1/status", "/nowhere"):
            seen.asked(path)
        found.until(lambda: bool(found.query("ats:http_request_duration_seconds:p95_rate5m")), "two scrapes of the service")
        yield found


def test_nothing_fires_while_all_is_well_and_status_says_the_same(seen: Watched, prometheus: Prometheus) -> None:
    assert prometheus.firing() <= {"AtsChampionSkillGone"}, "the made market has no edge"
    assert not [one.name for one in components(seen.deployment) if one.needs_person]
    (series,) = prometheus.query("max(ats_exporter_series)")
    assert float(series["value"][1]) < 1_000
    (slowest,) = prometheus.query('max(scrape_samples_post_metric_relabeling{job="ats"})')
    assert float(slowest["value"][1]) <= 2_000


def test_each_panel_of_each_dashboard_has_data(prometheus: Prometheus) -> None:
    asked = queries()
    assert len(asked) > 70

    def empty() -> list[tuple[str, str, str]]:
        return [one for one in asked if not prometheus.query(one[2])]

    with suppress(AssertionError):
        prometheus.until(lambda: not empty(), "data in every panel", seconds=20)
    assert empty() == []


def test_alerts_fire_when_their_faults_are_made_and_end_with_them(seen: Watched, prometheus: Prometheus) -> None:
    before = prometheus.firing()
    kill_file = seen.deployment.settings.orders.kill_file
    with open_trade_state(seen.deployment.settings) as state, state.begin() as connection:
        halts_at = datetime.now(UTC)
        connection.execute(halts.insert().values(at=halts_at, reason="paper and our records differ: cash"))
    kill_file.touch()
    signals = max((seen.deployment.warehouse.root / "signals").glob("session=*/data.parquet"))
    content = signals.read_bytes()
    signals.write_bytes(content[:-20])
    made = {"AtsReconciliationHalt", "AtsKillSwitchOn", "AtsApiErrors"}

    def fire() -> bool:
        assert seen.asked("/api/v1/signals") == 503
        return made <= prometheus.firing()

    prometheus.until(fire, "the alerts of three faults")
    assert prometheus.firing() - before == made
    signals.write_bytes(content)
    kill_file.unlink()
    with open_trade_state(seen.deployment.settings) as state, state.begin() as connection:
        connection.execute(halts.update().values(cleared_at=datetime.now(UTC), cleared_by="me", note=""))
    prometheus.until(lambda: not {"AtsReconciliationHalt", "AtsKillSwitchOn"} & prometheus.firing(), "their end")


def test_an_exporter_that_is_gone_is_told_of(seen: Watched, prometheus: Prometheus) -> None:
    """The last test here: it ends the exporter."""
    seen.exporter.server_close()
    prometheus.until(lambda: "AtsExporterGone" in prometheus.firing(), "word of its end")
