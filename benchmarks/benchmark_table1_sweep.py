"""The whole Table 1 sweep on a filled store, tracking included, against twelve separate runs of the usual script.

Both sides are timed as whole processes, in one run, and must agree on every count of hits.
Usage: python benchmarks/benchmark_table1_sweep.py [--cells 12] [--repeats 3]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from misfire.cli._application import compose
from misfire.cli._design import design_cell
from misfire.config import Settings
from misfire.tracking import read_cells

SUBSETS = ("object_attribute", "object", "attribute", "action")
POOLINGS = ("max", "mean", "logmeanexp")
MODEL = Path(__file__).parents[1] / "src" / "misfire" / "embeddings" / "world_clip"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--cells", type=int, default=len(SUBSETS) * len(POOLINGS), help="how many separate runs to time"
    )
    parser.add_argument("--repeats", type=int, default=3, help="how often the sweep is timed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [f"paths.root={folder / 'root'}", f"paths.report={folder / 'report'}"]
        timed_sweep(paths, "filling")
        sweeps = [timed_sweep(paths, f"sweep_{number}") for number in range(asked.repeats)]
        logged = read_cells(Settings(compose([*paths, "tracking.experiment=sweep_0"])).tracking)
        separate = [timed_separate(folder, paths, cell) for cell in logged[: asked.cells]]
    sweep, apart = float(np.median(sweeps)), sum(separate) / len(separate) * len(logged)
    print(f"| sweep of {len(logged)} cells, filled store, MLflow and report included | {sweep:.1f} s |")
    print(f"| {len(logged)} separate runs ({len(separate)} timed) | {apart:.1f} s |")
    print(f"| ratio | {apart / sweep:.1f} |")


def timed_sweep(paths: list[str], experiment: str) -> float:
    words = ["sweep", "table1", *paths, f"tracking.experiment={experiment}"]
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "misfire", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def timed_separate(folder: Path, paths: list[str], logged: object) -> float:
    outcome = logged.outcome
    settings = Settings(compose([*paths, f"subset={outcome.subset}", f"pooling={outcome.pooling}"]))
    _, cell = design_cell(settings)
    content = {
        "captions": [cell.dataset.captions[position].text for position in cell.queries],
        "targets": [int(cell.dataset.targets[position]) for position in cell.queries],
        "templates": list(cell.template_set.templates),
        "pooling": outcome.pooling,
        "num_subset": len(cell.subset),
    }
    (folder / "cell.json").write_text(json.dumps(content))
    np.save(folder / "images.npy", settings.workbench.gallery.numpy())
    words = [folder / "cell.json", folder / "images.npy", MODEL, folder / "separate.json"]
    start = time.perf_counter()
    subprocess.run([sys.executable, Path(__file__).parent / "separate_run.py", *map(str, words)], check=True)
    elapsed = time.perf_counter() - start
    found = json.loads((folder / "separate.json").read_text())
    for cutoff in outcome.cutoffs:
        counted = [cutoff.baseline_hits, cutoff.ensembled_hits]
        if found[str(cutoff.k)][:2] != counted:
            print(f"hits@{cutoff.k} of {outcome.subset}: {found[str(cutoff.k)][:2]} apart, {counted} in the sweep")
    return elapsed


if __name__ == "__main__":
    main()
