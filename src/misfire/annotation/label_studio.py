"""Tasks for Label Studio: every failure with its ids, the annotations there are, and the page that shows them.

Reference:
    Label Studio documentation, "Label Studio JSON format of annotated tasks" and "Import pre-annotations".
"""

import base64
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5
from xml.sax.saxutils import quoteattr

from misfire.annotation.events import Action, AnnotationEvent, ItemKey
from misfire.annotation.pictures import picture
from misfire.annotation.state import AnnotationState
from misfire.data import Dataset
from misfire.failures import Failure, FailureSet, Taxonomy

CATEGORY, SUBTYPE, NOTES, SHOWN = "category", "subtype", "notes", "caption"
_LONGEST_SIDE = 640


def label_studio_tasks(
    failure_set: FailureSet,
    query_ids: Collection[int],
    states: Mapping[str, AnnotationState],
    image_uri: Callable[[int], str],
) -> list[dict[str, Any]]:
    """A task for each of some failures, in the set's order, with every annotator's annotation of it.

    ``data`` holds the query's id, the text's hash and the failure set's digest, by which an import finds its way back.
    ``completed_by`` numbers the annotators from 1 in the order of their names, since Label Studio takes numbers alone;
    the name stands beside it and in each result's ``meta``, which Label Studio keeps. A skip is ``was_cancelled``.
    Hidden repeats stay in the log.

    Args:
        failure_set: What was annotated.
        query_ids: Which failures to write.
        states: By annotator.
        image_uri: Where a browser finds an image, by its id.
    """
    wanted = set(query_ids)
    return [
        {
            "id": failure.query_id,
            "data": _data(failure_set, failure, image_uri),
            "annotations": [
                annotation
                for number, name in enumerate(sorted(states), start=1)
                for annotation in _annotations(states[name], ItemKey(failure.query_id), name, number)
            ],
            "predictions": [],
        }
        for failure in failure_set.failures
        if failure.query_id in wanted
    ]


def embedded(dataset: Dataset) -> Callable[[int], str]:
    """Images as ``data:`` addresses, so that the tasks need no server beside them."""

    def uri(image_id: int) -> str:
        shown = picture(dataset, image_id, longest_side=_LONGEST_SIDE)
        return f"data:{shown.media_type};base64,{base64.b64encode(shown.data).decode('ascii')}"

    return uri


def label_studio_config(taxonomy: Taxonomy) -> str:
    """The labelling interface that asks the page's question of these tasks, for a project's settings."""
    choices = [
        f"    <Choice value={quoteattr(one.name)} hotkey={quoteattr(str(one.key))} hint={quoteattr(one.definition)}/>"
        for one in taxonomy.categories
    ]
    subtypes = [
        line
        for one in taxonomy.categories
        if one.subtypes
        for line in (
            f'  <Choices name="{SUBTYPE}" toName="{SHOWN}" choice="single-radio" showInLine="true" '
            f'visibleWhen="choice-selected" whenTagName="{CATEGORY}" whenChoiceValue={quoteattr(one.name)}>',
            *(f"    <Choice value={quoteattr(sub.name)} hint={quoteattr(sub.definition)}/>" for sub in one.subtypes),
            "  </Choices>",
        )
    ]
    return "\n".join(
        [
            "<View>",
            f'  <Text name="{SHOWN}" value="$caption"/>',
            '  <View style="display: flex; gap: 1em">',
            '    <View><Header value="Target: described by the caption"/>'
            '<Image name="target" value="$target_image"/></View>',
            '    <View><Header value="Retrieved by the model"/>'
            '<Image name="retrieved" value="$retrieved_image"/></View>',
            "  </View>",
            '  <Header value="What does the retrieved image get wrong?"/>',
            f'  <Choices name="{CATEGORY}" toName="{SHOWN}" choice="single-radio" required="true" showInLine="true">',
            *choices,
            "  </Choices>",
            *subtypes,
            f'  <TextArea name="{NOTES}" toName="{SHOWN}" placeholder="Note" editable="true"/>',
            "</View>",
            "",
        ]
    )


def _data(failure_set: FailureSet, failure: Failure, image_uri: Callable[[int], str]) -> dict[str, Any]:
    return {
        "query_id": failure.query_id,
        "text_sha256": failure.text_sha256,
        "failure_set": failure_set.digest,
        "caption": failure.caption,
        "target_image_id": failure.target_image_id,
        "retrieved_image_id": failure.retrieved_image_id,
        "target_image": image_uri(failure.target_image_id),
        "retrieved_image": image_uri(failure.retrieved_image_id),
    }


def _annotations(state: AnnotationState, key: ItemKey, annotator: str, number: int) -> list[dict[str, Any]]:
    event = state.answers.get(key)
    if event is None:
        return []
    return [
        {
            "unique_id": str(_uuid(event.id)),
            "completed_by": number,
            "annotator": annotator,
            "event": event.id,
            "result": _results(event, state.notes.get(key, ""), {"annotator": annotator, "event": event.id}),
            "was_cancelled": event.event is Action.SKIP,
            "ground_truth": event.ground_truth,
            "lead_time": event.seconds,
            "created_at": event.time,
        }
    ]


def _results(event: AnnotationEvent, notes: str, meta: dict[str, str]) -> list[dict[str, Any]]:
    values: list[tuple[str, str, dict[str, list[str]]]] = []
    if event.category is not None:
        values.append((CATEGORY, "choices", {"choices": [event.category]}))
    if event.subtype is not None:
        values.append((SUBTYPE, "choices", {"choices": [event.subtype]}))
    if notes:
        values.append((NOTES, "textarea", {"text": [notes]}))
    return [
        {
            "id": f"{event.id[:32]}-{name}",
            "from_name": name,
            "to_name": SHOWN,
            "type": kind,
            "value": value,
            "origin": "manual",
            "meta": meta,
        }
        for name, kind, value in values
    ]


def _uuid(event_id: str) -> UUID:
    try:
        return UUID(event_id)
    except ValueError:
        return uuid5(NAMESPACE_OID, event_id)
