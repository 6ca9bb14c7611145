"""Everything that a step needs goes to the device: torch's fake tensors stand for a GPU and refuse to mix devices."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from misfire.embeddings import OpenClipEncoder, PromptedText, prompted_text
from misfire.methods.multilabel import DualCoOp, NegativeCoOp, PositiveCoOp, Prompting, VisionOnly
from misfire.methods.multilabel.aggregation import log_odds
from misfire.methods.multilabel.prompting import Sizes

CLASSES = ("star", "moon", "tree")


@pytest.fixture(scope="module")
def text() -> PromptedText:
    return PromptedText(OpenClipEncoder(model="bundled:world_clip"), CLASSES, num_context=2)


@pytest.mark.parametrize("kind", [DualCoOp, PositiveCoOp, NegativeCoOp, VisionOnly])
def test_a_step_mixes_no_devices(text: PromptedText, kind: type[Prompting], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompted_text, "can_be_shortened", lambda network: True)  # it reads numbers; these have none
    kind_of_prompt: dict[str, Any] = {} if kind is VisionOnly else {"num_context": 2}
    sizes = Sizes(len(CLASSES), text.width, 128)
    task = torch.nn.ModuleList([kind(**kind_of_prompt).build(sizes, rng=torch.Generator().manual_seed(0)), text])
    moved = deepcopy(task)  # the text's network with it: other tests keep theirs on the CPU
    with FakeTensorMode(allow_non_fake_inputs=False) as fake:
        moved._apply(lambda tensor: fake.from_tensor(tensor).to("cuda"))
        regions = torch.nn.functional.normalize(torch.randn(4, 4, 128, device="cuda"), dim=-1)
        odds = log_odds(moved[0](regions, moved[1]))
        assert odds.device.type == "cuda"
        assert odds.requires_grad
        with pytest.raises(Exception, match="cpu"):
            moved[0](regions.cpu(), moved[1])
