"""Standard output while a solver runs."""

import ctypes

from msq_finn.silence import silence


def test_what_c_prints_is_dropped_and_the_rest_stays(capfd):
    puts = ctypes.CDLL(None).puts
    print("before")
    with silence():
        puts(b"remark")
    print("after")
    puts(b"later")
    ctypes.CDLL(None).fflush(None)
    assert sorted(capfd.readouterr().out.split()) == ["after", "before", "later"]
