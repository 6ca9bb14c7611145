"""Templates and the prompts they render: strings only."""

from misfire.prompts.template import Template
from misfire.prompts.template_set import MatchedTemplates, TemplateChoice, TemplateSet, template_set_from_file

__all__ = ["MatchedTemplates", "Template", "TemplateChoice", "TemplateSet", "template_set_from_file"]
