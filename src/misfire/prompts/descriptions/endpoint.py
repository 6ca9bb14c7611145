"""Descriptions from a language model behind an OpenAI-compatible HTTP endpoint."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from typing_extensions import override

from misfire.core.errors import MisfireError, UsageError
from misfire.core.progress import track
from misfire.prompts.descriptions.answer_store import AnswerStore
from misfire.prompts.descriptions.source import DescriptionSource, check_prompt, lines_of

DEFAULT_PROMPT = (
    "List up to 6 short visual features by which a {class} is told from similar things in a photo. "
    "One feature a line, no introduction."
)


class EndpointError(MisfireError):
    """An endpoint that doesn't answer; what it answered before is kept."""


@final
@dataclass(frozen=True)
class EndpointDescriptions(DescriptionSource):
    """Asks a language model about each class, once: every answer is kept by the content of its question.

    Afterwards the run is repeatable, and needs neither network nor key. The key is read from the environment when the
    first question is asked, and stands in no file, log, error or identity. Where the endpoint fails on the way, the
    answers so far are kept, and asking again goes on from there.

    Args:
        model: The model's name.
        cache: Folder of the answers.
        base_url: Address of the API, as ``http://localhost:8000/v1``; OpenAI's own if left out.
        prompt: The question, with ``{class}`` in it; each line of the answer is a description.
        temperature: Of the sampling; 0 is as repeatable as the endpoint allows.
        samples: How many answers a class.
        max_tokens: Longest answer.
        are_sentences: Whether each line is a prompt by itself.
        key_variable: Environment variable that holds the key; empty for an endpoint that asks for none.
        requests_per_minute: Fastest rate of asking.
        most_requests: Budget: with more unanswered questions than this, none is asked.
        timeout_s: Longest wait for an answer, seconds.
        retries: How often a question is asked again after a timeout, a lost connection, a 429 or a 5xx; the waits
            between grow, or are what the endpoint says.

    Raises:
        UsageError: If an option is out of its range, the client isn't installed, the key is missing or the budget is
            too small.
        EndpointError: If the endpoint refuses or doesn't answer.
    """

    model: str
    cache: str
    base_url: str | None = None
    prompt: str = DEFAULT_PROMPT
    temperature: float = 0.0
    samples: int = 1
    max_tokens: int = 300
    are_sentences: bool = False
    key_variable: str = "OPENAI_API_KEY"
    requests_per_minute: float = 60.0
    most_requests: int = 1000
    timeout_s: float = 60.0
    retries: int = 4
    name: ClassVar[str] = "endpoint"

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        rules = {
            "samples": self.samples >= 1,
            "max_tokens": self.max_tokens >= 1,
            "temperature": 0 <= self.temperature <= 2,
            "requests_per_minute": self.requests_per_minute > 0,
            "most_requests": self.most_requests >= 0,
            "timeout_s": self.timeout_s > 0,
            "retries": self.retries >= 0,
        }
        wrong = [f"{name}={getattr(self, name)}" for name, holds in rules.items() if not holds]
        if wrong:
            raise UsageError(
                f"an endpoint's numbers must be in range, got {', '.join(wrong)}; temperature is from 0 to 2, samples "
                "and max_tokens from 1, the others from 0."
            )

    @override
    def describe(self) -> dict[str, str | int | float | bool]:
        return {
            "descriptions": self.name,
            **self._request(),
            "samples": self.samples,
            "are_sentences": self.are_sentences,
        }

    @override
    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        store = AnswerStore(Path(self.cache))
        questions = {(name, sample): self._question(name, sample) for name in classes for sample in range(self.samples)}
        known = {key: store.get(question) for key, question in questions.items()}
        missing = [key for key, answer in known.items() if answer is None]
        if missing:
            self._check_budget(len(missing))
            client = self._client()
            for key in track(missing, total=len(missing), what=f"asking {self.model}"):
                start = time.monotonic()
                known[key] = self._ask(client, questions[key])
                store.put(questions[key], str(known[key]))
                if key != missing[-1]:
                    time.sleep(max(0.0, 60 / self.requests_per_minute - (time.monotonic() - start)))
        said: dict[str, list[str]] = {name: [] for name in classes}
        for (name, _), answer in known.items():
            # An empty answer is one description that can't be used, and is counted as such.
            said[name].extend(lines_of(str(answer)) or [""])
        return said

    def _request(self) -> dict[str, str | int | float | bool]:
        return {
            "model": self.model,
            "prompt": self.prompt,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }

    def _question(self, name: str, sample: int) -> dict[str, Any]:
        return {**self._request(), "prompt": self.prompt.replace("{class}", name.replace("_", " ")), "sample": sample}

    def _check_budget(self, num_missing: int) -> None:
        if num_missing > self.most_requests:
            raise UsageError(
                f"the questions must be within the budget, got {num_missing} unanswered ones and "
                f"most_requests={self.most_requests}; raise it, or enrich fewer classes."
            )

    def _client(self) -> Any:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise UsageError(
                "descriptions from an endpoint need the package openai, which isn't installed; pip install "
                "'misfire[descriptions]'."
            ) from error
        key = os.environ.get(self.key_variable, "") if self.key_variable else "none"
        if not key:
            raise UsageError(
                f"the key must be in the environment variable {self.key_variable}, which is empty; export it, or set "
                "key_variable to nothing for an endpoint that asks for none."
            )
        return OpenAI(api_key=key, base_url=self.base_url, timeout=self.timeout_s, max_retries=self.retries)

    def _ask(self, client: Any, question: Mapping[str, Any]) -> str:
        import openai

        try:
            reply = client.chat.completions.create(
                model=self.model,
                messages=[{"role": "user", "content": question["prompt"]}],
                temperature=self.temperature,
                max_tokens=self.max_tokens,
            )
        except openai.APITimeoutError:
            raise EndpointError(
                self._failed(f"within {self.timeout_s:g} s, got no answer in {self.retries + 1} attempts")
            ) from None
        except openai.APIConnectionError:
            raise EndpointError(
                self._failed(f"when it is asked, got no connection in {self.retries + 1} attempts")
            ) from None
        except openai.APIStatusError as error:
            # The body may repeat the key that was refused, so the status alone is told.
            said = self._failed(f"with a description, got HTTP status {error.status_code}")
            where = f"look at {self.key_variable or 'descriptions.key_variable'} and descriptions.base_url first"
            advice = {401: where, 403: where, 404: where, 429: "with a lower descriptions.requests_per_minute"}
            told = f" ({advice[error.status_code]})" if error.status_code in advice else ""
            raise EndpointError(f"{said.removesuffix('.')}{told}.") from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise EndpointError(self._failed(f"as the API says, got {type(error).__name__}")) from None
        try:
            content = reply.choices[0].message.content
        except (AttributeError, IndexError, TypeError):
            raise EndpointError(self._failed("as the API says, got a reply without a message")) from None
        return content if isinstance(content, str) else ""

    def _failed(self, rule_and_value: str) -> str:
        return (
            f"the endpoint of {self.model} must answer {rule_and_value}; what it answered so far is kept in "
            f"{self.cache}, run the command again to go on."
        )
