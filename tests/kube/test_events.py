# SPDX-License-Identifier: Apache-2.0
"""Events on an API server, which forgets them, and where others remove them."""
import basekit


def told(fleet, name):
    """message -> count of the BatchStarted events about a ModuleDeployment."""
    return {event["message"]: event["count"] for event in fleet.objects("events").values()
            if event["involvedObject"]["name"] == name and event["reason"] == "BatchStarted"}


def release(fleet, name, jar, replicas):
    fleet.apply_document(fleet.document(name, jar, replicas=replicas))
    fleet.wait_completed(name)


def test_an_event_that_was_removed_is_told_when_it_happens_again(fleet):
    jar = fleet.jar("again")
    release(fleet, "again", jar, replicas=2)
    release(fleet, "again", jar, replicas=1)
    one = basekit.wait_until(lambda: [message for message in told(fleet, "again") if "1 instance" in message], "an event")
    fleet.kubectl("delete", "events", "--all")
    release(fleet, "again", jar, replicas=2)
    basekit.wait_until(lambda: told(fleet, "again") == {one[0]: 2}, "the event, counted on")
    release(fleet, "again", jar, replicas=1)
    basekit.wait_until(lambda: told(fleet, "again") == {one[0]: 3}, "the event, counted on")
