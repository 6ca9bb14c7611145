"""Four ways to learn what the presence and the absence of a class look like to a frozen model, and their modules.

A :class:`Prompting` is the choice: it builds the module that is trained. The module turns the regions of images into
two maps a class, S+ and S-, and so into logits (see :mod:`misfire.methods.multilabel.aggregation`). The frozen text
tower is an argument of its forward pass, not a part of it: what a module holds is what is learned, and nothing else is
saved.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import torch
from jaxtyping import Float
from torch import nn
from torch.nn.functional import normalize
from typing_extensions import override

from misfire.core.counts import check_most
from misfire.core.errors import UsageError
from misfire.methods.multilabel.aggregation import SCALE, aggregate

CONTEXT_STD = 0.02
INITS = ("normal", "mean")

ClassRows = Float[torch.Tensor, "class dim"]
# From contexts (class or 1, token, width), perhaps several sets of them stacked, to text features (class, dim).
TextTower = Callable[[torch.Tensor], torch.Tensor]


class Sizes(NamedTuple):
    """What a module's parameters are measured by.

    Attributes:
        num_classes: How many classes there are.
        width: Length of the text tower's token embeddings.
        dim: Length of a region's or a text's embedding.
    """

    num_classes: int
    width: int
    dim: int


class PromptContexts(nn.Module):
    """Learnable context tokens of one polarity; through the frozen text tower they become an embedding a class."""

    def __init__(self, sizes: Sizes, num_context: int, *, class_specific: bool, residual: bool, rng: torch.Generator):
        super().__init__()
        shape = (sizes.num_classes if class_specific else 1, num_context, sizes.width)
        self.contexts = nn.Parameter(CONTEXT_STD * torch.randn(shape, generator=rng))
        # The released code adds this to the encoder's output; the paper doesn't describe it.
        self.residual = nn.Parameter(torch.randn(sizes.num_classes, sizes.dim, generator=rng)) if residual else None

    def forward(self, text: TextTower) -> ClassRows:
        """Unit embeddings, a row a class."""
        return self.after(text(self.contexts))

    def after(self, rows: ClassRows) -> ClassRows:
        """Unit embeddings from what the tower gave."""
        return normalize(rows if self.residual is None else rows + self.residual, dim=-1)


class FreeEmbeddings(nn.Module):
    """An embedding a class that no text tower has seen."""

    def __init__(self, start: ClassRows) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(start)

    def forward(self, text: TextTower) -> ClassRows:
        """Unit embeddings, a row a class."""
        del text
        return normalize(self.embeddings, dim=-1)


class ClassMaps(nn.Module, ABC):
    """What is trained: from unit regions to a positive and a negative map of each class."""

    @abstractmethod
    def maps(
        self, regions: Float[torch.Tensor, "image region dim"], text: TextTower
    ) -> tuple[Float[torch.Tensor, "image class region"], Float[torch.Tensor, "image class region"]]:
        """S+ and S-."""

    def forward(
        self, regions: Float[torch.Tensor, "image region dim"], text: TextTower
    ) -> Float[torch.Tensor, "image polarity class"]:
        """Logits of absence and presence."""
        return aggregate(*self.maps(regions, text))

    @abstractmethod
    def groups(self) -> "list[ParameterGroup]":
        """Its parameters by how fast they are learned."""


class ParameterGroup(NamedTuple):
    """Parameters that share a learning rate.

    Attributes:
        name: ``contexts``, ``embeddings`` or ``projector``.
        parameters: Which.
        scale: Factor of the group's rate.
    """

    name: str
    parameters: list[nn.Parameter]
    scale: float = 1.0


@final
class PairedEmbeddings(ClassMaps):
    """Maps that are 20 times the cosine between a region and a class's positive or negative embedding."""

    def __init__(self, positive: nn.Module, negative: nn.Module) -> None:
        super().__init__()
        self.positive, self.negative = positive, negative

    def embeddings(self, text: TextTower) -> tuple[ClassRows, ClassRows]:
        """Unit embeddings of presence and of absence, a row a class."""
        if isinstance(self.positive, PromptContexts) and isinstance(self.negative, PromptContexts):
            # One pass of the tower for both polarities: it is most of a step's time.
            both = torch.stack([self.positive.contexts, self.negative.contexts])
            positive, negative = text(both)
            return self.positive.after(positive), self.negative.after(negative)
        return self.positive(text), self.negative(text)

    @override
    def maps(
        self, regions: Float[torch.Tensor, "image region dim"], text: TextTower
    ) -> tuple[Float[torch.Tensor, "image class region"], Float[torch.Tensor, "image class region"]]:
        by_region = regions.transpose(1, 2)
        positive, negative = (SCALE * (rows @ by_region) for rows in self.embeddings(text))
        return positive, negative

    @override
    def groups(self) -> list[ParameterGroup]:
        named = dict(self.named_parameters())
        contexts = [one for name, one in named.items() if name.endswith("contexts")]
        free = [one for name, one in named.items() if not name.endswith("contexts")]
        found = [ParameterGroup("contexts", contexts)] if contexts else []
        if free:
            with torch.no_grad():
                # Only directions count: a step of one size turns a row of twice the length half as far, and the
                # gradient there is half as long, too.
                squared_length = torch.cat([one.detach() for one in free]).square().sum(dim=1).mean().item()
            found.append(ParameterGroup("embeddings", free, squared_length))
        return found


@final
class Projector(ClassMaps):
    """Maps that are a linear function of a region: two outputs a class with a bias each."""

    def __init__(self, sizes: Sizes, rng: torch.Generator) -> None:
        super().__init__()
        self.linear = nn.Linear(sizes.dim, 2 * sizes.num_classes)
        bound = sizes.dim**-0.5  # torch's own range, drawn from our generator
        with torch.no_grad():
            self.linear.weight.uniform_(-bound, bound, generator=rng)
            self.linear.bias.uniform_(-bound, bound, generator=rng)

    @override
    def maps(
        self, regions: Float[torch.Tensor, "image region dim"], text: TextTower
    ) -> tuple[Float[torch.Tensor, "image class region"], Float[torch.Tensor, "image class region"]]:
        del text
        # Regions come with length 1; the factor gives the projector the range that cosines have in the other methods.
        positive, negative = (SCALE * self.linear(regions)).transpose(1, 2).chunk(2, dim=1)
        return positive, negative

    @override
    def groups(self) -> list[ParameterGroup]:
        return [ParameterGroup("projector", list(self.parameters()))]


class Method(ABC):
    """A way to recognise classes: one of the four that are trained, or the frozen model as it is."""

    name: ClassVar[str]

    @property
    def label(self) -> dict[str, str]:
        """What tells it from its neighbours in a table of runs."""
        return {"prompting": self.name}


@final
@dataclass(frozen=True)
class ZeroShot(Method):
    """The frozen model as it is: the cosine between an image's own embedding and a hand-written prompt; the floor.

    Args:
        template: The prompt, with ``{}`` for the class name.
    """

    name: ClassVar[str] = "zero_shot"
    template: str = "a photo of a {}."

    def __post_init__(self) -> None:
        if self.template.count("{}") != 1:
            raise UsageError(
                f"a zero-shot template must have {{}} once for the class name, got {self.template!r}; use 'a photo of "
                "a {}.'."
            )

    def prompts(self, classnames: Sequence[str]) -> list[str]:
        """The prompt of each class."""
        return [self.template.replace("{}", name.replace("_", " ")) for name in classnames]


@dataclass(frozen=True)
class Prompting(Method):
    """How the positive and the negative embedding of each class come about.

    Args:
        num_context: Learnable tokens before each class name, of each polarity that has a prompt.
        class_specific: Whether each class has tokens of its own, rather than all of them one set.
        residual: Whether a free vector a class is added to the text tower's output, as the released code does and the
            paper doesn't say.
        init: Where embeddings that are learned in feature space start: ``normal``, N(0, 1), or ``mean``, the mean of
            the training images' regions, the same for each class.
    """

    num_context: int = 16
    class_specific: bool = True
    residual: bool = False
    init: str = "normal"

    def __post_init__(self) -> None:
        check_most(1000, num_context=self.num_context)
        if self.num_context < 1:
            raise UsageError(f"num_context must be >= 1, got {self.num_context}; the published prompts have 16.")
        if self.init not in INITS:
            raise UsageError(
                f"init must be one of {', '.join(INITS)}, got {self.init!r}; the released code's is normal."
            )

    @property
    @override
    def label(self) -> dict[str, str]:
        found = {"prompting": self.name}
        if self.reads_text:
            found["context"] = f"{self.num_context} {'own' if self.class_specific else 'shared'}"
            found |= {"residual": "added"} if self.residual else {}
        return found

    @property
    def reads_text(self) -> bool:
        """Whether the text tower has a part in it."""
        return True

    @abstractmethod
    def build(
        self, sizes: Sizes, *, rng: torch.Generator, mean: Float[torch.Tensor, " dim"] | None = None
    ) -> ClassMaps:
        """The module to train.

        Args:
            sizes: Classes and widths.
            rng: Where its first numbers come from.
            mean: Mean of the training images' regions; read where ``init`` is ``mean``.
        """

    def _prompts(self, sizes: Sizes, rng: torch.Generator) -> PromptContexts:
        return PromptContexts(
            sizes, self.num_context, class_specific=self.class_specific, residual=self.residual, rng=rng
        )

    def _embeddings(self, sizes: Sizes, rng: torch.Generator, mean: torch.Tensor | None) -> FreeEmbeddings:
        if self.init == "normal" or mean is None:
            return FreeEmbeddings(torch.randn(sizes.num_classes, sizes.dim, generator=rng))
        return FreeEmbeddings(normalize(mean, dim=0).repeat(sizes.num_classes, 1))


@final
@dataclass(frozen=True)
class DualCoOp(Prompting):
    """A positive and a negative prompt, both through the text tower.

    Reference:
        Sun, Hu and Saenko, "DualCoOp: fast adaptation to multi-label recognition with limited annotations", NeurIPS
        2022.
    """

    name: ClassVar[str] = "dual_coop"

    @override
    def build(self, sizes: Sizes, *, rng: torch.Generator, mean: torch.Tensor | None = None) -> ClassMaps:
        return PairedEmbeddings(self._prompts(sizes, rng), self._prompts(sizes, rng))


@final
@dataclass(frozen=True)
class PositiveCoOp(Prompting):
    """A positive prompt through the text tower; the negative embedding is learned in feature space.

    Reference:
        Rawlekar, Bhatnagar and Ahuja, "Rethinking prompting strategies for multi-label recognition with partial
        annotations", WACV 2025.
    """

    name: ClassVar[str] = "positive_coop"

    @override
    def build(self, sizes: Sizes, *, rng: torch.Generator, mean: torch.Tensor | None = None) -> ClassMaps:
        return PairedEmbeddings(self._prompts(sizes, rng), self._embeddings(sizes, rng, mean))


@final
@dataclass(frozen=True)
class NegativeCoOp(Prompting):
    """A negative prompt through the text tower; the positive embedding is learned in feature space."""

    name: ClassVar[str] = "negative_coop"

    @override
    def build(self, sizes: Sizes, *, rng: torch.Generator, mean: torch.Tensor | None = None) -> ClassMaps:
        positive = self._embeddings(sizes, rng, mean)
        return PairedEmbeddings(positive, self._prompts(sizes, rng))


@final
@dataclass(frozen=True)
class VisionOnly(Prompting):
    """A linear projector on the regions; no text takes part."""

    name: ClassVar[str] = "vision_only"

    @property
    @override
    def reads_text(self) -> bool:
        return False

    @override
    def build(self, sizes: Sizes, *, rng: torch.Generator, mean: torch.Tensor | None = None) -> ClassMaps:
        return Projector(sizes, rng)


def num_trainable(
    method: "str | Prompting",
    *,
    num_classes: int,
    width: int,
    num_context: int = 16,
    class_specific: bool = True,
) -> int:
    """How many numbers a method learns: the parameters of its built module, counted.

    Args:
        method: ``dual_coop``, ``positive_coop``, ``negative_coop`` or ``vision_only``, also in the papers' spelling
            (``DualCoOp``, ``vision-only``); or a :class:`Prompting`, whose own settings then hold.
        num_classes: How many classes there are.
        width: Length of a token's embedding and of a feature, which CLIP's published models of width 512 share.
        num_context: Learnable tokens of each prompt.
        class_specific: Whether each class has tokens of its own.

    Raises:
        UsageError: If the method is unknown or a number is below 1.

    Example:
        >>> [num_trainable(method, num_classes=80, width=512) for method in ("dual_coop", "vision_only")]
        [1310720, 82080]
    """
    if num_classes < 1 or width < 1:
        raise UsageError(f"num_classes and width must be >= 1, got {num_classes} and {width}; RN101's width is 512.")
    if isinstance(method, str):
        method = prompting_named(method)(num_context=num_context, class_specific=class_specific)
    module = method.build(Sizes(num_classes, width, width), rng=torch.Generator().manual_seed(0))
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def prompting_named(name: str) -> type[Prompting]:
    """The kind of prompting of a name, whatever its case and the marks between its words.

    Raises:
        UsageError: If there is none.
    """
    known = {kind.name: kind for kind in Prompting.__subclasses__()}
    plain = re.sub(r"[^a-z]", "", name.lower())
    for spelling, kind in known.items():
        if spelling.replace("_", "") == plain:
            return kind
    raise UsageError(f"a method must be one of {', '.join(sorted(known))}, got {name!r}; choose one of these.")
