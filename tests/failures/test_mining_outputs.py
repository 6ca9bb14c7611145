import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image as PillowImage

from misfire.core.errors import IntegrityError, UsageError
from misfire.data import ImageSource
from misfire.data.world import World
from misfire.failures import (
    AnnotationPlan,
    ContactSheetLayout,
    CsvFormat,
    MiningOutputs,
    XlsxFormat,
    contact_sheets,
    load_taxonomy,
    read_failure_set,
    read_sheet,
    write_mining_outputs,
)

PLAN = AnnotationPlan(overlap=4, layout=ContactSheetLayout(pairs_per_page=6))


def written(invented: ModuleType, tmp_path: Path, *, is_labelled: bool = True) -> MiningOutputs:
    data = invented.dataset()
    return write_mining_outputs(invented.failure_set(data, is_labelled=is_labelled), data, PLAN, tmp_path)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_lies_in_one_folder(invented: ModuleType, tmp_path: Path) -> None:
    outputs = written(invented, tmp_path)
    failures = invented.failure_set()
    assert outputs.folder == tmp_path / failures.digest[:12]
    assert read_failure_set(outputs.folder) == failures
    assert len(outputs.contact_sheets) == len(outputs.oracle_contact_sheets) == 2
    listed = [outputs.manifest, *outputs.sheets.values(), *outputs.simulated_sheets.values()]
    listed += [*outputs.contact_sheets, *outputs.oracle_contact_sheets]
    own = {"failure_set.json", "failure_set.parquet"}
    assert set(files(outputs.folder)) == {str(path.relative_to(outputs.folder)) for path in listed} | own


def test_sheets_follow_the_plan(invented: ModuleType, tmp_path: Path) -> None:
    outputs, failures = written(invented, tmp_path), invented.failure_set()
    blank = {name: read_sheet(path, failures) for name, path in outputs.sheets.items()}
    filled = {name: read_sheet(path, failures) for name, path in outputs.simulated_sheets.items()}
    assert list(blank) == ["annotator_1", "annotator_2", "annotator_3"]
    assert [len(sheet) for sheet in blank.values()] == [6, 6, 6]
    shared = set.intersection(*(set(sheet) for sheet in blank.values()))
    manifest = json.loads(outputs.manifest.read_text())
    assert sorted(shared) == manifest["shared_query_ids"]
    assert (manifest["overlap"], manifest["seed"], manifest["failure_set"]) == (4, 42, failures.digest)
    for name in blank:
        assert set(blank[name].values()) == {None}
        assert set(filled[name]) == set(blank[name])
        assert None not in filled[name].values()


def test_annotators_pages_hide_what_the_oracles_show(invented: ModuleType, tmp_path: Path) -> None:
    outputs, data, failures = written(invented, tmp_path), invented.dataset(), invented.failure_set()
    for paths, show in [(outputs.contact_sheets, False), (outputs.oracle_contact_sheets, True)]:
        expected = dict(contact_sheets(failures, data, layout=PLAN.layout, show_oracle_categories=show))
        assert {path.name: path.read_bytes() for path in paths} == expected


def test_without_truth_there_is_nothing_simulated(invented: ModuleType, tmp_path: Path) -> None:
    outputs = written(invented, tmp_path, is_labelled=False)
    assert not outputs.simulated_sheets
    assert not outputs.oracle_contact_sheets
    assert {path.name for path in outputs.folder.iterdir()} == {
        "failure_set.json",
        "failure_set.parquet",
        "manifest.json",
        "sheets",
        "contact_sheets",
    }


def test_perfect_annotators_write_the_truth(invented: ModuleType, tmp_path: Path) -> None:
    data = invented.dataset()
    failures = invented.failure_set(data)
    plan = replace(PLAN, simulated_accuracy=1.0)
    outputs = write_mining_outputs(failures, data, plan, tmp_path)
    truth = {query_id: label.category for query_id, label in invented.label_of(failures).items()}
    for path in outputs.simulated_sheets.values():
        sheet = read_sheet(path, failures)
        assert {query_id: label.category for query_id, label in sheet.items() if label} == {
            query_id: truth[query_id] for query_id in sheet
        }


def test_writing_twice_is_the_same_and_keeps_what_was_filled_in(invented: ModuleType, tmp_path: Path) -> None:
    outputs = written(invented, tmp_path)
    before = files(outputs.folder)
    outputs.sheets["annotator_1"].write_text("filled in")
    written(invented, tmp_path)
    assert files(outputs.folder) == {**before, "sheets/annotator_1.csv": b"filled in"}


def test_another_plan_for_the_same_set_is_refused(invented: ModuleType, tmp_path: Path) -> None:
    outputs = written(invented, tmp_path)
    before = files(outputs.folder)
    data = invented.dataset()
    with pytest.raises(UsageError, match=r"must keep their plan .*, got another than"):
        write_mining_outputs(invented.failure_set(data), data, replace(PLAN, overlap=3), tmp_path)
    assert files(outputs.folder) == before


@dataclass(frozen=True)
class BrokenImage(ImageSource):
    content_sha256 = "0"

    def load(self) -> PillowImage.Image:
        raise UsageError("image 100 must be whole, got half; copy it again.")


def test_nothing_is_written_when_something_is_wrong(invented: ModuleType, tmp_path: Path) -> None:
    data = invented.dataset()
    failures = invented.failure_set(data)
    broken = replace(data, images=tuple(replace(image, source=BrokenImage()) for image in data.images))
    for arguments, message in [
        ((invented.failure_set(broken), broken, PLAN), "must be whole"),
        ((failures, data, replace(PLAN, overlap=11)), "overlap must be between 0 and the 10"),
        ((failures, invented.dataset(num_images=9), PLAN), "must fit its dataset"),
    ]:
        with pytest.raises(UsageError, match=message):
            write_mining_outputs(*arguments, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_set_is_left_alone(invented: ModuleType, tmp_path: Path) -> None:
    outputs = written(invented, tmp_path)
    (outputs.folder / "failure_set.parquet").write_bytes(b"damaged")
    before = files(outputs.folder)
    with pytest.raises(IntegrityError):
        written(invented, tmp_path)
    assert files(outputs.folder) == before


def test_an_impossible_plan_is_refused() -> None:
    with pytest.raises(UsageError, match="annotators must have different names"):
        AnnotationPlan(annotators=("a", "a"))
    with pytest.raises(UsageError, match="accuracy must be in"):
        AnnotationPlan(simulated_accuracy=85.0)


def test_the_bundled_world_labels_its_own_failures(invented: ModuleType, tmp_path: Path) -> None:
    world = World(num_images=40)
    outcome = invented.outcome(world)
    failures = invented.mine(
        world, outcome, backbone_fingerprint="b", precision="fp32", num_failures=60, seed=1, oracle=world
    )
    assert failures.label_source == "world truth"
    for failure in failures.failures:
        truth = world.oracle_category(failure.query_id, failure.retrieved_image_id)
        assert failure.category == truth.capitalize()
        assert (failure.ambiguous_subtype is not None) == (truth == "ambiguous")
    outputs = write_mining_outputs(failures, world, AnnotationPlan(), tmp_path)
    assert len(outputs.simulated_sheets) == 3


def test_backups_formats_and_a_teams_taxonomy(invented: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text("categories: [{name: Style, definition: d}, {name: Rest, definition: d}]")
    team = load_taxonomy(tmp_path / "team.yaml")
    plan = replace(PLAN, num_backups=3, sheet_formats=(XlsxFormat(), CsvFormat(bom=True)), taxonomy=team)
    data = invented.dataset()
    failures = invented.failure_set(data)
    outputs = write_mining_outputs(failures, data, plan, tmp_path / "mined")
    assert {path.suffix for path in outputs.sheets.values()} == {".xlsx"}
    assert all(path.with_suffix(".csv").read_bytes().startswith(b"\xef\xbb\xbf") for path in outputs.sheets.values())
    backups = {name: list(read_sheet(path, failures)) for name, path in outputs.backup_sheets.items()}
    manifest = json.loads(outputs.manifest.read_text())
    assert {name: sorted(ids) for name, ids in manifest["backup_query_ids"].items()} == backups
    assert sum(map(len, backups.values())) == manifest["num_backups"] == 3
    assert manifest["taxonomy"] == team.digest
    for name, path in outputs.sheets.items():
        assert list(read_sheet(path, failures)) == manifest["query_ids"][name]
        assert set(manifest["query_ids"][name]).isdisjoint(query_id for ids in backups.values() for query_id in ids)
    # Simulated annotators know the truth in our words only.
    assert not outputs.simulated_sheets


@pytest.mark.parametrize("formats", [(), (CsvFormat(), CsvFormat(bom=True))])
def test_formats_that_would_overwrite_each_other_are_refused(formats: tuple[CsvFormat, ...]) -> None:
    with pytest.raises(UsageError, match="sheets must have a format, and each a suffix of its own"):
        AnnotationPlan(sheet_formats=formats)
