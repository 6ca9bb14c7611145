"""Templates and the prompts they render: strings only."""

from misfire.prompts.lint import Finding, added_words, lint_templates
from misfire.prompts.template import Template
from misfire.prompts.template_set import MatchedTemplates, TemplateChoice, TemplateSet, template_set_from_file

__all__ = [
    "Finding",
    "MatchedTemplates",
    "Template",
    "TemplateChoice",
    "TemplateSet",
    "added_words",
    "lint_templates",
    "template_set_from_file",
]
