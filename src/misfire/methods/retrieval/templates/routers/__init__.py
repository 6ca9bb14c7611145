"""Routers: what category of failure a caption invites, as far as can be told without its own label."""

from misfire.methods.retrieval.templates.routers.base import CategoryRouter
from misfire.methods.retrieval.templates.routers.lexical import LexicalRouter
from misfire.methods.retrieval.templates.routers.out_of_fold import OutOfFoldRouter
from misfire.methods.retrieval.templates.routers.zero_shot import ZeroShotRouter

__all__ = ["CategoryRouter", "LexicalRouter", "OutOfFoldRouter", "ZeroShotRouter"]
