"""A tau profile as a run: what is logged of it, and how it's read back."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.methods.retrieval.profile.outcome import TauProfile, profile_name
from misfire.methods.retrieval.profile.profile import ProfileResult
from misfire.methods.retrieval.profile.words import profile_conclusion, reference_sentence, transition_sentence
from misfire.tracking.flat_run import FlatRun, json_file, log_flat_run, parquet_file, read_json
from misfire.tracking.store import TrackingStore

if TYPE_CHECKING:
    from mlflow.entities import Run

FACTS_FILE = "profile.json"
POINTS_FILE = "profile.parquet"


@dataclass(frozen=True)
class LoggedProfile:
    """A finished profile as the store holds it."""

    run_id: str
    experiment_id: str
    profile: TauProfile


def log_profile(
    store: TrackingStore,
    result: ProfileResult,
    *,
    config_yaml: str,
    figures: Mapping[str, bytes],
    settings: Mapping[str, str],
    folder: Path,
) -> str:
    """Log a profile and its evidence as one flat run. Returns the run's identifier.

    Args:
        store: Where to.
        result: The profile and its records.
        config_yaml: The composed configuration.
        figures: File names and their bytes.
        settings: Params besides those that follow from the profile (seed, ...).
        folder: An empty folder to lay the artifacts out in.
    """
    import pandas as pd

    profile = result.profile
    made = FlatRun(
        kind="profile",
        verb="ensemble",
        id=profile.profile_id,
        name=profile_name(profile),
        dataset=profile.dataset,
        dataset_fingerprint=profile.dataset_fingerprint,
        note=_note(profile),
        marks={
            "oracle": profile.is_oracle,
            "failure_mined": profile.is_failure_mined,
            "subset_chosen": profile.how_chosen,
            "backbone_fingerprint": profile.backbone_fingerprint,
        },
        params={**_params(profile), **settings},
        metrics=profile_metrics(profile),
        files={
            FACTS_FILE: json_file(profile.to_json()),
            POINTS_FILE: parquet_file(pd.DataFrame([asdict(point) for point in profile.points])),
            "records.parquet": parquet_file(result.records),
            **figures,
        },
    )
    return log_flat_run(store, made, config_yaml=config_yaml, folder=folder)


def read_profiles(store: TrackingStore) -> list[LoggedProfile]:
    """All finished profiles of the store's experiment, oldest first."""
    return [read_profile(store, run) for run in store.finished("profile")]


def read_profile(store: TrackingStore, run: "Run") -> LoggedProfile:
    """The profile that a run holds."""
    import pandas as pd

    run_id = str(run.info.run_id)
    facts = read_json(store, run_id, FACTS_FILE)
    with store.artifact(run_id, POINTS_FILE) as path:
        points = [{str(key): value for key, value in row.items()} for row in pd.read_parquet(path).to_dict("records")]
    return LoggedProfile(run_id, store.experiment_id, TauProfile.from_json(facts, points))


def _params(profile: TauProfile) -> dict[str, str]:
    taus = [point.tau for point in profile.at(profile.ks[0]) if point.is_soft]
    params = {
        "subset": profile.subset,
        "num_queries": profile.num_queries,
        "templates": profile.templates,
        "num_templates": profile.num_templates,
        "pooling": "profile",
        "taus": f"{len(taus)} from {taus[0]:g} to {taus[-1]:g}",
        "backbone": profile.backbone,
        "dataset": profile.dataset,
        "complement_num_queries": profile.num_complement,
        **{f"best_at_{k}": profile.best(k).label for k in profile.ks},
    }
    return {key: str(value) for key, value in params.items()}


def profile_metrics(profile: TauProfile) -> dict[str, float]:
    """The profile's headline under tracked names; what is undefined or infinite is left out."""
    values: dict[str, float | None] = {}
    for k in reversed(profile.ks):
        name, best, points = f"t2i/hit_at_{k}", profile.best(k), profile.at(k)
        published = profile.reference.hits[profile.ks.index(k)] - profile.baseline(k)
        values |= {
            f"{name}/best_delta_pp": 100 * best.gain,
            f"{name}/best_tau": best.tau,
            f"{name}/best_p_adjusted": best.p_adjusted,
            f"{name}/max_delta_pp": 100 * points[0].gain,
            f"{name}/mean_delta_pp": 100 * points[-1].gain,
            f"{name}/tau_1_delta_pp": 100 * published / profile.num_queries,
        }
    transition, reference = profile.transition, profile.reference
    values |= {
        "profile/transition_start_tau": transition.start,
        "profile/transition_end_tau": transition.end,
        "profile/prompt_spread": reference.spread.deviation,
        "profile/tau_1_largest_shift": reference.spread.largest_shift,
        "profile/tau_1_share_as_mean": reference.num_as_mean / transition.num_queries,
    }
    return {
        key: round(float(value), 4) if key.endswith("_pp") else float(value)
        for key, value in values.items()
        if value is not None and math.isfinite(value)
    }


def _note(profile: TauProfile) -> str:
    """What a reader of the run's page should know, the conclusion first."""
    rows = []
    for k in profile.ks:
        best = profile.best(k)
        rows.append(
            f"| {k} | {profile.baseline(k)} | {best.hits} | {best.label} | {100 * best.gain:+.2f} | "
            f"[{100 * best.low:.2f}, {100 * best.high:.2f}] | {best.p_adjusted:.3f} | {best.complement_fixed} | "
            f"{best.complement_broken} |"
        )
    lines = [
        profile_conclusion(profile),
        "",
        f"**Subset** {profile.subset}: {profile.how_chosen}.",
        f"**Prompts** {profile.num_templates} templates a caption ({profile.templates}), pooled at "
        f"{profile.num_taus} taus between max and mean.",
        "",
        f"| k | hits before (of {profile.num_queries}) | hits at best | best | gain (pp) | {profile.confidence:.0%} "
        f"interval | max-T p | fixed elsewhere (of {profile.num_complement}) | broken elsewhere |",
        "| ---: | ---: | ---: | :--- | ---: | :---: | ---: | ---: | ---: |",
        *rows,
        "",
        transition_sentence(profile),
        reference_sentence(profile),
    ]
    lines.extend(f"{profile.dataset}: {note}" for note in profile.dataset_notes)
    if profile.is_oracle:
        lines.append("Gold labels chose the templates: an oracle, which no deployed system is.")
    return "\n".join(lines)
