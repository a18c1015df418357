"""Random texts: of the right form, and never the same twice, whichever thread or process makes them."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor

from pbhost.model.ids import random_bytes, record_id


def test_a_record_id_has_the_default_form() -> None:
    assert all(re.fullmatch("[a-z0-9]{15}", record_id()) for _ in range(1000))


def test_any_number_of_bytes_is_given() -> None:
    assert [len(random_bytes(count)) for count in (0, 1, 47, 48, 49, 5000)] == [0, 1, 47, 48, 49, 5000]


def test_threads_are_not_given_the_same_bytes() -> None:
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: [random_bytes(16) for _ in range(5000)], range(4)))
    assert len({piece for part in parts for piece in part}) == 20_000


def test_a_forked_process_makes_other_ids() -> None:
    record_id()  # what was drawn for it holds enough for more
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, " ".join(record_id() for _ in range(20)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        theirs = set(pipe.read().split())
    os.waitpid(child, 0)
    ours = {record_id() for _ in range(200)}
    assert len(theirs) == 20
    assert not theirs & ours
