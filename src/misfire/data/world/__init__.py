"""A generated benchmark in which the truth about every image, caption and failure is known."""

from misfire.data.world.ceiling import num_satisfying_scenes, perfect_reader_hit_at_k
from misfire.data.world.dataset import SceneImage, World
from misfire.data.world.facts import (
    Action,
    Background,
    Colour,
    Group,
    Kind,
    Nuisance,
    Relation,
    Scene,
    Size,
    Texture,
)
from misfire.data.world.grammar import Description, GroupMention, Mention, describe
from misfire.data.world.rendering import IMAGE_SIDE, RENDERER_VERSION, render
from misfire.data.world.sampling import (
    Knobs,
    Split,
    SpuriousContext,
    scene_stream,
    split_of,
    tied_background,
    tied_colour,
)
from misfire.data.world.truth import Cause, num_different_facts, oracle_category, oracle_subtype

__all__ = [
    "IMAGE_SIDE",
    "RENDERER_VERSION",
    "Action",
    "Background",
    "Cause",
    "Colour",
    "Description",
    "Group",
    "GroupMention",
    "Kind",
    "Knobs",
    "Mention",
    "Nuisance",
    "Relation",
    "Scene",
    "SceneImage",
    "Size",
    "Split",
    "SpuriousContext",
    "Texture",
    "World",
    "describe",
    "num_different_facts",
    "num_satisfying_scenes",
    "oracle_category",
    "oracle_subtype",
    "perfect_reader_hit_at_k",
    "render",
    "scene_stream",
    "split_of",
    "tied_background",
    "tied_colour",
]
