"""Unusual Whales as a source of option flow."""

from ats_assets.deployment import Deployment
from ats_assets.options.flow.flow_source import FlowSourcePlugin
from ats_assets.options.flow.flow_sources.unusual_whales.whale_flow import WhaleFlow
from ats_assets.options.flow.flow_sources.unusual_whales.whale_settings import WhaleFlowSettings


def open_whale_flow(own: WhaleFlowSettings, deployment: Deployment) -> WhaleFlow:
    """What the settings name; it asks nothing yet."""
    return WhaleFlow(own, deployment)


def _what_is_asked(own: WhaleFlowSettings) -> WhaleFlowSettings:
    """How the server is reached, and where the flow begins, changes no row."""
    beside = ("url", "first_session")
    return own.model_copy(update={name: WhaleFlowSettings.model_fields[name].default for name in beside})


PLUGIN = FlowSourcePlugin(settings=WhaleFlowSettings, make=open_whale_flow, flow_follows=_what_is_asked)
