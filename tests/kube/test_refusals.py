# SPDX-License-Identifier: Apache-2.0
"""Rights and tokens that go while the controller runs: it says what is refused, waits ever longer, and goes on by itself
when they are back. Nothing is installed twice."""
import itertools

import basekit
import faultfleet
import faultproxy
import kubeapi
import pytest

LIMIT = "koupleless.alipay.com/max-module-count"
_serial = itertools.count(1)


@pytest.fixture(name="fleet", scope="module")
def fixture_fleet(kube_definitions, tmp_path_factory):
    kube_definitions.api.post(kubeapi.path("namespaces"), {"metadata": {"name": "refused"}})
    with faultfleet.FaultFleet(tmp_path_factory.mktemp("fleet"), kube_definitions, "refused", bases=2) as fleet:
        yield fleet


@pytest.fixture(name="name")
def fixture_name(fleet):
    name, rights = f"pay{next(_serial)}", fleet.rights()
    yield name
    fleet.give_back(rights)
    fleet.kubectl("delete", "moduledeployment", name, "--ignore-not-found", "--timeout=60s")


def release(fleet, name, version="1.0.0"):
    fleet.apply_document(fleet.document(name, fleet.jar(name, version), replicas=2))


# The right; whether the ModuleDeployment can tell it; how the request begins.
RIGHTS = [
    ("patch", "pods", True, 'patch pods "'),
    ("create", "modules", True, "create modules"),
    ("patch", "modules/status", True, 'patch modules/status "'),
    ("create", "modulereplicasets", True, "create modulereplicasets"),
    ("patch", "moduledeployments", True, "patch moduledeployments "),
    ("patch", "moduledeployments/status", False, "patch moduledeployments/status "),
]


@pytest.mark.parametrize("verb,resource,told,request_said", RIGHTS, ids=[f"{r[0]}-{r[1]}" for r in RIGHTS])
def test_a_right_that_is_taken_away_while_it_runs(fleet, name, verb, resource, told, request_said):
    rules = fleet.deny(verb, resource)
    refused = f'cannot {verb} resource "{resource}"'
    release(fleet, name)
    line = basekit.wait_until(lambda: fleet.said("write failed, planned anew", request_said, refused),
                              "the refusal in the log")[0]
    assert f'in namespace "{fleet.namespace}"' in line["error"]
    if told:
        degraded = basekit.wait_until(
            lambda: (found := fleet.condition(name, "Degraded")).get("reason") == "WriteRefused" and found,
            "the refusal in the status")
        assert degraded["status"] == "True"
        assert request_said in degraded["message"] and refused in degraded["message"]

    def attempts():
        """Of the same plan: each tells when the next one is."""
        return [one for one in fleet.said("write failed, planned anew", refused) if one["key"] == line["key"]]

    basekit.wait_until(lambda: len(attempts()) >= 4, "four attempts")
    assert [one["after_ms"] for one in attempts()[:4]] == [500, 1000, 2000, 4000]
    fleet.give_back(rules)
    fleet.wait_completed(name)
    fleet.wait_for(name, lambda md: all(c.reason != "WriteRefused" for c in md.status.conditions), "it to be forgotten")
    fleet.check_names(name)
    assert fleet.installs(name) == 2
    assert fleet.traffic(name) == sorted(fleet.pods())


def test_lists_and_watches_that_are_refused_while_it_runs(fleet, name):
    """What the controller knows stays; what changed meanwhile is found."""
    release(fleet, name)
    fleet.wait_completed(name)
    before = [fleet.deny(verb, "moduledeployments") for verb in ("list", "watch")][0]
    fleet.proxy.drop()
    basekit.wait_until(lambda: fleet.said("watch lost, tried again", "watch moduledeployments",
                                          'cannot watch resource "moduledeployments"'), "the refusal in the log")
    release(fleet, name, "2.0.0")
    fleet.give_back(before)
    fleet.wait_completed(name)
    fleet.check_names(name)
    assert set(fleet.available(name).values()) == {"2.0.0"}


# -- bases --


def unknown(fleet, name, verb, resource):
    """Its status says that nobody knows the bases, and why."""
    where = "BasesUnknown", f'cannot {verb} resource "{resource}"'
    return fleet.wait_for(name, lambda md: md.status.release_status.reason == where[0]
                          and where[1] in md.status.release_status.message, f"{name}: {where}")


@pytest.mark.parametrize("resource", ["deployments", "pods"])
def test_bases_that_may_not_be_listed(fleet, name, resource):
    """By a controller that begins anew, be it by a watch; what runs is left as it is, and what is new waits."""
    release(fleet, name)
    fleet.wait_completed(name)
    before = fleet.objects("modules")
    rules = [fleet.deny(verb, resource) for verb in ("list", "watch")][0]
    fleet.restart("controller")
    md = unknown(fleet, name, "list", resource)
    assert f'in namespace "{fleet.namespace}"' in md.status.release_status.message
    assert fleet.said("bases can't be followed, tried again", f"list {resource}")
    release(fleet, name, "2.0.0")
    unknown(fleet, name, "list", resource)
    assert {one["metadata"]["uid"] for one in fleet.objects("modules").values()} == \
        {one["metadata"]["uid"] for one in before.values()}
    assert fleet.traffic(name) == sorted(fleet.pods())
    fleet.give_back(rules)
    fleet.wait_completed(name)
    fleet.check_names(name)
    assert set(fleet.available(name).values()) == {"2.0.0"} and fleet.installs(name) == 4


@pytest.mark.parametrize("resource", ["deployments", "pods"])
def test_bases_that_may_not_be_watched(fleet, name, resource):
    """What is known stays; what changed meanwhile is found."""
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=-1))
    fleet.wait_completed(name)
    rules = fleet.deny("watch", resource)
    fleet.proxy.drop()
    basekit.wait_until(lambda: fleet.said("bases can't be followed, tried again", f"watch {resource}",
                                          f'cannot watch resource "{resource}"'), "the refusal in the log")
    limit = str(20 + next(_serial))
    fleet.kubectl("label", "deployment", fleet.base_deployment, f"{LIMIT}={limit}", "--overwrite")
    fleet.kubectl("delete", "pod", fleet.wait_pods(2)[0])
    pods = fleet.wait_pods(2)

    def seen():
        """What the controller knows: the Pods; the limit that the Deployment gives them."""
        bases = fleet.base_objects()
        return sorted(bases) == pods, {str(base.spec.max_module_count) for base in bases.values()} == {limit}

    fleet.give_back(rules)
    basekit.wait_until(lambda: all(seen()), "both to be seen")
    basekit.wait_until(lambda: sorted(fleet.available(name)) == pods, "one on every base")
    fleet.wait_completed(name)
    fleet.check_names(name)
    assert fleet.installs(name) == 3


# -- what a release does not wait for --


def test_services_that_may_not_be_made_nor_changed(fleet, name):
    def served(one, **strategy):
        strategy = {"enableModuleService": True, "port": 8080, "targetPort": 8081, **strategy}
        fleet.apply_document(fleet.document(one, fleet.jar(one), replicas=1, strategy={"serviceStrategy": strategy}))
        fleet.wait_completed(one)

    def ready(one, status, *parts):
        """What the condition says."""
        return basekit.wait_until(lambda: (found := fleet.condition(one, "ServiceReady")).get("status") == status
                                  and all(part in found["message"] for part in parts) and found, f"{one}: {parts}")

    other = name + "b"
    served(name)
    ready(name, "True")
    rules = fleet.deny("create", "services")
    fleet.deny("patch", "services")
    served(name, port=8090)
    served(other)
    for one, verb in ((name, "patch"), (other, "create")):
        told = ready(one, "False", f"Service {one}-service: {verb} services", f'cannot {verb} resource "services"')
        assert told["reason"] == "ServiceRefused"
    fleet.give_back(rules)
    for one in (name, other):
        ready(one, "True")
    assert fleet.kubectl_json("get", "service", f"{name}-service")["spec"]["ports"][0]["port"] == 8090
    fleet.kubectl("delete", "moduledeployment", other, "--timeout=60s")


def test_events_that_may_not_be_written(fleet, name):
    rules = fleet.deny("create", "events")
    release(fleet, name)
    basekit.wait_until(lambda: fleet.said("request failed, tried again", "create events",
                                          'cannot create resource "events"'), "the refusal in the log")
    fleet.wait_completed(name)
    assert not fleet.events(name=name)
    fleet.give_back(rules)
    release(fleet, name, "2.0.0")
    basekit.wait_until(lambda: fleet.events(name=name), "Events to be written again")
    fleet.wait_completed(name)
    fleet.check_names(name)


# -- tokens; test_credentials.py has those that come anew --


def test_a_token_that_is_refused_for_a_while(fleet, name):
    """As one that has expired, with no other to be had."""
    with fleet.proxy.fault(faultproxy.answer(401)) as refused:
        fleet.proxy.drop()
        release(fleet, name)
        refused.wait(8)
        basekit.wait_until(lambda: fleet.said("watch lost, tried again", "by the test"), "the refusal in the log")
    fleet.wait_completed(name)
    fleet.check_names(name)
    assert fleet.installs(name) == 2
