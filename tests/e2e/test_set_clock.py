# SPDX-License-Identifier: Apache-2.0
"""A controller whose clock was a day ahead, and is right again: all that it stamped lies in the future."""
import time

import basekit
import programkit
import pytest

DAY_S = 86400


@pytest.fixture
def ahead(new_system):
    """Three bases; the controller's clock is a day ahead."""
    system = new_system(bases=3)
    system.kill("controller")
    system.start("controller", env=programkit.other_clock("+1d"))
    return system


def is_future(stamp):
    return stamp.ToSeconds() > time.time() + DAY_S / 2


def test_an_upgrade_after_the_clock_was_set_back(ahead):
    ahead.apply("pay", ahead.jar("pay", "1.0.0"), replicas=3)
    ahead.wait_completed("pay")
    assert all(is_future(m.metadata.creation_timestamp) for m in ahead.modules("pay"))

    ahead.restart("controller")
    ahead.apply("pay", ahead.jar("pay", "2.0.0"), replicas=3, strategy={"batchCount": 3})
    ahead.wait_completed("pay")
    ahead.check_agreement("pay")
    assert not any(is_future(m.metadata.creation_timestamp) for m in ahead.modules("pay"))
    for base, operations in ahead.operations_of("pay").items():
        assert operations == ["install 1.0.0", "install 2.0.0", "uninstall 1.0.0"], base


def test_gray_time_and_what_is_stamped_after_the_clock_was_set_back(ahead):
    gray = {"batchCount": 2, "grayTimeBetweenBatchSeconds": 3600}
    ahead.apply("pay", ahead.jar("pay"), replicas=2, strategy=gray)
    waits = ahead.wait_progress("pay", "Paused", "GrayTime", 1).status.release_status
    assert is_future(waits.next_reconcile_time)
    basekit.wait_until(lambda: "BatchCompleted" in {event.reason for event in ahead.events(name="pay")}, "the event")

    ahead.restart("controller")
    ahead.apply("pay", ahead.jar("pay"), replicas=2, strategy={**gray, "grayTimeBetweenBatchSeconds": 1})
    done = ahead.wait_completed("pay").status
    assert not is_future(done.release_status.last_transition_time)
    told = {f"{event.reason} {event.message[:7]}": is_future(event.last_timestamp) for event in ahead.events(name="pay")}
    assert told["BatchCompleted batch 1"] and not told["BatchStarted batch 2"]
