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

from misfire.cells import Logged
from misfire.config.settings import Settings
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble

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
        logged = Settings.of_words("ensemble", [*paths, "tracking.experiment=sweep_0"])["tracking"].load("ensemble")
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


def timed_separate(folder: Path, paths: list[str], logged: Logged) -> float:
    found_in_sweep = LoggedEnsemble(logged)
    subset, pooling = found_in_sweep.subset, found_in_sweep.pooling
    settings = Settings.of_words("ensemble", [*paths, f"subset={subset}", f"pooling={pooling}"])
    asked = settings.cell()
    _, cell = asked.design.resolve(settings.lab, asked.templates, asked.pooling)
    content = {
        "captions": [cell.dataset.captions[position].text for position in cell.queries],
        "targets": [int(cell.dataset.targets[position]) for position in cell.queries],
        "templates": list(cell.template_set.templates),
        "pooling": pooling,
        "num_subset": len(cell.subset),
    }
    (folder / "cell.json").write_text(json.dumps(content))
    np.save(folder / "images.npy", asked.design.bench(settings.lab).gallery.numpy())
    words = [folder / "cell.json", folder / "images.npy", MODEL, folder / "separate.json"]
    start = time.perf_counter()
    subprocess.run([sys.executable, Path(__file__).parent / "separate_run.py", *map(str, words)], check=True)
    elapsed = time.perf_counter() - start
    found = json.loads((folder / "separate.json").read_text())
    for k in found_in_sweep.ks:
        flips = found_in_sweep.flips(k)
        counted = [flips.right_before, flips.right_after]
        if found[str(k)][:2] != counted:
            print(f"hits@{k} of {subset}: {found[str(k)][:2]} apart, {counted} in the sweep")
    return elapsed


if __name__ == "__main__":
    main()
