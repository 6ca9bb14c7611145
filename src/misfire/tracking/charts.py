"""What MLflow's charts page opens with: a few charts that decide, before one bar chart a metric."""

from collections.abc import Iterable, Sequence
from typing import Any

_OWN, _NUM_RUNS = "decides", 100


def saved_charts(*, k: int, params: Sequence[str], metrics: Iterable[str]) -> dict[str, Any]:
    """The part of a saved view that lays out its charts, as MLflow's UI reads it.

    The UI adds a chart for each metric that has none, some hundred a cell. They stay there, folded.

    Args:
        k: Cut-off by which is decided.
        params: Params that tell cells apart, in order; every cell has them.
        metrics: All metrics of the cells.
    """
    gain, all_queries = f"t2i/hit_at_{k}/delta_pp", f"t2i/hit_at_{k}/all_net_pp"
    others = [f"t2i/hit_at_{k}/{name}" for name in ("complement_net_pp", "placebo_noise/p_at_least")]
    known = set(metrics)
    charts = [
        *([_scatter(gain, all_queries)] if all_queries in known else []),
        _parallel(params, [metric for metric in (gain, all_queries) if metric in known]),
        *(_bar(metric) for metric in (gain, all_queries, *others) if metric in known),
    ]
    groups = sorted({metric.rpartition("/")[0] for metric in known} - {""}, key=_by_cut_off)
    return {
        "compareRunCharts": charts,
        "compareRunSections": [
            _section(_OWN, f"What decides at {k}", is_open=True),
            *(_section(group, group, is_open=False) for group in groups),
        ],
        # Keeps the sections in this order, where the UI would sort them by name.
        "isAccordionReordered": True,
    }


def _scatter(across: str, up: str) -> dict[str, Any]:
    axes = {name: {"key": key, "type": "METRIC"} for name, key in (("xaxis", across), ("yaxis", up))}
    return {**_chart("SCATTER", f"{_short(up)} against {_short(across)}"), **axes}


def _parallel(params: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    chosen = {"selectedParams": list(params), "selectedMetrics": list(metrics), "showAllRuns": False}
    return {**_chart("PARALLEL", ", ".join([*params, *map(_short, metrics)])), **chosen}


def _bar(metric: str) -> dict[str, Any]:
    return {**_chart("BAR", _short(metric)), "metricKey": metric}


def _chart(kind: str, name: str) -> dict[str, Any]:
    return {
        "uuid": f"{kind.lower()} {name}",
        "type": kind,
        "runsCountToCompare": _NUM_RUNS,
        "metricSectionId": _OWN,
        "deleted": False,
        "isGenerated": False,
        "displayName": name,
    }


def _section(uuid: str, name: str, *, is_open: bool) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "name": name,
        "display": is_open,
        "isReordered": False,
        "deleted": False,
        "isGenerated": not is_open,
    }


def _short(metric: str) -> str:
    return metric.split("/", 2)[2]


def _by_cut_off(group: str) -> list[tuple[int, str]]:
    """Numbers in a group's name by their value: 5 before 10."""
    return [(int(word) if word.isdigit() else -1, word) for word in group.replace("/", "_").split("_")]
