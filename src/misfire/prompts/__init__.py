"""Templates and the prompts they render: strings only."""

from misfire.prompts.lint import Finding, added_words, lint_templates
from misfire.prompts.routed_templates import RoutedTemplates
from misfire.prompts.template import Template
from misfire.prompts.template_set import MatchedTemplates, TemplateChoice, TemplateSet, template_set_from_file

__all__ = [
    "Finding",
    "MatchedTemplates",
    "RoutedTemplates",
    "Template",
    "TemplateChoice",
    "TemplateSet",
    "added_words",
    "lint_templates",
    "template_set_from_file",
]
