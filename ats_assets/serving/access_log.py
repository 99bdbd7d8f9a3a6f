"""The log of who asked for what: a line a request, without query, header or key."""

import logging

access = logging.getLogger("ats_assets.serving.access")
