"""An attribution in words: what may be concluded about single templates."""

from collections.abc import Callable

from misfire.core.words import counted, listed
from misfire.methods.retrieval.attribution.logged import LoggedAttribution, TemplateShare
from misfire.methods.retrieval.logged import notes_of

_MINED = (
    " The queries were mined from the plain caption's failures, so that any other wording looks better on them than it "
    "is (regression to the mean), and the plain caption worse."
)


def attribution_sentence(found: LoggedAttribution) -> str:
    """What may be concluded about single templates: which surely help or hurt at which cut-off, if any does."""
    told = [
        f"{word} {', '.join(names)}"
        for word, names in (
            ("helps:", _sure(found, lambda value: value > 0)),
            ("hurts:", _sure(found, lambda value: value < 0)),
        )
        if names
    ]
    verdict = "; ".join(told) if told else "no single template's part can be told from none"
    gains = listed([f"{100 * found.gain(k):+.2f} pp at {k}" for k in found.ks])
    num_templates = len(found.templates_asked)
    return (
        f"The gain of {gains} on {found.num_queries:,} queries is the sum of {num_templates} templates' parts; "
        f"{verdict} (sign-flip tests by image, corrected for {counted(num_templates, 'template')} at "
        f"{counted(len(found.ks), 'cut-off')}).{_MINED if found.is_failure_mined else ''}"
    )


def _sure(found: LoggedAttribution, is_it: Callable[[float], bool]) -> list[str]:
    """Templates whose part is told from none, each with its cut-offs."""

    def is_sure(share: TemplateShare) -> bool:
        return share.p_adjusted <= 1 - found.confidence + 1e-12 and is_it(share.shapley.value)

    names = []
    for place, template in enumerate(found.templates_asked):
        ks = [str(k) for k in found.ks if is_sure(found.shares(k)[place])]
        if ks:
            names.append(f"{template!r} at {listed(ks)}")
    return names


def told(found: LoggedAttribution) -> str:
    """What may be concluded, then a row a template and cut-off, the decisive one first."""
    from misfire.methods.retrieval.attribution.table import attribution_table
    from misfire.reporting.table import to_text

    return "\n".join(
        [
            found.logged.name,
            attribution_sentence(found),
            *notes_of([found.logged]),
            "",
            to_text(attribution_table(found)),
            "",
        ]
    )
