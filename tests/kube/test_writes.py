# SPDX-License-Identifier: Apache-2.0
"""What the controller asks of the API server, told by the audit log: few writes while something changes, and nothing
while nothing does."""
import collections
import re

import basekit
import kubekit
import pytest

INSTANCES = 10
STATUS, CREATE, PATCH, DELETE = "modules/status", "create", "patch", "delete"
WRITES = {CREATE, "update", PATCH, DELETE, "deletecollection"}
# Of a release, once: its ModuleReplicaSet (created, told its number, its status), the ModuleDeployment's finalizer, and
# Events, which are counted. An upgrade is about two ModuleReplicaSets.
REST = {"install": 4, "upgrade": 6, "remove": 3}
EVENTS = 12
STATUS_PER_BATCH = 2
QUIET_REPORTS = 3  # of each agent; longer than a status that changes fast is held back
IDLE_REPORTS = 6


def requests(fleet):
    """What the controller has asked for so far: audit events."""
    account = f"system:serviceaccount:{fleet.namespace}:koupleless-controller"
    return [event for event in fleet.cluster.audit_events() if event["user"].get("username") == account]


def resource(event):
    reference = event["objectRef"]
    return "/".join(filter(None, (reference["resource"], reference.get("subresource"))))


class Counted:
    """The writes of a with-block: .of(verb, resource), .total, and as a text."""

    def __init__(self, fleet):
        self._fleet, self._before, self.counts = fleet, len(requests(fleet)), {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        wait_quiet(self._fleet)
        asked = requests(self._fleet)[self._before:]
        self.counts = collections.Counter((event["verb"], resource(event)) for event in asked
                                          if event["verb"] in WRITES)

    def of(self, verb, what):
        return self.counts[verb, what]

    def without(self, *resources):
        return sum(count for (_, what), count in self.counts.items() if what not in resources)

    def __str__(self):
        return ", ".join(f"{count} {verb} {what}" for (verb, what), count in sorted(self.counts.items()))


def reports(fleet):
    """pod -> how often its agent has told the controller that it is there."""
    return {name: sum(number for series, number in process.metrics().items()
                      if re.match(r"koupleless_agent_reports_total\b.*sent", series))
            for name, process in fleet.processes.items() if name.startswith("agent-")}


def wait_reports(fleet, more):
    """Until each agent has told so often that it is there: that takes its time."""
    before = reports(fleet)
    basekit.wait_until(lambda: all(number >= before[name] + more for name, number in reports(fleet).items()),
                       f"{more} reports of each agent", basekit.WATCHDOG_S * 3)


def wait_quiet(fleet):
    """While agents report, nothing is asked any more."""

    def quiet():
        before = len(requests(fleet))
        wait_reports(fleet, QUIET_REPORTS)
        return len(requests(fleet)) == before

    basekit.wait_until(quiet, "the controller to have nothing to do", basekit.WATCHDOG_S * 3)


def judged(what, counted, per_instance, batches=1):
    """The limits of the project, per instance, and of what a release has once."""
    print(f"{what} of {INSTANCES}: {counted}")
    instances = sum(count for (_, name), count in counted.counts.items() if name in ("modules", STATUS, "pods"))
    assert instances <= per_instance * INSTANCES, f"{what}: {counted}"
    assert counted.of(PATCH, "moduledeployments/status") <= STATUS_PER_BATCH * batches, f"{what}: {counted}"
    assert counted.without("modules", STATUS, "pods", "moduledeployments/status", "events") <= REST[what], \
        f"{what}: {counted}"
    assert counted.counts[CREATE, "events"] + counted.counts[PATCH, "events"] <= EVENTS, f"{what}: {counted}"


def best_of_three(check):
    """A phase that lasts longer than a second is told: on a machine under load there is more to write. One of three
    times has to be as a release is where nothing else runs."""
    def checked(fleet):
        for left in (2, 1, 0):
            try:
                return check(fleet, f"{check.__name__.removeprefix('test_').replace('_', '-')}-{left}")
            except AssertionError:
                if not left:
                    raise
        return None
    checked.__name__, checked.__doc__ = check.__name__, check.__doc__
    return checked


@pytest.fixture(name="fleet", scope="module")
def fixture_fleet(module_fleet):
    return module_fleet(bases=INSTANCES, controller=("--base-silent-after", "6s"))  # a report every 2 s


def test_lists_are_watches_where_the_server_can_do_that(fleet, kube_version):
    """Then nothing is listed in pages; else each kind is, and the server was asked once, by all that began at once."""
    fleet.apply_document(fleet.document("listed", fleet.jar("listed")))
    fleet.wait_completed("listed")
    kinds = {"moduledeployments", "modulereplicasets", "modules", "moduletemplates", "services", "deployments", "pods"}
    asked = [event for event in requests(fleet) if resource(event) in kinds]
    in_pages = {resource(event) for event in asked if event["verb"] == "list"}
    refused = {event["responseStatus"]["code"] for event in asked
               if "sendInitialEvents" in event["requestURI"] and event["responseStatus"]["code"] != 200}
    if kube_version == "1.24":
        assert in_pages == kinds and refused == {422}
    else:
        assert not in_pages and refused <= {429}  # as long as a server that has just started fills its caches
        assert {resource(event) for event in asked if kubekit.is_streamed_list(event)} == kinds


@best_of_three
def test_each_instance_costs_few_writes(fleet, name):
    """Install 3, upgrade side by side 4, remove 3."""
    with Counted(fleet) as install:
        fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=INSTANCES))
        fleet.wait_completed(name)
    judged("install", install, 3)
    with Counted(fleet) as upgrade:
        fleet.apply_document(fleet.document(name, fleet.jar(name, "2.0.0"), replicas=INSTANCES))
        fleet.wait_completed(name)
    judged("upgrade", upgrade, 4)
    with Counted(fleet) as remove:
        fleet.kubectl("delete", "moduledeployment", name, "--timeout=60s")
    judged("remove", remove, 3)


@best_of_three
def test_draining_costs_two_more(fleet, name):
    """Where the old version is taken out of traffic first, its label goes and comes."""
    spec = {"replicas": INSTANCES, "strategy": {"upgradePolicy": "uninstallThenInstall"}}
    fleet.apply_document(fleet.document(name, fleet.jar(name), **spec))
    fleet.wait_completed(name)
    with Counted(fleet) as upgrade:
        fleet.apply_document(fleet.document(name, fleet.jar(name, "2.0.0"), **spec))
        fleet.wait_completed(name)
    judged("upgrade", upgrade, 6)


@best_of_three
def test_a_batch_writes_the_status_twice(fleet, name):
    """And the number of its ModuleReplicaSet once."""
    batches = 5
    with Counted(fleet) as install:
        fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=INSTANCES,
                                            strategy={"batchCount": batches}))
        fleet.wait_completed(name)
    print(install)
    for status in ("moduledeployments/status", "modulereplicasets/status"):
        assert install.of(PATCH, status) <= STATUS_PER_BATCH * batches, str(install)
    assert install.of(CREATE, "modulereplicasets") == 1 and install.of(PATCH, "modulereplicasets") <= batches, str(install)


def test_while_nothing_changes_nothing_is_asked(fleet):
    """No write, no read: only watches, which the server ends now and then."""
    fleet.apply_document(fleet.document("idle", fleet.jar("idle"), replicas=INSTANCES))
    fleet.wait_completed("idle")
    wait_quiet(fleet)
    before = len(requests(fleet))
    wait_reports(fleet, IDLE_REPORTS)
    assert {event["verb"] for event in requests(fleet)[before:]} <= {"watch"}
