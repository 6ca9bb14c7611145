"""Annotation: a page that asks one question an item, a log that loses nothing, and the way to other tools and back."""

from misfire.annotation.access import Access
from misfire.annotation.assigned import assigned_query_ids, planned_query_ids
from misfire.annotation.desk import AnnotationDesk, Opinion
from misfire.annotation.events import Action, AnnotationEvent, ItemKey
from misfire.annotation.label_log import LabelLog, LogContent, log_path
from misfire.annotation.label_studio import embedded, label_studio_config, label_studio_tasks
from misfire.annotation.label_studio_import import ImportedAnnotation, append_annotations, read_label_studio
from misfire.annotation.opinions import annotators_with_logs, disagreements, opinions_of
from misfire.annotation.server import create_app
from misfire.annotation.serving import serve
from misfire.annotation.session import Item, session_items
from misfire.annotation.sheet_export import sheet_bytes, sheet_entries
from misfire.annotation.state import AnnotationState, fold

__all__ = [
    "Access",
    "Action",
    "AnnotationDesk",
    "AnnotationEvent",
    "AnnotationState",
    "ImportedAnnotation",
    "Item",
    "ItemKey",
    "LabelLog",
    "LogContent",
    "Opinion",
    "annotators_with_logs",
    "append_annotations",
    "assigned_query_ids",
    "create_app",
    "disagreements",
    "embedded",
    "fold",
    "label_studio_config",
    "label_studio_tasks",
    "log_path",
    "opinions_of",
    "planned_query_ids",
    "read_label_studio",
    "serve",
    "session_items",
    "sheet_bytes",
    "sheet_entries",
]
