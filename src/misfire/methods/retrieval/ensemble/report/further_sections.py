"""What a report says of what was measured beside cells: profiles of tau, oracle gaps, attributions."""

from collections.abc import Sequence
from dataclasses import replace

from misfire.methods.retrieval.attribution.outcome import TemplateAttribution
from misfire.methods.retrieval.attribution.words import attribution_sentence
from misfire.methods.retrieval.gap.outcome import OracleGap
from misfire.methods.retrieval.gap.words import gap_sentence
from misfire.methods.retrieval.profile.outcome import TauProfile
from misfire.methods.retrieval.profile.words import profile_conclusion, reference_sentence, transition_sentence
from misfire.methods.retrieval.attribution.table import attribution_table
from misfire.methods.retrieval.attribution.figure import attribution_bars
from misfire.methods.retrieval.gap.figure import oracle_gap_points
from misfire.methods.retrieval.profile.figure import tau_profile_curves
from misfire.reporting.figure import Illustration
from misfire.methods.retrieval.ensemble.report.findings import Findings
from misfire.methods.retrieval.gap.table import gap_table
from misfire.methods.retrieval.profile.table import profile_table
from misfire.reporting.section import Section
from misfire.reporting.table import Table


def further_sections(findings: Findings) -> list[Section]:
    """A section for each kind of thing that was measured beside cells, none for what wasn't.

    Args:
        findings: What was measured.
    """
    return [
        *profile_sections(findings.profiles),
        *gap_sections(findings.gaps),
        *attribution_sections(findings.attributions),
    ]


def answer_without_cells(findings: Findings) -> str:
    """What was measured beside cells, a sentence each: the answer of an experiment that has no cell.

    Args:
        findings: At least one profile, gap or attribution.
    """
    return " ".join(
        [
            *(profile_conclusion(one, num_profiles=len(findings.profiles)) for one in findings.profiles),
            *map(gap_sentence, findings.gaps),
            *map(attribution_sentence, findings.attributions),
        ]
    )


def profile_sections(profiles: Sequence[TauProfile]) -> list[Section]:
    """What the temperature of LogMeanExp does: every profile's words, table and figure, each named by its place."""
    if not profiles:
        return []
    told, tables, drawn = [], [], []
    for number, profile in enumerate(profiles, start=1):
        said = profile_conclusion(profile, num_profiles=len(profiles))
        title = f"{profile.subset}: " if len(profiles) > 1 else ""
        told.append(f"{title}{said} {transition_sentence(profile)} {reference_sentence(profile)}")
        tables.append(replace(profile_table(profile), name=f"tau_profile_{number}"))
        drawn.append(replace(tau_profile_curves(profile), name=f"tau_profile_{number}"))
    return [Section("temperature", "What the temperature does", tuple(told), tuple(tables), tuple(drawn))]


def gap_sections(gaps: Sequence[OracleGap]) -> list[Section]:
    """What gold labels are worth: every gap's sentence, table and figure."""
    if not gaps:
        return []
    tables, drawn = [gap_table(gap) for gap in gaps], [oracle_gap_points(gap) for gap in gaps]
    return [
        Section(
            "oracle_gap",
            "What true labels are worth",
            tuple(map(gap_sentence, gaps)),
            tuple(_numbered(tables)),
            tuple(_numbered_figures(drawn)),
        )
    ]


def attribution_sections(attributions: Sequence[TemplateAttribution]) -> list[Section]:
    """Which templates a gain comes from: every attribution's sentence, table and figure."""
    if not attributions:
        return []
    tables = [attribution_table(found) for found in attributions]
    drawn = [attribution_bars(found) for found in attributions]
    return [
        Section(
            "attribution",
            "Which templates the gain comes from",
            tuple(map(attribution_sentence, attributions)),
            tuple(_numbered(tables)),
            tuple(_numbered_figures(drawn)),
        )
    ]


def _numbered(tables: Sequence[Table]) -> list[Table]:
    """The tables under names of their own: the first keeps its name."""
    return [
        table if not place else replace(table, name=f"{table.name}_{place + 1}") for place, table in enumerate(tables)
    ]


def _numbered_figures(drawn: Sequence[Illustration]) -> list[Illustration]:
    return [one if not place else replace(one, name=f"{one.name}_{place + 1}") for place, one in enumerate(drawn)]
