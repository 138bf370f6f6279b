"""The cache on its own; what goes in is counted by the maker."""

import multiprocessing
import os
import signal
import time

import pytest

from msq_finn import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def slow_maker(log):
    def make(folder):
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        (folder / "half").write_text("first half")
        time.sleep(0.5)
        (folder / "whole").write_text("both halves")

    return make


def use(log):
    place = cache.entry("thing", "key", slow_maker(log))
    assert (place / "whole").read_text() == "both halves"


def test_lies_under_xdg_cache_home(tmp_path):
    assert cache.folder() == tmp_path / "msq_finn"
    os.environ.pop("XDG_CACHE_HOME")
    assert cache.folder().parts[-2:] == (".cache", "msq_finn")


def test_processes_that_want_one_entry_make_it_once(tmp_path):
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=use, args=(log,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(log.read_text().split()) == 1


def test_a_killed_maker_leaves_nothing_that_counts(tmp_path):
    log = tmp_path / "log"
    worker = multiprocessing.get_context("fork").Process(target=use, args=(log,))
    worker.start()
    half = cache.folder() / "thing" / "key.tmp" / "half"
    deadline = time.monotonic() + 20
    while not half.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert half.exists()
    assert not (cache.folder() / "thing" / "key").exists()
    use(log)
    assert len(log.read_text().split()) == 2
    assert not half.exists()


def test_keys_with_dots_stay_apart():
    def nested(folder):
        cache.entry("thing", "1.6.2", lambda inner: (inner / "whole").touch())

    cache.entry("thing", "1.6.1", nested)
    assert (cache.folder() / "thing" / "1.6.2" / "whole").exists()


def test_a_failed_maker_is_asked_again():
    def fail(folder):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache.entry("thing", "key", fail)
    place = cache.entry("thing", "key", lambda folder: (folder / "whole").touch())
    assert (place / "whole").exists()


def test_entries_that_nobody_uses_are_forgotten():
    month = 31 * 24 * 3600
    used, unused = (cache.entry("thing", key, lambda folder: None) for key in ("used", "unused"))
    for place in (used, unused):
        os.utime(place, (time.time() - month, time.time() - month))
    assert cache.entry("thing", "used", lambda folder: None) == used
    cache.entry("thing", "new", lambda folder: None)
    assert used.exists()
    assert not unused.exists()
