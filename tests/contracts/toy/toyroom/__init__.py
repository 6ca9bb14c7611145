"""A method of somebody else's: which of some texts pass a rule. The smallest room that has everything a room has."""

from toyroom.cell import WordinessCell
from toyroom.ledger import FolderLedger
from toyroom.rules import AtLeast, AtMost

__all__ = ["AtLeast", "AtMost", "FolderLedger", "WordinessCell"]
