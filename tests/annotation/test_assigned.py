import json
from pathlib import Path
from types import ModuleType

import pytest

from misfire.annotation import assigned_query_ids, planned_query_ids
from misfire.core.errors import IntegrityError
from misfire.failures import AnnotationPlan, write_mining_outputs


def test_an_annotator_has_the_shared_items_and_the_own(tmp_path: Path, invented: ModuleType) -> None:
    data = invented.dataset()
    failures = invented.failure_set(data)
    plan = AnnotationPlan(annotators=("ann", "bob"), overlap=6)
    folder = write_mining_outputs(failures, data, plan, tmp_path).folder
    ann, bob = (assigned_query_ids(folder, failures, name) for name in ("ann", "bob"))
    assert len(ann) == len(bob) == 15
    assert len(set(ann) & set(bob)) == 6
    assert set(ann) | set(bob) == set(failures.query_ids)
    assert assigned_query_ids(folder, failures, "cem") == failures.query_ids
    assert assigned_query_ids(tmp_path, failures, "ann") == failures.query_ids


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        {"failure_set": "other", "query_ids": {"ann": [1000]}},
        {"query_ids": {"ann": [999]}},
        {"query_ids": {"ann": ["x"]}},
        {"query_ids": [1000]},
    ],
)
def test_a_manifest_of_something_else_is_found(content: object, tmp_path: Path, invented: ModuleType) -> None:
    failures = invented.failure_set()
    text = json.dumps({"failure_set": failures.digest, **content}) if isinstance(content, dict) else str(content)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(IntegrityError, match="a failure set's manifest must be what misfire mine wrote"):
        planned_query_ids(tmp_path, failures)
