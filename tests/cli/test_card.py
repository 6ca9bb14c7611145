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
    assert any(x.endswith("is at most 0.66667 in expectation, i2t hit@1 0.75000") for x in lines)
    assert any(x.endswith("case and punctuation included: 0, 0, 1.00000, 1.00000") for x in lines)
    assert any(x.endswith("without a caption 0, of which 0 stand in the gallery") for x in lines)
    assert "images that are listed again, and count once 0; images with a near twin not looked for" in lines
    assert "images opened without their pictures 2" in lines
    assert lines[-1] == "1 image was skipped."


def test_without_captions_nothing_is_said_of_them() -> None:
    images = tuple(Image(number, AbsentImage(f"{number}.jpg"), f"{number}.jpg") for number in range(2))
    lines = list(card_lines(dataset_card(Dataset("pets", images)), ()))
    assert lines[0].startswith("pets: 2 images, 0 captions,")
    assert not any("nan" in line or line.startswith("captions") for line in lines)
    assert (
        "images missing 0, unreadable 0, outside their folder 0, without a caption 2, of which 2 stand in the gallery"
        in lines
    )
