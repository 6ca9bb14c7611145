"""Run the study of sweeps/NAME.yaml: search on dev queries, read the winner once on test; issued again, it goes on."""

from collections.abc import Sequence

from misfire.core.errors import UsageError


def run(words: Sequence[str]) -> int:
    """Work off the study, together with whoever else does, then sum it up."""
    from misfire.config import search_names

    if not words or "=" in words[0] or words[0].startswith("-"):
        raise UsageError(f"search needs a name, got none; try `misfire search {search_names()[0]}`.")
    from misfire.cli._search import prepare, work_off
    from misfire.cli._search_summary import summarise_search, tell

    prepared = prepare(words[0], words[1:])
    search = prepared.search
    print(f"{search.title}\nQuestion: {search.question}\nDecision rule: {search.decision_rule}\n", flush=True)
    study = work_off(prepared)
    if any(trial.is_finished for trial in study.trials()):
        summarise_search(prepared, study)
    return tell(study)
