"""docs/stores.md says what is so: the table that it shows, the settings, the example."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from ats_assets.definitions import build
from ats_assets.exports.choosing import exported_tables, exports
from ats_assets.exports.stores.delta import DeltaSettings
from ats_assets.exports.stores.qlib_bin import QlibSettings
from ats_assets.exports.stores.redis import RedisSettings
from ats_assets.exports.stores.timescale import TimescaleSettings
from ats_assets_tests.exports.exported_market import export, market
from ats_assets_tests.exports.redis_servers import RedisServer

PAGE = (Path(__file__).parents[2] / "docs" / "stores.md").read_text(encoding="utf-8")


def test_the_table_is_that_of_the_contract(tmp_path: Path) -> None:
    deployment = market(tmp_path, exports={"timescale": {"assets": ["predictions"]}})
    build(deployment)
    one = deployment.of(exports)["timescale"]
    (shown,) = re.findall(r"```sql\n(CREATE TABLE.*?)```", PAGE, re.DOTALL)
    assert shown in one.store.schema_text(exported_tables(deployment, one))


@pytest.mark.parametrize(
    ("heading", "settings"), [("Redis", RedisSettings), ("PostgreSQL", TimescaleSettings), ("qlib", QlibSettings), ("Delta", DeltaSettings)]
)
def test_the_settings_are_those_that_there_are(heading: str, settings: type[BaseModel]) -> None:
    section = PAGE.split(f"\n## {heading}")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(settings.model_fields)
    for name, field in settings.model_fields.items():
        (default,) = re.findall(rf"^\| `{name}` \| `?([^|`]*?)`? \|", section, re.MULTILINE)
        assert default.strip("`") in {str(field.default).removesuffix(".0"), *(("never", "all") if field.default is None else ("none",))}, (
            name
        )


def test_the_example_runs(root: Path, online: RedisServer) -> None:
    export(market(root), "redis")
    assert online.pid
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.split("\n## Redis")[1].split("\n## ")[0], re.DOTALL)
    exec(example.replace("AAPL", "SYN0000").replace("MSFT", "SYN0001"), {})
