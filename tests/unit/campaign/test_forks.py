"""What is known of a command that was forked, whoever asks."""

from __future__ import annotations

import os
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from campaign.forks import Forked

MANY = 8


def until_it_ended(command: Forked) -> int:
    while (status := command.poll()) is None:
        continue
    return status


@pytest.mark.parametrize("way", [until_it_ended, Forked.wait])
def test_many_threads_learn_how_it_ended_and_none_reads_what_is_another_s(way):
    with ThreadPoolExecutor(MANY) as threads:
        for number in range(15):
            ours, theirs = os.pipe()
            command = Forked(("status",), ours, pid=0)
            begin = threading.Barrier(MANY + 1)
            told = [threads.submit(lambda: (begin.wait(60), way(command))[1]) for _ in range(MANY)]  # noqa: B023 waited for
            begin.wait(60)
            os.write(theirs, struct.pack("i", number))
            os.close(theirs)
            assert [each.result(60) for each in told] == [number] * MANY
