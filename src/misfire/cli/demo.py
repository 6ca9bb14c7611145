"""Do the main job on the bundled world, start to finish, and say where to look."""

import time
from collections.abc import Callable, Sequence

from misfire.cli import mine, sweep
from misfire.cli._cell_verb import run_cell_verb

_SWEEP = "table1"


def run(words: Sequence[str]) -> int:
    """World, embeddings, baseline, failures, ablation sweep, tables and figures."""
    from misfire.config.composing import shared_out

    shares = shared_out(("evaluate", "mine", "ensemble"), words)

    def known(verb: str) -> list[str]:
        return shares[verb]

    start = time.monotonic()
    steps: tuple[tuple[str, Callable[[], int]], ...] = (
        ("Baseline: plain retrieval on all queries", lambda: run_cell_verb("evaluate", known("evaluate"))),
        ("Failures: a frozen sample, annotation sheets, paired pictures", lambda: mine.run(known("mine"))),
        ("Ablation: every pooling on every subset", lambda: sweep.run([_SWEEP, *known("ensemble")])),
    )
    for number, (title, step) in enumerate(steps, start=1):
        print(f"\n[{number}/{len(steps)}] {title}", flush=True)
        code = step()
        if code:
            return code
    print(f"\nDone in {time.monotonic() - start:.0f} s. Where to look:")
    for line in _where(words):
        print(f"  {line}")
    return 0


def _where(words: Sequence[str]) -> list[str]:
    from misfire.config.composing import composed

    paths = composed("ensemble", [word for word in words if word.startswith("paths")]).paths
    places = {
        f"{paths.report}/{_SWEEP}/report.html": "the answer, tables and figures",
        f"{paths.root}/failures/*/": "the failures: sheets and paired pictures",
        "misfire ui": "the MLflow UI: cells, charts, comparisons",
    }
    width = max(map(len, places))
    return [f"{place:<{width}}  {what}" for place, what in places.items()]
