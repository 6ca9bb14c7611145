"""A saved view of MLflow's runs: which columns, how wide, in which order, and which charts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

VIEW_TAG = "mlflow.sharedViewState."


_NAME = "attributes.`Run Name`"
_NAME_WIDTH, _PARAM_WIDTH, _METRIC_WIDTH = 320, 110, 190  # pixels: a whole run's name, and a whole metric's


def saved_view(*, params: Sequence[str], metrics: Sequence[str], order_by: str, charts: Mapping[str, Any]) -> str:
    """The value of the experiment tag that holds a view, as MLflow's UI reads it.

    Metric columns are hidden there until somebody asks for them; a view asks once for everybody.

    Args:
        params: Param columns, in order.
        metrics: Metric columns, in order.
        order_by: Metric by which runs are sorted, largest first.
        charts: How its charts page is laid out.
    """
    widths = {
        _NAME: _NAME_WIDTH,
        **{f"params.`{name}`": _PARAM_WIDTH for name in params},
        **{f"metrics.`{name}`": _METRIC_WIDTH for name in metrics},
    }
    return json.dumps(
        {
            "searchFilter": "",
            "orderByKey": f"metrics.`{order_by}`",
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "datasetsFilter": [],
            "modelVersionFilter": "All Runs",
            "selectedColumns": [column for column in widths if column != _NAME],
            "columnOrder": list(widths),
            "columnWidths": widths,
            "runsExpanded": {},
            "runsPinned": [],
            "runsHidden": [],
            "runsVisibilityMap": {},
            "runsHiddenMode": "FIRST_20_RUNS",
            "viewMaximized": False,
            "runListHidden": False,
            "useGroupedValuesInCharts": True,
            "hideEmptyCharts": True,
            "groupBy": None,
            "groupsExpanded": {},
            "autoRefreshEnabled": False,
            **charts,
        }
    )
