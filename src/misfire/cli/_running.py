"""Runs the cells that a command asks for: here, or by the launcher that it names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from misfire.core.progress import say

if TYPE_CHECKING:
    from misfire.cells import Ended
    from misfire.config.jobs import Work


def run_work(verb: str, work: "Work", words: Sequence[str]) -> "list[Ended]":
    """Run the cells that aren't finished, and say how each ended; one ending a job, in the jobs' order.

    Args:
        verb: Whose cells they are.
        work: The jobs.
        words: The command's, of which Hydra's say who runs them.
    """
    from misfire.cells import run_jobs
    from misfire.config.launching import check_unlaunched, has_launcher, with_launcher

    if not has_launcher(words):
        check_unlaunched(words)
        return run_jobs(work.jobs, work.lab, work.ledger)
    ended: list[Ended] = []
    with_launcher(
        verb,
        LaunchedCell(verb),
        words,
        root=work.settings.root,
        work=lambda launch: ended.extend(launch([{"words": list(job.words[1:])} for job in work.jobs], 0)),
    )
    for one in ended:
        say(one.line)
    return ended


@final
@dataclass(frozen=True)
class LaunchedCell:
    """Runs one cell in another process, unless it is finished.

    Args:
        verb: Whose cell it is.
    """

    verb: str

    def __call__(self, told: Mapping[str, Any]) -> "Ended":
        """How the cell ended; whatever goes wrong is in the ending."""
        from misfire.cells import Ended, Status, run_jobs
        from misfire.config.jobs import work
        from misfire.core.errors import MisfireError

        words = tuple(told["words"])
        try:
            own = work(self.verb, [words])
            (ended,) = run_jobs(own.jobs, own.lab, own.ledger, when_ended=lambda _: None)
        except MisfireError as error:
            return Ended(Status.FAILED, str(error), (self.verb, *words), error.exit_code)
        return ended
