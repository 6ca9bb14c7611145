"""Say what works, what doesn't, and how to mend it: versions, device, folders, store, data, backbone, precision."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from misfire.core.errors import MisfireError
from misfire.core.words import counted

if TYPE_CHECKING:
    from misfire.config import Settings


_MOST_FINDINGS = 5


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: whether it works, and what was seen or how to mend it.

    What couldn't be looked at yet, because something before it doesn't work, waits.
    """

    name: str
    works: bool
    text: str
    waits: bool = False

    def lines(self) -> str:
        """The check as it is printed; further lines stand under the first."""
        indented = self.text.replace("\n", "\n" + " " * 22)
        mark = "wait" if self.waits else "ok  " if self.works else "MEND"
        return f"{mark}  {self.name:<15} {indented}"


def run(words: Sequence[str]) -> int:
    """Check everything, print a line each; 0 if all works, 1 otherwise."""
    from misfire.config import Settings
    from misfire.core.pulse import doing

    settings = Settings.of_words("doctor", words)
    broken: list[str] = []
    for name, (look, needed) in _LOOKS.items():
        doing(f"Looking at the {name}")
        missing = [other for other in needed if other in broken]
        check = Check(name, False, f"for {missing[0]}", waits=True) if missing else _check(name, look, settings)
        if not check.works:
            broken.append(name)
        print(check.lines(), flush=True)
    return 1 if broken else 0


def _check(name: str, look: "Callable[[Settings], str]", settings: "Settings") -> Check:
    try:
        return Check(name, True, look(settings))
    except MisfireError as error:
        return Check(name, False, str(error))


def _versions(settings: "Settings") -> str:
    from importlib.metadata import version

    packages = ("torch", "open_clip_torch", "pytorch-lightning", "hydra-core", "mlflow", "optuna")
    return ", ".join(f"{package} {version(package)}" for package in packages)


def _device(settings: "Settings") -> str:
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()} ({torch.cuda.device_count()} in all)"
    return f"CPU, {torch.get_num_threads()} threads; no GPU found"


def _folder(settings: "Settings") -> str:
    import shutil

    from misfire.core.errors import UsageError
    from misfire.core.files import write_text

    probe = settings.root / ".doctor"
    try:
        write_text(probe, "")
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"paths.root must be writable, got {settings.root} ({error.strerror}); choose another with paths.root=..."
        ) from error
    free = shutil.disk_usage(settings.root).free / 2**30
    return f"{settings.root.resolve()} is writable, {free:.0f} GiB free"


def _store(settings: "Settings") -> str:
    told: str = settings["tracking"].check()
    return told


def _dataset(settings: "Settings") -> str:
    from misfire.cli._card import card_lines
    from misfire.data import dataset_card

    return "\n".join(card_lines(dataset_card(settings["dataset"]), settings["dataset"].notes))


def _backbone(settings: "Settings") -> str:
    encoder = settings["backbone"]
    return f"{encoder.name}: {encoder.dim} dimensions, fingerprint {encoder.fingerprint[:12]}"


def _captions(settings: "Settings") -> str:
    texts = [caption.text for caption in settings["dataset"].captions]
    encoder = settings["backbone"]
    if not texts:
        return "there are none"
    return (
        f"{encoder.num_truncated(texts):,} of {len(texts):,} are cut at the tokenizer's {encoder.context_length} tokens"
    )


def _templates(settings: "Settings") -> str:
    from misfire.methods.retrieval.templates.lint import findings, sets_of

    captions = [caption.text for caption in settings["dataset"].captions]
    sets = sets_of(settings["templates"])
    found = dict.fromkeys(str(one) for chosen in sets for one in findings(chosen, captions, settings["backbone"]))
    num_templates = len({text for chosen in sets for text in chosen.templates})
    told = f"{counted(len(found), 'finding')} on up to 2,000 captions:" if found else "no finding"
    shown, rest = list(found)[:_MOST_FINDINGS], len(found) - _MOST_FINDINGS
    more = [f"and {counted(rest, 'more finding')}"] if rest > 0 else []
    return "\n".join([f"{num_templates} in {counted(len(sets), 'set')}, {told}", *shown, *more])


def _precision(settings: "Settings") -> str:
    from misfire.cells.lab import Workbench
    from misfire.core.seeding import generator
    from misfire.data import image_sample
    from misfire.embeddings import EmbeddingStore
    from misfire.methods.retrieval.baseline.precision import precision_flips

    sample = image_sample(
        settings["dataset"], settings["doctor.num_images"], rng=generator(settings["seed"], "doctor", "precision")
    )
    store = EmbeddingStore(settings.root / "embeddings")
    exact, fast = (
        Workbench(
            dataset=sample,
            encoder=settings.varied("backbone", precision=name),
            store=store,
            trainer=settings["trainer"],
        )
        for name in ("fp32", "bf16")
    )
    flips = precision_flips(exact, fast, ks=tuple(settings["ks"]))
    told = [
        f"{name:<14} {found.broken + found.fixed} of {found.num_units:,} flip (bf16 loses {found.broken}, "
        f"gains {found.fixed})"
        for name, found in flips.items()
    ]
    return "\n".join([f"hits that differ between fp32 and bf16 on {len(sample.images):,} images:", *told])


# What is looked at, and what must work before that can be.
_LOOKS: "dict[str, tuple[Callable[[Settings], str], tuple[str, ...]]]" = {
    "versions": (_versions, ()),
    "device": (_device, ()),
    "folder": (_folder, ()),
    "tracking store": (_store, ()),
    "dataset": (_dataset, ()),
    "backbone": (_backbone, ()),
    "captions": (_captions, ("dataset", "backbone")),
    "templates": (_templates, ("dataset", "backbone")),
    "precision": (_precision, ("dataset", "backbone", "folder", "captions")),
}
