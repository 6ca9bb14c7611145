"""Do the main job on the bundled world, start to finish, and say where to look."""

import time
from collections.abc import Callable, Sequence

from misfire.cli import evaluate, mine, sweep

_SWEEP = "table1"


def run(words: Sequence[str]) -> int:
    """World, embeddings, baseline, failures, ablation sweep, tables and figures."""
    start = time.monotonic()
    steps: tuple[tuple[str, Callable[[], int]], ...] = (
        ("Baseline: plain retrieval on all queries", lambda: evaluate.run(words)),
        ("Failures: a frozen sample, annotation sheets, paired pictures", lambda: mine.run(words)),
        ("Ablation: every pooling on every subset", lambda: sweep.run([_SWEEP, *words])),
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
    from misfire.cli._application import compose

    paths = compose([word for word in words if word.startswith("paths")]).paths
    return [
        f"{paths.report}/{_SWEEP}/report.html       the answer, tables and figures",
        f"{paths.root}/failures/*/         the failures: sheets and paired pictures",
        "misfire ui                       the MLflow UI: cells, charts, comparisons",
    ]
