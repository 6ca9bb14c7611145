"""What a report says of tau profiles: what the temperature of LogMeanExp does."""

from collections.abc import Sequence
from dataclasses import replace

from misfire.cells import Logged, ReportPart
from misfire.methods.retrieval.ensemble.measured import HIT
from misfire.methods.retrieval.logged import METHOD, notes_of
from misfire.methods.retrieval.profile.figure import tau_profile_curves
from misfire.methods.retrieval.profile.logged import LoggedProfile
from misfire.methods.retrieval.profile.table import profile_table
from misfire.methods.retrieval.profile.words import profile_conclusion, reference_sentence, transition_sentence
from misfire.reporting.document import made_on
from misfire.reporting.section import Section
from misfire.reporting.table import Source


def profile_part(cells: Sequence[Logged]) -> ReportPart:
    """Every profile's words, table and figure, each named by its place.

    Args:
        cells: Finished profiles, at least one.
    """
    profiles = [LoggedProfile(cell) for cell in cells]
    told, tables, drawn = [], [], []
    for number, profile in enumerate(profiles, start=1):
        said = profile_conclusion(profile, num_profiles=len(profiles))
        title = f"{profile.subset}: " if len(profiles) > 1 else ""
        told.append(f"{title}{said} {transition_sentence(profile)} {reference_sentence(profile)}")
        tables.append(replace(profile_table(profile), name=f"tau_profile_{number}"))
        drawn.append(replace(tau_profile_curves(profile), name=f"tau_profile_{number}"))
    k = profiles[-1].ks[-1]
    return ReportPart(
        sections=(
            Section("temperature", "What the temperature does", (*told, *notes_of(cells)), tuple(tables), tuple(drawn)),
        ),
        answer=" ".join(profile_conclusion(one, num_profiles=len(profiles)) for one in profiles),
        about=made_on([(one.backbone, one.dataset) for one in profiles]),
        sources=tuple(
            Source(
                one.cell_id,
                one.run_url,
                {"Subset": one.subset, "n": str(one.num_queries), "Pooling": f"profile of {one.num_taus} taus"},
            )
            for one in profiles
        ),
        method=METHOD,
        deciding=cells[-1].estimates.at(HIT, k=k, group="best/delta"),
        columns=(cells[-1].estimates.at(HIT, k=k, group="best/p_adjusted"),),
    )
