# SPDX-License-Identifier: Apache-2.0
"""A controller whose clock is a day ahead, and another one after it whose clock is right. (One whose clock is behind
the first day of the server's certificate does not get in.)"""
import datetime

import programkit


def replace_controller(fleet, env=None):
    fleet.kill("controller")
    fleet.start("controller", env=env)


def days_ahead(stamp):
    now = datetime.datetime.now(datetime.timezone.utc)
    return round((datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")) - now) / datetime.timedelta(days=1))


def test_a_release_begun_by_a_clock_that_is_ahead_goes_on(fleet):
    replace_controller(fleet, env=programkit.other_clock("+1d"))
    jar, gray = fleet.jar("pay"), {"batchCount": 2, "grayTimeBetweenBatchSeconds": 3600}
    fleet.apply_document(fleet.document("pay", jar, replicas=2, strategy=gray))
    fleet.wait_progress("pay", "Paused", "GrayTime", 1)
    status = fleet.objects("moduledeployments")["pay"]["status"]
    assert days_ahead(status["releaseStatus"]["nextReconcileTime"]) == 1

    replace_controller(fleet)
    gray = {**gray, "grayTimeBetweenBatchSeconds": 1}
    fleet.apply_document(fleet.document("pay", jar, replicas=2, strategy=gray))
    fleet.wait_completed("pay")
    fleet.check_agreement("pay")
    status = fleet.objects("moduledeployments")["pay"]["status"]
    conditions = {one["type"]: one for one in status["conditions"]}
    assert conditions["Available"]["status"] == "True"
    for changed in (status["releaseStatus"], conditions["Available"]):
        assert days_ahead(changed["lastTransitionTime"]) == 0
    events = [event for event in fleet.objects("events").values() if event["involvedObject"]["name"] == "pay"]
    told = {f"{event['reason']} {event['message'][:7]}": days_ahead(event["lastTimestamp"]) for event in events}
    assert told["BatchCompleted batch 1"] == 1 and told["BatchStarted batch 2"] == 0
