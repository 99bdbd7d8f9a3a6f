"""The map once more, for crypto currencies: the same graph with the settings of `crypto.toml`, as a code location of its own.

Its sessions are days in UTC, each day of the year. The prefix of its settings keeps its assets, jobs and sensors apart from the equities'.
"""

import dagster as dg

from ats_assets.definitions import built_once
from ats_assets.errors import SettingsError
from ats_assets.monitoring.structured_logs import configure_logs
from ats_assets.orchestration.instance import guard_documents
from ats_assets.orchestration.known_warnings import silence_known
from ats_assets.secrecy import guard_secrets
from ats_assets.settings import crypto_settings_file, load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads.

    Raises
    ------
    SettingsError
        If the settings have no prefix: the two graphs would mix their histories.
    """
    file = crypto_settings_file()
    guard_secrets(file.parent)
    guard_documents()
    silence_known()
    settings = load_settings(file)
    if not settings.graph.prefix:
        raise SettingsError(f'{file} has no graph.prefix, so its assets would be taken for the equities\': set [graph] prefix = "crypto"')
    configure_logs(settings.logging)
    return built_once(settings)
