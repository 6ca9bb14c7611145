"""Say which templates a gain comes from: leave one out, and Shapley values with intervals."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from misfire.cli._application import run_task
from misfire.cli._design import design_cell
from misfire.cli._lint import warn_of_prompts

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from misfire.config import Settings
    from misfire.methods.retrieval.attribution.outcome import TemplateAttribution

# Orders of joining that are followed for more than twelve templates; up to twelve, all of them are counted.
_NUM_ORDERS = 200


def run(words: Sequence[str]) -> int:
    """Attribute the configured cell's gain, print and write it, and log it; what the store holds is read from there."""
    run_task("attribute", _attribute, words)
    return 0


def _attribute(config: "DictConfig") -> None:
    from misfire.config import Settings
    from misfire.methods.retrieval.attribution.table import attribution_table
    from misfire.methods.retrieval.attribution.words import attribution_sentence
    from misfire.reporting.table import to_markdown

    settings = Settings(config)
    found = _found_or_run(settings)
    _write(settings.report_folder, _files(found))
    print(to_markdown(attribution_table(found)))
    print(attribution_sentence(found))


def _found_or_run(settings: "Settings") -> "TemplateAttribution":
    from misfire.methods.retrieval.attribution.attribution import attribute_templates, attribution_id
    from misfire.tracking import log_attribution, read_attribution

    failure_set, cell = design_cell(settings)
    with settings.tracking.claimed(attribution_id(cell, num_orders=_NUM_ORDERS)) as finished:
        if finished is not None:
            return read_attribution(settings.tracking, finished)
        warn_of_prompts(cell, settings.backbone)
        found = attribute_templates(cell, settings.workbench, failure_set=failure_set, num_orders=_NUM_ORDERS)
        with TemporaryDirectory() as folder:
            log_attribution(
                settings.tracking,
                found,
                config_yaml=settings.to_yaml(),
                files=_files(found),
                settings={
                    "seed": str(settings.seed),
                    "failure_set": failure_set.digest[:12] if failure_set else "",
                },
                folder=Path(folder),
            )
    return found


def _files(found: "TemplateAttribution") -> dict[str, bytes]:
    from misfire.methods.retrieval.attribution.figure import attribution_bars
    from misfire.methods.retrieval.attribution.table import attribution_table
    from misfire.methods.retrieval.attribution.words import attribution_sentence
    from misfire.reporting.exhibit import exhibit_files

    return exhibit_files(attribution_table(found), attribution_bars(found), sentence=attribution_sentence(found))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    from misfire.core.files import write_files
    from misfire.core.progress import say

    write_files(folder, files)
    say(f"table and figure: {folder}/attribution.*")
