"""What a further cell of a grid costs on a filled store, what a finished one does, and what a report of them does.

The same grid of temperatures is issued with few values, with all of them, and with all of them again. The difference of
the first two over the further cells is what one costs; the third against a grid of few finished ones says what a
finished one costs. Every command is a process of its own; CPU seconds are the process's own, so that a busy neighbour
doesn't count. Reports are made by each command but the last two, which find theirs made.

Usage: python benchmarks/benchmark_grid.py [--taus 65] [--few 5] [--finished 1000] [--images 1000] [--misfire COMMAND]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measure import machine


@dataclass(frozen=True)
class Cost:
    """Of one command, in seconds."""

    wall: float
    cpu: float

    def less(self, other: "Cost", *, cells: int) -> "Cost":
        return Cost((self.wall - other.wall) / cells, (self.cpu - other.cpu) / cells)

    def __str__(self) -> str:
        return f"{self.wall:.4g} s | {self.cpu:.4g} s"


def cost(command: list[str], folder: Path) -> Cost:
    """What a command costs; it must succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--taus", type=int, default=65)
    parser.add_argument("--few", type=int, default=5)
    parser.add_argument("--finished", type=int, default=0, help="a grid of so many cells is run, then issued again")
    parser.add_argument("--images", type=int, default=1000, help="size of the bundled world")
    parser.add_argument("--misfire", default="misfire", help="another installation's command, to compare with")
    asked = parser.parse_args()

    def grid(experiment: str, num_taus: int) -> list[str]:
        taus = [f"{0.001 * 10 ** (4 * place / (asked.taus - 1)):.6g}" for place in range(num_taus)]
        return [
            *(asked.misfire, "ensemble", "-m", "subset=object", "pooling=logmeanexp", f"pooling.tau={','.join(taus)}"),
            *(f"dataset.num_images={asked.images}", f"tracking.experiment={experiment}"),
        ]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost(grid("filling", 1), folder)
        few, many = cost(grid("few", asked.few), folder), cost(grid("many", asked.taus), folder)
        few_again, many_again = cost(grid("few", asked.few), folder), cost(grid("many", asked.taus), folder)
        print(f"{machine()}, load {os.getloadavg()[0]:.1f}; {asked.images:,} images, {asked.taus} taus")
        print("| | wall | CPU |\n| :--- | ---: | ---: |")
        print(f"| all {asked.taus} cells and their report | {many} |")
        print(f"| a further cell | {many.less(few, cells=asked.taus - asked.few)} |")
        print(f"| all {asked.taus} again, finished | {many_again} |")
        print(f"| a further finished cell | {many_again.less(few_again, cells=asked.taus - asked.few)} |")
        if asked.finished:
            asked.taus = asked.finished
            cost(grid("finished", asked.finished), folder)
            print(f"| {asked.finished:,} finished cells | {cost(grid('finished', asked.finished), folder)} |")


if __name__ == "__main__":
    main()
