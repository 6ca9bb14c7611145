"""The card's lines say what the card's keys say."""

from misfire.cli._card import card_lines
from misfire.data import Caption, Dataset, Image, dataset_card
from misfire.data.picture_folder import AbsentImage


def test_a_reader_is_told_what_limits_the_data() -> None:
    images = tuple(Image(number, AbsentImage(f"{number}.jpg"), f"{number}.jpg") for number in range(2))
    texts = ("A cat.", "a cat", "a dog")
    captions = tuple(Caption(number, number % 2, text) for number, text in enumerate(texts))
    dataset = Dataset("pets", images, captions)
    lines = list(card_lines(dataset_card(dataset), ("1 image was skipped.",)))
    assert lines[0] == f"pets: 2 images, 3 captions, fingerprint {dataset.fingerprint[:12]}"
    assert "captions an image: 1 to 2, mean 1.50; words a caption: 2 to 2, mean 2.0" in lines
    assert any("stands more than once 2, on more than one image 2, so t2i hit@1 is at most 0.66667" in x for x in lines)
    assert any(x.endswith("case and punctuation included: 0, 0, 1.00000") for x in lines)
    assert "images opened without their pictures 2" in lines
    assert lines[-1] == "1 image was skipped."
