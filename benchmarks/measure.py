"""Interleaved timings and peak memory, and a Markdown table of them."""

import ctypes
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Contender:
    """One way of doing the job; ``share`` is the part of the queries that it is given (its time is scaled up)."""

    name: str
    run: Callable[[], object]
    share: float = 1.0


def table(contenders: list[Contender], *, repeats: int) -> str:
    """Run all in turn, ``repeats`` times; the first is the yardstick of each turn's ratios, and medians are shown."""
    memory = {contender.name: _peak_extra_mib(contender.run) for contender in contenders}  # warms up, too
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(repeats):
        for contender in contenders:
            start = time.perf_counter()
            contender.run()
            seconds[contender.name].append((time.perf_counter() - start) / contender.share)
    yardstick = seconds[contenders[0].name]
    lines = ["| method | seconds | ratio | peak extra MiB | queries run |", "|---|---:|---:|---:|---:|"]
    for contender in contenders:
        own = seconds[contender.name]
        ratio = statistics.median(mine / base for mine, base in zip(own, yardstick, strict=True))
        shown = f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"
        lines.append(
            f"| {contender.name} | {statistics.median(own):.3g} | {shown} | {memory[contender.name]:.0f} "
            f"| {contender.share:.1%} |"
        )
    return "\n".join(lines)


def table_of_one_run(contenders: list[Contender]) -> str:
    """Run each once, cold, and show wall and CPU seconds of the very run whose memory is shown; for jobs of minutes."""
    lines = ["| method | seconds | ratio | CPU seconds | ratio | peak extra MiB |", "|---|---:|---:|---:|---:|---:|"]
    yardstick: tuple[float, float] | None = None
    for contender in contenders:
        wall, cpu = time.perf_counter(), time.process_time()
        memory = _peak_extra_mib(contender.run)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        yardstick = yardstick or (wall, cpu)
        lines.append(
            f"| {contender.name} | {wall:.3g} | {wall / yardstick[0]:.2f} | {cpu:.3g} | {cpu / yardstick[1]:.2f} "
            f"| {memory:.0f} |"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts it in KiB
    return "\n".join([*lines, "", f"Peak resident memory of the process with all its data: {peak:,.0f} MiB."])


def machine() -> str:
    """Threads and versions, for the table's caption."""
    load = os.getloadavg()[0]
    return f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, torch {torch.__version__}, load {load:.1f}"


def _peak_extra_mib(run: Callable[[], object]) -> float:
    """Growth of the resident set while ``run`` works (Linux with glibc)."""
    ctypes.CDLL(None).malloc_trim(0)  # what an earlier contender freed must not be this one's for nothing
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    before = _status_kib("VmRSS")
    run()
    return (_status_kib("VmHWM") - before) / 1024


def _status_kib(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])
