"""A tau profile of the command line: run once, told every time."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from misfire.cli._cells import DONE, SKIPPED, JobReport
from misfire.cli._design import design_cell
from misfire.cli._lint import warn_of_prompts
from misfire.core.errors import UsageError

if TYPE_CHECKING:
    from misfire.config import Settings
    from misfire.methods.retrieval.profile.outcome import TauProfile
    from misfire.methods.retrieval.profile.profile import ProfileResult
    from misfire.methods.retrieval.profile.tau_grid import TauGrid


def run_profile_once(settings: "Settings", grid: "TauGrid") -> JobReport:
    """Run the profile of the configured subset and prompts unless the store holds it finished, and print its gist.

    Raises:
        MisfireError: If its configuration, input or stored data is refused.
    """
    from misfire.methods.retrieval.profile.outcome import profile_name
    from misfire.methods.retrieval.profile.profile import ProfilePlan, run_profile
    from misfire.scoring import MaxPooling
    from misfire.tracking import log_profile, read_profile

    _check_templates(settings)
    failure_set, cell = design_cell(settings, pooling=MaxPooling())
    plan = ProfilePlan(cell, grid)
    with settings.tracking.claimed(plan.id) as finished:
        if finished is not None:
            profile = read_profile(settings.tracking, finished).profile
        else:
            warn_of_prompts(cell, settings.backbone)
            result = run_profile(plan, settings.workbench)
            profile = result.profile
            with TemporaryDirectory() as folder:
                log_profile(
                    settings.tracking,
                    result,
                    config_yaml=settings.to_yaml(),
                    figures=_figures(result),
                    settings={
                        "seed": str(settings.seed),
                        "failure_set": failure_set.digest[:12] if failure_set else "",
                    },
                    folder=Path(folder),
                )
    print(gist(profile))
    return JobReport(DONE if finished is None else SKIPPED, profile_name(profile), is_cell=False)


def _check_templates(settings: "Settings") -> None:
    from misfire.methods.retrieval.templates.captionwise import CaptionwiseTemplates

    templates = settings.templates
    if isinstance(templates, CaptionwiseTemplates) and templates.learns_from_hits:
        raise UsageError(
            f"a profile must ask templates that are the same at every tau, got templates={templates.name}, which learn "
            "from hits under one pooling; run `misfire ensemble` with a single pooling."
        )


def gist(profile: "TauProfile") -> str:
    """The best at each cut-off beside the profile's ends and tau = 1, and what may be concluded.

    ``elsewhere`` is what the best does to the other queries.
    """
    from misfire.methods.retrieval.profile.words import profile_conclusion, reference_sentence, transition_sentence

    header = f"{'':>8}{'plain':>7}{'max':>7}{'tau=1':>7}{'mean':>7}{'best':>7}   {'at':<12}{'max-T p':>7}   elsewhere"
    lines = [f"{profile.subset}: hits of {profile.num_queries} queries at {profile.num_taus} taus", header]
    for place, k in enumerate(profile.ks):
        points, best = profile.at(k), profile.best(k)
        hits = (profile.baseline(k), points[0].hits, profile.reference.hits[place], points[-1].hits, best.hits)
        counts = "".join(f"{count:>7}" for count in hits)
        elsewhere = f"{best.complement_fixed} fixed, {best.complement_broken} broken"
        lines.append(f"{f'hit@{k}':>8}{counts}   {best.label:<12}{best.p_adjusted:>7.3f}   {elsewhere}")
    if profile.is_failure_mined:
        lines.append("No p-value here knows that these queries were chosen because the plain caption fails on them.")
    return "\n".join(
        [*lines, profile_conclusion(profile), transition_sentence(profile), reference_sentence(profile), ""]
    )


def _figures(result: "ProfileResult") -> dict[str, bytes]:
    from misfire.methods.retrieval.profile.figure import tau_profile_curves
    from misfire.reporting.figure import to_png, to_svg

    drawn = tau_profile_curves(result.profile)
    return {f"{drawn.name}.png": to_png(drawn.figure), f"{drawn.name}.svg": to_svg(drawn.figure)}
