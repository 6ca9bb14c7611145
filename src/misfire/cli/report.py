"""Write tables and figures out of the tracking store: Markdown, LaTeX, CSV and an HTML page."""

from collections.abc import Sequence

from misfire.cli._audit import is_audit, run_audit
from misfire.cli._summary import summarise


def run(words: Sequence[str]) -> int:
    """Report on an experiment: by the name of its sweep, or by ``tracking.experiment=``; or audit published counts."""
    if is_audit(words):
        return run_audit(words)
    from misfire.config import is_search_file, load_sweep, search_names, sweep_names

    named = words[0] if words and "=" not in words[0] and not words[0].startswith("-") else None
    given = [word.partition("=")[2] for word in words if word.startswith("tracking.experiment=")]
    name = named or (given[0] if given else "table1")
    if name in search_names() or (name.endswith((".yaml", ".yml")) and is_search_file(name)):
        from misfire.cli._search_summary import report_search

        return report_search(name, words[1 if named else 0 :])
    sweep = load_sweep(name) if name in sweep_names() or name.endswith((".yaml", ".yml")) else None
    experiment = sweep.name if sweep else name
    rest = [word for word in words[1 if named else 0 :] if not word.startswith("tracking.experiment=")]
    folder = summarise([*rest, f"tracking.experiment={experiment}"], sweep=sweep)
    print(f"report of {experiment}: {folder / 'report.html'}")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print(f"  {path}")
    return 0
