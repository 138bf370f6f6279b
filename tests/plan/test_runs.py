"""Runs as data, and sweeps that are cut off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from distributed import Client, LocalCluster

from msq_finn.errors import MsqError
from msq_finn.plan.cost import stored_runs
from msq_finn.plan.cost.characterize import characterize, workers
from msq_finn.plan.cost.design_point import Design
from msq_finn.plan.cost.lane_sweep import of
from msq_finn.plan.cost.point_kinds import NODES, Add, Dwc, Msq, Padding, Point
from msq_finn.synth.resources import Resources

PART = stored_runs.PARTS["DSP48E2"]

RESOURCES = Resources(10, 8, 2, 5, 1, 0.5, 0, 4, 900, "0.70")


@dataclass(frozen=True)
class Made(Point):
    """A point that takes no synthesis; sizes above 90 fail."""

    node: ClassVar[str] = "made"
    calls: ClassVar[list[int]] = []
    parts: ClassVar[set[str]] = set()
    size: int

    def synthesize(self, part: str = "") -> Resources:
        self.calls.append(self.size)
        self.parts.add(part)
        if self.size > 90:
            raise MsqError("too large")
        return Resources(self.size, self.size, 0, 0, 0, 0.0, 0, 0, 0, "none")

    def design(self, folder: Path, part: str) -> Design:
        raise AssertionError("nothing to synthesise")


@pytest.fixture(autouse=True)
def _made(monkeypatch):
    monkeypatch.setitem(NODES, "made", Made)
    Made.calls.clear()


@pytest.fixture(scope="module")
def client():
    """A worker in this process, where Made can be looked at."""
    with (
        LocalCluster(
            processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None
        ) as c,
        Client(c) as client,
    ):
        yield client


def test_runs_survive_the_file(tmp_path: Path):
    path = tmp_path / "deep" / "runs.jsonl"
    first = stored_runs.Run(Dwc(4, 8), RESOURCES, "")
    again = stored_runs.Run(Dwc(4, 8), Resources(11, 8, 2, 5, 1, 0.5, 0, 4, 900, "0.70"), "")
    other = stored_runs.Run(Msq(16, 4, 4, of(sp2_4_lut=2)), RESOURCES, "abc")
    for run in (first, other, again):
        stored_runs.append(run, path)
    assert list(stored_runs.load(path).values()) == [again, other]


def test_replaced_runs_are_left_out(tmp_path: Path):
    path = tmp_path / "runs.jsonl"
    again = stored_runs.Run(Dwc(4, 8), Resources(11, 8, 2, 5, 1, 0.5, 0, 4, 900, "0.70"), "")
    other = stored_runs.Run(Msq(16, 4, 4, of(sp2_4_lut=2)), RESOURCES, "abc")
    for run in (stored_runs.Run(Dwc(4, 8), RESOURCES, ""), other, again):
        stored_runs.append(run, path)
    before = stored_runs.load(path)
    stored_runs.compact(path)
    assert stored_runs.load(path) == before and len(path.read_text().splitlines()) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["runs.jsonl"]


def test_half_a_line_is_dropped_and_not_built_upon(tmp_path: Path):
    path = tmp_path / "runs.jsonl"
    stored_runs.append(stored_runs.Run(Dwc(4, 8), RESOURCES, ""), path)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert len(stored_runs.load(path)) == 1
    stored_runs.append(stored_runs.Run(Dwc(8, 4), RESOURCES, ""), path)
    assert [run.point for run in stored_runs.load(path).values()] == [Dwc(4, 8), Dwc(8, 4)]
    assert path.read_bytes().startswith(whole)


def test_a_bad_line_is_named(tmp_path: Path):
    path = tmp_path / "runs.jsonl"
    stored_runs.append(stored_runs.Run(Dwc(4, 8), RESOURCES, ""), path)
    path.write_text('{"node": "dwc"}\n' + path.read_text())
    with pytest.raises(MsqError, match=r"runs\.jsonl:1: not a synthesis run"):
        stored_runs.load(path)


def test_a_sweep_that_was_cut_off_goes_on(tmp_path: Path, client):
    path = tmp_path / "runs.jsonl"
    points = [Made(size) for size in (1, 2, 99, 3)]
    with pytest.raises(MsqError, match="too large"):
        characterize(points, client, PART, path)
    stored = {run.point.size for run in stored_runs.load(path).values()}
    assert stored == {1, 2, 3}
    # As if killed after the first.
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    stored = {run.point.size for run in stored_runs.load(path).values()}
    Made.calls.clear()
    seen: list[tuple[int, int]] = []
    good = [point for point in points if point.size != 99]
    found = characterize(
        good, client, PART, path, progress=lambda _, done, total: seen.append((done, total))
    )
    assert set(Made.calls) == {1, 2, 3} - stored
    assert len(found) == 3
    assert Made.parts == {PART}
    assert len(seen) == len(Made.calls)


def test_changed_rtl_makes_runs_again(tmp_path: Path, client, monkeypatch):
    path = tmp_path / "runs.jsonl"
    characterize([Made(5)], client, PART, path)
    monkeypatch.setattr(stored_runs, "sources_of", lambda point: "changed")
    characterize([Made(5)], client, PART, path)
    assert Made.calls == [5, 5]


def test_processes_synthesise_for_real(tmp_path: Path):
    path = tmp_path / "runs.jsonl"
    with workers(jobs=2) as client:
        found = characterize([Padding(64, 1, 32), Add(1)], client, PART, path)
    assert stored_runs.load(path) == found
    # As they come with the package.
    stored = stored_runs.load(stored_runs.path_of(PART))
    assert [run.resources for run in found.values()] == [stored[k].resources for k in found]


def test_runs_that_could_not_be_stored_do_not_begin(tmp_path: Path, client):
    (tmp_path / "file").touch()
    with pytest.raises(MsqError, match=r"runs cannot be stored there \(.*\); install msq_finn"):
        characterize([Made(7)], client, PART, tmp_path / "file" / "runs.jsonl")
    assert 7 not in Made.calls


@pytest.mark.parametrize(
    ("point", "file"),
    [(Add(1), "streaming/stream_add.sv"), (Msq(8, 4, 2, of(sp2_4_lut=2)), "lut_lane.sv")],
)
def test_runs_depend_on_the_rtl_behind_them(point, file, monkeypatch):
    before, read = stored_runs.sources_of(point), Path.read_bytes
    changed = lambda path: read(path) + b"//" * str(path).endswith(file)  # noqa: E731
    monkeypatch.setattr(Path, "read_bytes", changed)
    assert before != stored_runs.sources_of(point)


def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("msq_finn.plan.cost.characterize.CONNECT_S", 1)
    with (
        pytest.raises(MsqError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        workers(scheduler="tcp://127.0.0.1:9"),
    ):
        pass
