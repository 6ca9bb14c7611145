"""A zero-shot classifier's worst classes: found without labels, told from label noise, mended by their prompts."""

from misfire.methods.classification.margin import ClassMatchingMargin, class_matching_margin, template_margins

__all__ = ["ClassMatchingMargin", "class_matching_margin", "template_margins"]
