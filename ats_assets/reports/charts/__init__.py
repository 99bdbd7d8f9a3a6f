"""Charts of the reports as SVG of our own: no script and no library draws them, so they print, and the same figures give the same bytes.

A chart is as wide as the page lets it be: positions across are shares of the width, heights are pixels, and letters keep their size. Colours are classes of the style sheet.
"""

from ats_assets.reports.charts.bar_chart import BarGroup, Marker, bar_chart, histogram_chart
from ats_assets.reports.charts.chart import Chart
from ats_assets.reports.charts.line_chart import Line, LinePanel, line_chart

__all__ = ["BarGroup", "Chart", "Line", "LinePanel", "Marker", "bar_chart", "histogram_chart", "line_chart"]
