"""The world as a dataset."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import islice
from random import Random
from typing import TypeVar

from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.counts import check_most, check_seed
from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_text
from misfire.data.dataset import Caption, Dataset, Image, ImageSource
from misfire.data.image_table import ClassLabels, LabelMatrix, Sentences, Tags
from misfire.data.world import truth
from misfire.data.world.facts import Action, Background, Colour, Kind, Scene, Size, Texture
from misfire.data.world.grammar import Description, Mention, describe
from misfire.data.world.rendering import RENDERER_VERSION, render
from misfire.data.world.sampling import Knobs, Split, SpuriousContext, scene_stream
from misfire.data.world.scene_table import (
    SceneFacts,
    fact_sentences,
    fact_tags,
    main_kinds,
    present_kinds,
    scene_facts,
)

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True)
class SceneImage(ImageSource):
    """An image that is rendered when it is read; its content's name needs no rendering."""

    scene: Scene

    @cached_property
    def _sha256(self) -> str:
        return sha256_text(f"{self.scene.sha256}/{RENDERER_VERSION}")

    @property
    @override
    def content_sha256(self) -> str:
        return self._sha256

    @override
    def load(self) -> PillowImage.Image:
        return render(self.scene)


class World(Dataset):
    """Generated images and captions whose facts are known, and with them the cause of every failure.

    It knows all that a dataset can: ``labels`` (the kind of a scene's main group, among all 16 kinds), ``label_matrix``
    (kinds present), ``tags`` (every fact, in families such as ``colour`` and ``nuisance``) and ``sentences`` about
    facts with their truth for each image. They are computed when they are asked for.

    Ids count from 0: the captions of image ``i`` are ``i * captions_per_image`` and those after it.

    Args:
        num_images: Images to generate; a smaller world is the beginning of a larger one.
        seed: Seed of the scenes and of the captions.
        split: ``train``, ``dev`` or ``test``; no scene is in two of them.
        captions_per_image: Captions of each image.
        nuisance: Probability that a picture is blurred, darkened, occluded or of low contrast.
        spurious_correlation: About the probability that a scene shows its first group's kind in its usual context.
        spurious_context: What that is: ``background``, where the scene takes place, or ``colour``, that of the group.
        second_group: Probability that a second group is drawn beside the first, where there is room; 0 shows one.
        hard_combinations: Lists of tags such as ``[star, night]``; a scene with all tags of a list gets a nuisance.
        alike: Two kinds such as ``[heart, moon]``, made alike in pictures and by name. All things of either are drawn
            as hearts in one half of the pictures and as moons in the other, so that no picture tells them apart, and
            the classes are called ``heart-moon`` and ``moon-heart``, so that prompts hardly do. Captions, tags and
            sentences say what was to be drawn.

    Raises:
        UsageError: If a value is out of its range or a tag is unknown.

    Example:
        >>> world = World(num_images=2)
        >>> len(world.captions), world.images[0].source.load().size
        (10, (64, 64))
    """

    scenes: tuple[Scene, ...]
    mentions: tuple[Mention, ...]
    alike: tuple[Kind, ...]

    def __init__(
        self,
        *,
        num_images: int = 5000,
        seed: int = 0,
        split: str = "test",
        captions_per_image: int = 5,
        nuisance: float = 0.0,
        spurious_correlation: float = 0.0,
        spurious_context: str = "background",
        second_group: float = 0.5,
        hard_combinations: Sequence[Sequence[str]] = (),
        alike: Sequence[str] = (),
    ) -> None:
        _check_counts(num_images=num_images, seed=seed, captions_per_image=captions_per_image)
        _check_probabilities(nuisance=nuisance, spurious_correlation=spurious_correlation, second_group=second_group)
        chosen = _checked(split, "split", Split.TEST)
        knobs = Knobs(
            nuisance,
            spurious_correlation,
            _checked(spurious_context, "spurious_context", SpuriousContext.BACKGROUND),
            second_group,
            _checked_combinations(hard_combinations),
            _checked_alike(alike),
        )
        scenes = tuple(islice(scene_stream(seed, chosen, knobs=knobs), num_images))
        told = [
            description
            for index, scene in enumerate(scenes)
            for description in descriptions(scene, seed, index, captions_per_image)
        ]
        super().__init__(
            name="world",
            images=tuple(Image(index, SceneImage(scene)) for index, scene in enumerate(scenes)),
            captions=tuple(
                Caption(index, index // captions_per_image, description.text) for index, description in enumerate(told)
            ),
        )
        object.__setattr__(self, "scenes", scenes)
        object.__setattr__(self, "alike", knobs.alike)
        object.__setattr__(self, "mentions", tuple(description.mention for description in told))

    @cached_property
    @override
    def labels(self) -> ClassLabels:
        """The kind of each scene's main group; every kind is a class, whether an image has it or not."""
        return main_kinds(self.image_set.ids, self.scenes, alike=self.alike)

    @cached_property
    @override
    def label_matrix(self) -> LabelMatrix:
        """Which kinds each scene shows; none is unknown."""
        return present_kinds(self.image_set.ids, self._facts)

    @cached_property
    @override
    def tags(self) -> Tags:
        """Every fact as a word; families: kind, colour, texture, size, action, count, background, relation, nuisance.

        A word is true of an image where it is true of one of its groups: "red" and "star" needn't be of the same one.
        """
        return fact_tags(self.image_set.ids, self._facts)

    @cached_property
    @override
    def sentences(self) -> Sentences:
        """Sentences about a fact or about a kind with one more fact of the same group, and whether they are true."""
        return fact_sentences(self.image_set.ids, self._facts)

    @cached_property
    def _facts(self) -> SceneFacts:
        return scene_facts(self.scenes)

    def oracle_category(self, caption_position: int, image_position: int) -> str:
        """The first kind of fact in a caption that an image violates, ``ambiguous`` where it violates none."""
        return truth.oracle_category(self.mentions[caption_position], self.scenes[image_position]).value

    def oracle_subtype(self, caption_position: int, image_position: int) -> str:
        """For an ambiguous failure: ``near_duplicate`` or ``underspecified``."""
        target = self.scenes[int(self.targets[caption_position])]
        return truth.oracle_subtype(target, self.scenes[image_position])


def descriptions(scene: Scene, seed: int, index: int, num_captions: int) -> Iterable[Description]:
    """The captions of one image, from a stream of its own."""
    rng = Random(f"captions/{seed}/{index}/{scene.layout}")
    return [describe(scene, rng) for _ in range(num_captions)]


def _check_counts(*, num_images: int, seed: int, captions_per_image: int) -> None:
    for name, value in (("num_images", num_images), ("captions_per_image", captions_per_image)):
        if value < 1:
            raise UsageError(f"world: {name} must be >= 1, got {value}; leave it out for the default.")
    check_most(10_000_000, num_images=num_images)
    check_most(1000, captions_per_image=captions_per_image)
    check_seed(**{"dataset.seed": seed})


def _check_probabilities(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise UsageError(f"world: {name} must be in [0, 1], got {value}; use 0.3 for 30 %.")


def _checked(value: str, name: str, default: _Choice) -> _Choice:
    try:
        return type(default)(value)
    except ValueError:
        raise UsageError(
            f"world: {name} must be one of {', '.join(type(default))}, got {value!r}; the default is {default}."
        ) from None


def _checked_combinations(combinations: Sequence[Sequence[str]]) -> tuple[frozenset[str], ...]:
    known = {tag.value for family in (Kind, Colour, Texture, Size, Action, Background) for tag in family}
    unknown = sorted({str(tag) for tags in combinations for tag in tags} - known)
    if unknown:
        raise UsageError(
            f"world: hard_combinations must be lists of known tags, got {name_some(unknown)}; "
            f"choose from {', '.join(sorted(known))}."
        )
    if not all(combinations):
        raise UsageError("world: a hard combination must hold at least one tag, got an empty list; drop it.")
    return tuple(frozenset(tags) for tags in combinations)


def _checked_alike(kinds: Sequence[str]) -> tuple[Kind, ...]:
    known = {kind.value for kind in Kind}
    chosen = sorted({str(kind) for kind in kinds})
    if not kinds:
        return ()
    if len(chosen) != 2 or len(kinds) != 2 or set(chosen) - known:
        raise UsageError(
            f"world: alike must be two different kinds, got {', '.join(map(str, kinds))}; choose from "
            f"{', '.join(sorted(known))}."
        )
    return tuple(Kind(kind) for kind in chosen)
