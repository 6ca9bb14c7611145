"""Routers: what category of failure a caption invites, as far as can be told without its own label."""

from misfire.evaluation.routers.base import CategoryRouter
from misfire.evaluation.routers.lexical import LexicalRouter
from misfire.evaluation.routers.out_of_fold import OutOfFoldRouter
from misfire.evaluation.routers.zero_shot import ZeroShotRouter

__all__ = ["CategoryRouter", "LexicalRouter", "OutOfFoldRouter", "ZeroShotRouter"]
