"""What classes look like, in words: sources of descriptions, a file each."""

from misfire.prompts.descriptions.answer_store import AnswerStore
from misfire.prompts.descriptions.endpoint import EndpointDescriptions, EndpointError
from misfire.prompts.descriptions.json_file import JsonDescriptions, ListedDescriptions
from misfire.prompts.descriptions.local_model import LocalModelDescriptions
from misfire.prompts.descriptions.random_words import NoDescriptions, RandomWords
from misfire.prompts.descriptions.source import Descriptions, DescriptionSource

__all__ = [
    "AnswerStore",
    "DescriptionSource",
    "Descriptions",
    "EndpointDescriptions",
    "EndpointError",
    "JsonDescriptions",
    "ListedDescriptions",
    "LocalModelDescriptions",
    "NoDescriptions",
    "RandomWords",
]
