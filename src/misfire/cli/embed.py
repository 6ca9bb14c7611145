"""Fill the embedding store with a dataset's images and captions."""

from collections.abc import Sequence


def run(words: Sequence[str]) -> int:
    """Embed what the store lacks."""
    from misfire.config import Settings

    settings = Settings.of_words("embed", words)

    from misfire.embeddings import FillReport, fill_images, fill_texts

    bench = settings.bench
    dataset, encoder, store, trainer = bench.dataset, bench.encoder, bench.store, bench.trainer
    images = fill_images(dataset.images, encoder, store, trainer)
    captions = [caption.text for caption in dataset.captions]
    texts = fill_texts(captions, encoder, store, trainer) if captions else FillReport(0, 0, 0)
    print(f"{dataset.name} with {encoder.name}, in {store.root}:")
    print(f"  images    {images.num_encoded:8,} encoded  {images.num_found:8,} found")
    print(
        f"  captions  {texts.num_encoded:8,} encoded  {texts.num_found:8,} found  "
        f"{texts.num_truncated:,} cut at {encoder.context_length} tokens (equal texts count once)"
    )
    return 0
