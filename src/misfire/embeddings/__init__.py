"""Unit vectors of images and texts: an encoder, a loop that runs it, and a store that makes it run once."""

from misfire.embeddings.embed import FillReport, embed_images, embed_texts, fill_images, fill_texts, num_truncated
from misfire.embeddings.encoder import Encoder
from misfire.embeddings.inputs import EncodableImage
from misfire.embeddings.open_clip_encoder import OpenClipEncoder
from misfire.embeddings.prompted_text import PromptedText
from misfire.embeddings.region_inputs import embed_regions
from misfire.embeddings.store import EmbeddingKey, EmbeddingStore, EmbeddingTable
from misfire.embeddings.trainer_settings import TrainerSettings

__all__ = [
    "EmbeddingKey",
    "EmbeddingStore",
    "EmbeddingTable",
    "EncodableImage",
    "Encoder",
    "FillReport",
    "OpenClipEncoder",
    "PromptedText",
    "TrainerSettings",
    "embed_images",
    "embed_regions",
    "embed_texts",
    "fill_images",
    "fill_texts",
    "num_truncated",
]
