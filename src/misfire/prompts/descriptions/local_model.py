"""Descriptions from a language model on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, final

from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.progress import track
from misfire.prompts.descriptions.answer_store import AnswerStore
from misfire.prompts.descriptions.endpoint import DEFAULT_PROMPT
from misfire.prompts.descriptions.source import DescriptionSource, check_prompt, lines_of


@final
@dataclass(frozen=True)
class LocalModelDescriptions(DescriptionSource):
    """Asks a text-generation model of ``transformers`` about each class, once; answers are kept as an endpoint's are.

    Args:
        model: Name on the hub, or a folder. A folder is identified by the name given here, so name its version.
        cache: Folder of the answers.
        prompt: The question, with ``{class}`` in it; each line of the answer is a description.
        max_tokens: Longest answer; it is the likeliest one word by word, so that a run is repeatable.
        are_sentences: Whether each line is a prompt by itself.

    Raises:
        UsageError: If the prompt has no place for the class, or the model can't be loaded.
    """

    model: str
    cache: str
    prompt: str = DEFAULT_PROMPT
    max_tokens: int = 300
    are_sentences: bool = False
    name: ClassVar[str] = "local_model"

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens must be >= 1, got {self.max_tokens}; leave it out for 300.")

    @override
    def describe(self) -> dict[str, str | int | float | bool]:
        return {"descriptions": self.name, **self._request(), "are_sentences": self.are_sentences}

    @override
    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        store = AnswerStore(Path(self.cache))
        questions = {name: self._question(name) for name in classes}
        known = {name: store.get(question) for name, question in questions.items()}
        missing = [name for name, answer in known.items() if answer is None]
        for name in track(missing, total=len(missing), what=f"asking {self.model}"):
            known[name] = self._ask(str(questions[name]["prompt"]))
            store.put(questions[name], str(known[name]))
        return {name: lines_of(str(answer)) or [""] for name, answer in known.items()}

    def _request(self) -> dict[str, str | int | float | bool]:
        return {"local_model": self.model, "prompt": self.prompt, "max_tokens": self.max_tokens}

    def _question(self, name: str) -> dict[str, str | int | float | bool]:
        return {**self._request(), "prompt": self.prompt.replace("{class}", name.replace("_", " "))}

    def _ask(self, prompt: str) -> str:
        tokenizer, network = self._loaded
        if getattr(tokenizer, "chat_template", None):
            prompt = tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
        tokens = tokenizer(prompt, return_tensors="pt")
        said = network.generate(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            max_new_tokens=self.max_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
        )
        answer: str = tokenizer.decode(said[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
        return answer

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise UsageError(
                "descriptions from a local model need the package transformers, which isn't installed; pip install "
                "'misfire[siglip]'."
            ) from error
        try:
            network: Any = AutoModelForCausalLM.from_pretrained(
                self.model, use_safetensors=True, trust_remote_code=False
            )
            return AutoTokenizer.from_pretrained(self.model, trust_remote_code=False), network.eval()
        except (OSError, ValueError, KeyError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UsageError(
                f"model must name a text-generation model with safetensors, got {self.model} ({reason}); give a folder "
                "or a name on the hub."
            ) from error
