"""What whoever opens an experiment in MLflow's UI sees first: its note, its columns in order, and a few charts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

from misfire.cells import Estimate, Estimates, Logged, Question, ReportPart, in_words
from misfire.core.words import UNDEFINED, counted
from misfire.reporting.table import Column, Entry, Table, to_markdown
from misfire.tracking.links import VIEW, compare_link, run_link, view_link

VIEW_TAG = "mlflow.sharedViewState."
_NAME = "attributes.`Run Name`"
_CREATED = "runDateAndNestInfo"  # which the UI pins beside the name and doesn't hide: it is made narrow
_NAME_WIDTH, _CREATED_WIDTH, _PARAM_WIDTH, _METRIC_WIDTH = 300, 40, 100, 190  # pixels: whole names of runs and metrics
_LONGEST_NOTE = 20000  # MLflow refuses longer tags of experiments
_MOST_ROWS = 50
_MOST_COMPARED = 100  # runs whose ids fit into an address
_MOST_AXES = 3  # charts of what decides against a param; numbers first
_OWN, _NUM_RUNS = "decides", 100
_WIDE = {"columns": 2, "cardHeight": 440}  # three in a row leave no room for a legend of runs' names


@final
@dataclass(frozen=True, eq=False)
class Overview:
    """The face of an experiment.

    Args:
        question: What it asks.
        answer: What came out.
        parts: What each kind has to say, by kind, those that decide first.
        cells: The finished cells.
    """

    question: Question
    answer: str
    parts: Mapping[str, ReportPart]
    cells: Sequence[Logged]

    @property
    def deciding(self) -> Estimate | None:
        """The estimate that decides; that of the first kind which names one."""
        return next((part.deciding for part in self.parts.values() if part.deciding is not None), None)

    @property
    def estimates(self) -> list[Estimate]:
        """What a table of runs shows: the estimate that decides, then further ones, each once."""
        columns = [row for part in self.parts.values() for row in part.columns]
        wanted = [*([] if self.deciding is None else [self.deciding]), *columns]
        if not wanted:
            wanted = [row for cell in self.cells[:1] for row in cell.estimates if row.is_tracked][:6]
        return list({row.key: row for row in wanted}.values())

    @cached_property
    def shown(self) -> Sequence[Logged]:
        """The cells of the kind that decides, or else all."""
        deciding = [kind for kind, part in self.parts.items() if part.deciding is not None][:1]
        return [cell for cell in self.cells if not deciding or cell.kind in deciding] or self.cells

    @cached_property
    def params(self) -> list[str]:
        """Names of what tells cells apart: first what differs between them and all have, then what differs."""
        labels = [cell.label for cell in self.shown]
        names = list(dict.fromkeys(name for label in labels for name in label))
        differing = [name for name in names if len({label.get(name) for label in labels}) > 1]
        everywhere = [name for name in differing if all(name in label for label in labels)]
        return [*everywhere, *(name for name in differing if name not in everywhere)]

    @property
    def gist(self) -> str:
        """Answer, question and rule, in Markdown. The answer comes first and plain: lists show the first line only."""
        said = [self.answer, f"**Question.** {self.question.question}"]
        if self.question.decision_rule:
            said.append(f"**Decision rule.** {self.question.decision_rule}")
        return "\n\n".join(said) + "\n"

    def tags(self, experiment_id: str, summary_run: str) -> dict[str, str]:
        """The tags of the experiment, from which MLflow's UI reads its note, its saved view and what decides."""
        return {
            "mlflow.note.content": self._note(experiment_id, summary_run)[:_LONGEST_NOTE],
            **({f"{VIEW_TAG}{VIEW}": self._view()} if self.cells else {}),
            **({"mlflow.experiment.primaryMetric.name": self._metrics[0]} if self.deciding is not None else {}),
        }

    def _note(self, experiment_id: str, summary_run: str) -> str:
        keys = [cell.key for cell in self.shown][:_MOST_COMPARED]
        links = [
            f"[Cells with their outcomes]({view_link(experiment_id, VIEW)})",
            f"[Charts]({view_link(experiment_id, VIEW, mode='CHART')})",
            *([f"[Cells side by side]({compare_link(experiment_id, keys)})"] if len(keys) > 1 else []),
            f"[Summary: tables, figures, report]({run_link(experiment_id, summary_run)})",
        ]
        return "\n\n".join([self.gist.strip(), " · ".join(links), self._table()]) + "\n"

    def _table(self) -> str:
        cells = self._sorted()
        names = self.params or [name for cell in cells[:1] for name in cell.label][:1]
        estimates = self.estimates[:4]
        table = Table(
            name="cells",
            title=f"{counted(len(cells), 'cell')}" + (f", the first {_MOST_ROWS}" if len(cells) > _MOST_ROWS else ""),
            columns=(
                *(Column(name, (name,), is_number=False) for name in names),
                *(Column(row.tracked_name, (row.tracked_name,)) for row in estimates),
            ),
            rows=tuple(
                (
                    *(Entry(cell.label.get(name, UNDEFINED), (cell.label.get(name),)) for name in names),
                    *(_entry(cell.estimates.find(row.metric, k=row.k, group=row.group)) for row in estimates),
                )
                for cell in cells[:_MOST_ROWS]
            ),
            note="",
        )
        return to_markdown(table).strip()

    def _sorted(self) -> list[Logged]:
        """The cells, the largest of what decides first; what has no such estimate last."""
        deciding = self.deciding
        if deciding is None:
            return list(self.shown)

        def value(cell: Logged) -> float:
            found = cell.estimates.find(deciding.metric, k=deciding.k, group=deciding.group)
            return float("-inf") if found is None or found.value != found.value else found.value

        return sorted(self.shown, key=value, reverse=True)

    @cached_property
    def _metrics(self) -> list[str]:
        """Names of the metric columns: what decides with its interval, then the others."""
        return [name for place, row in enumerate(self.estimates) for name in metric_names(row, with_ends=place == 0)]

    def _view(self) -> str:
        metrics = self._metrics
        return _saved_view(
            params=self.params, metrics=metrics, order_by=metrics[0] if metrics else "", charts=self._charts()
        )

    def _charts(self) -> dict[str, Any]:
        """How the page of charts begins, in the form that MLflow's UI reads: what decides, before a chart a metric.

        The UI adds a chart for each metric that has none, in sections by the names' first parts; they stay folded.
        """
        named = {row.key: metric_names(row)[0] for row in self.estimates}
        decides = next(iter(named.values()), None)
        if decides is None:
            return {}
        others = list(named.values())[1:]
        across = sorted(self.params, key=lambda name: not self._is_numeric(name))[:_MOST_AXES]
        everywhere = [name for name in self.params if all(name in cell.label for cell in self.shown)]
        charts = [
            _bar(decides),
            *(_scatter((name, "PARAM"), (decides, "METRIC")) for name in across),
            *(_scatter((decides, "METRIC"), (other, "METRIC")) for other in others[:1]),
            *([_parallel(everywhere, [decides, *others[:1]])] if everywhere else []),
            *map(_bar, others[:4]),
        ]
        tracked = {name for cell in self.shown for name in cell.estimates.metrics()}
        sections = sorted({name.rpartition("/")[0] for name in tracked} - {""}, key=_by_cut_off)
        return {
            "compareRunCharts": charts,
            "compareRunSections": [
                _section(_OWN, f"What decides: {decides}", is_open=True),
                *(_section(name, name, is_open=False) for name in sections),
            ],
            # Keeps the sections in this order, where the UI would sort them by name.
            "isAccordionReordered": True,
        }

    def _is_numeric(self, name: str) -> bool:
        values = {cell.label[name] for cell in self.shown if name in cell.label}
        return len(values) > 2 and all(_is_number(value) for value in values)


def metric_names(row: Estimate, *, with_ends: bool = False) -> list[str]:
    """Names of an estimate's metrics, as :meth:`Estimates.metrics` writes them: the value, then its interval's ends.

    Example:
        >>> metric_names(Estimate("t2i/hit", 0.5, k=10, group="delta", unit="difference"), with_ends=True)
        ['t2i/hit_at_10/delta_pp', 't2i/hit_at_10/delta_low_pp', 't2i/hit_at_10/delta_high_pp']
    """
    names = list(Estimates((replace(row, value=0.0, low=0.0, high=0.0, is_tracked=True),)).metrics())
    return names if with_ends else names[:1]


def _saved_view(*, params: Sequence[str], metrics: Sequence[str], order_by: str, charts: Mapping[str, Any]) -> str:
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
        _CREATED: _CREATED_WIDTH,
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
            "selectedColumns": [column for column in widths if column not in (_NAME, _CREATED)],
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


def _entry(row: Estimate | None) -> Entry:
    return Entry(UNDEFINED, (None,)) if row is None else Entry(in_words(row), (row.value,))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _scatter(across: tuple[str, str], up: tuple[str, str]) -> dict[str, Any]:
    axes = {axis: {"key": key, "type": kind} for axis, (key, kind) in (("xaxis", across), ("yaxis", up))}
    return {**_chart("SCATTER", f"{_short(up[0])} against {_short(across[0])}"), **axes}


def _parallel(params: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    chosen = {"selectedParams": list(params), "selectedMetrics": list(metrics), "showAllRuns": False}
    return {**_chart("PARALLEL", ", ".join([*params, *map(_short, metrics)])), **chosen}


def _bar(metric: str) -> dict[str, Any]:
    return {**_chart("BAR", metric), "metricKey": metric}


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
        **_WIDE,
    }


def _short(metric: str) -> str:
    return metric.rpartition("/")[2]


def _by_cut_off(group: str) -> list[tuple[int, str]]:
    """Numbers in a group's name by their value: 5 before 10."""
    return [(int(word) if word.isdigit() else -1, word) for word in group.replace("/", "_").split("_")]
