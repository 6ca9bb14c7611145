"""What a report says of a search over ensembles: the winner on both sides, and what was tried."""

from dataclasses import replace
from typing import TYPE_CHECKING

from misfire.cells import Question, ReportPart
from misfire.core.seeding import generator
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.report_part import flips_in_pictures
from misfire.methods.retrieval.ensemble.series import listed, sorted_rows
from misfire.methods.retrieval.logged import METHOD, notes_of
from misfire.methods.retrieval.search.winner import Winner, conclude_winner, selection_adjusted_p
from misfire.methods.retrieval.search.winner_table import winner_table
from misfire.reporting.document import made_on
from misfire.reporting.section import Section

if TYPE_CHECKING:
    from misfire.cells.searched import Searched


def search_part(found: "Searched", question: Question) -> ReportPart:
    """The part of a report that is about a search.

    Args:
        found: The search as far as it has come.
        question: What it asks.
    """
    from misfire.cells.searched_part import trials_section

    whole = [LoggedEnsemble(cell) for cell in (found.test, *found.tried.values()) if cell and cell.kind == "ensemble"]
    winner = winner_of(found)
    name = f"{found.winner.label} (trial {found.winner.number})"
    return ReportPart(
        sections=(
            Section(
                "verdict",
                "The winner on both sides",
                notes_of([row.logged for row in whole]),
                tables=(winner_table(winner),) if winner else (),
            ),
            *([] if winner is None else flips_in_pictures(winner.test, question, winner.k)),
            replace(
                trials_section(found, of_beaten="Their subset was asked whole, and counts in the adjusted p-value."),
                sentences=numbered_templates(found),
            ),
        ),
        answer=found.sentence() if winner is None else f"{winner.answer(name)}{_remarks(found)}",
        decides=True,
        conclusion=None if winner is None else conclude_winner(winner, name=found.winner.label),
        about=made_on([(row.backbone, row.dataset) for row in sorted_rows(whole)]),
        sources=listed(whole),
        method=METHOD,
        deciding=None if winner is None else winner.test.at("delta", winner.k),
    )


def numbered_templates(found: "Searched") -> tuple[str, ...]:
    """What the numbers in the trials' settings stand for: one sentence, where templates were searched."""
    texts: dict[str, str] = {}
    for trial in found.trials:
        entries = [
            (key.partition(" ")[2], value) for key, value in trial.setting.items() if key.startswith("template ")
        ]
        cell = found.tried.get(trial.cell_id)
        if not entries or cell is None or cell.kind != "ensemble":
            continue
        numbers = ["1", *(number for number, is_kept in entries if is_kept)]
        asked = LoggedEnsemble(cell).templates_asked
        if len(numbers) == len(asked):
            texts.update(zip(numbers, asked, strict=True))
    if not texts:
        return ()
    told = "; ".join(f"{number} is '{texts[number]}'" for number in sorted(texts, key=int))
    return (f"Templates by the numbers that settings show: {told}.",)


def winner_of(found: "Searched") -> Winner | None:
    """The winner on both sides; None while trials are missing."""
    if found.test is None:
        return None
    dev, test = LoggedEnsemble(found.dev), LoggedEnsemble(found.test)
    k = test.ks[-1] if found.k is None else found.k
    return Winner(
        dev=dev,
        test=test,
        k=k,
        num_settings=len(found.tried),
        p_selected=selection_adjusted_p(
            found.tried,
            found.winner.cell_id,
            k=k,
            num_replicates=found.num_replicates,
            rng=generator(found.seed, "selection"),
        ),
        num_looks=max(found.num_looks, 1),
        seed=found.seed,
    )


def _remarks(found: "Searched") -> str:
    """How many settings are as good as the winner on dev, and how many were cut short."""
    best = found.winner
    equal = {one.cell_id for one in found.trials if not one.is_pruned and one.values == best.values}
    ties = f" {len(equal)} settings are equal on dev, of which it came first." if len(equal) > 1 else ""
    num_pruned = sum(one.is_pruned for one in found.trials)
    cut = (
        f" {num_pruned} of {len(found.trials)} trials were cut short by a bound that others beat." if num_pruned else ""
    )
    return ties + cut
