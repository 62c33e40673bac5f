# SPDX-License-Identifier: Apache-2.0
"""Rights and tokens that go while the controller runs: it says what is refused, waits ever longer, and goes on by itself
when they are back. Nothing is installed twice."""
import itertools
import json

import basekit
import faultfleet
import faultproxy
import fleetkit
import kubeapi
import pytest

_serial = itertools.count(1)


@pytest.fixture(name="fleet", scope="module")
def fixture_fleet(kube_definitions, tmp_path_factory):
    kube_definitions.api.post(kubeapi.path("namespaces"), {"metadata": {"name": "refused"}})
    with faultfleet.FaultFleet(tmp_path_factory.mktemp("fleet"), kube_definitions, "refused", bases=2) as fleet:
        yield fleet


@pytest.fixture(name="name")
def fixture_name(fleet):
    name = f"pay{next(_serial)}"
    yield name
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


# -- tokens --


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


def test_a_token_that_is_rotated(kube_definitions, tmp_path):
    """Its file is replaced after the server has stopped taking the one before: with its ServiceAccount's Secret, so to
    speak. One 401, and the new one is used."""
    cluster, namespace = kube_definitions, "rotated"
    cluster.api.post(kubeapi.path("namespaces"), {"metadata": {"name": namespace}})
    token_file = tmp_path / "token"

    class Rotated(faultfleet.FaultFleet):
        def _account(self, *_):
            config = json.loads(super()._account().read_text(encoding="utf-8"))
            self.renew()
            config["users"][0]["user"] = {"tokenFile": str(token_file)}
            (tmp_path / "config").write_text(json.dumps(config), encoding="utf-8")
            return tmp_path / "config"

        def renew(self):
            token_file.write_text(cluster.token(namespace, fleetkit.ACCOUNT, 600), encoding="utf-8")

    with Rotated(tmp_path / "fleet", cluster, namespace, bases=2) as fleet:
        old = token_file.read_text(encoding="utf-8")
        release(fleet, "pay")
        fleet.wait_completed("pay")

        def expired(exchange):
            if exchange.headers["Authorization"] != f"Bearer {old}":
                return False
            return faultproxy.answer(401)(exchange)

        with fleet.proxy.fault(expired) as refused:
            fleet.proxy.drop()
            refused.wait(4)
            release(fleet, "pay", "2.0.0")
            fleet.renew()
            fleet.wait_completed("pay")
            fleet.check_names("pay")
        assert set(fleet.available("pay").values()) == {"2.0.0"}
