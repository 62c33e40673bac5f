# SPDX-License-Identifier: Apache-2.0
"""What the tests of bases that come and go ask of a Fleet; the API server is asked, and not the controller, where its
requests are watched."""
import contextlib

import basekit
import kubekit
import kubelet

PREFIX = "koupleless.alipay.com/"


def modules_on(fleet, pod, name=None):
    """name -> Module object of those on a Pod, maybe those of one module only."""
    selector = f"{PREFIX}base-instance-name={pod}" + (f",{PREFIX}module-name={name}" if name else "")
    return fleet.objects("modules", selector)


def wait_module(fleet, pod, condition):
    """The one Module on @pod for which condition(object) holds, once there is one."""

    def look():
        return [module for module in modules_on(fleet, pod).values() if module.get("status") and condition(module)]

    return basekit.wait_until(look, f"the module on {pod}")[0]


def settled(fleet, *names):
    """Waits until all is as it should be with these ModuleDeployments, whose modules have their names, and until
    nothing is left of Pods that have gone."""
    for name in names:
        fleet.wait_completed(name)
        fleet.wait_agreement(name)
        basekit.wait_until(lambda name=name: fleet.traffic(name) == sorted(fleet.available(name)), f"{name}: traffic")
    fleet.check_operations()

    def owned():
        pods = {pod["metadata"]["uid"] for pod in fleet.node.pods(fleet.namespace)}
        owners = [[owner["uid"] for owner in module["metadata"]["ownerReferences"] if owner["kind"] == "Pod"]
                  for module in fleet.objects("modules").values()]
        return all(len(uids) == 1 and uids[0] in pods for uids in owners)

    basekit.wait_until(owned, "each Module to be owned by a Pod that is there")


def on_every_pod(fleet, name, deployment=None):
    """Waits until the module of ModuleDeployment @name is Available on each Pod of its base Deployment, and all is as
    it should be."""

    seen = []

    def there():
        ready = sorted(pod for pod, it in fleet.pods(deployment).items() if kubelet.is_ready(it))
        seen[:] = [ready, sorted(fleet.available(name)), fleet.traffic(name)]
        return seen[0] == seen[1] == seen[2]

    try:
        basekit.wait_until(there, f"{name} on every pod")
    except AssertionError as error:
        raise AssertionError(f"{error}: ready, available, in traffic: {seen}\n{fleet.story(name)}") from None
    fleet.wait_for(name, lambda md: md.status.available_replicas == md.status.replicas, "the count")
    settled(fleet, name)


def lists(fleet):
    """How often the controller has listed Pods and Deployments."""
    user = f"system:serviceaccount:{fleet.namespace}:koupleless-controller"
    return sum(kubekit.is_list(event) and event["user"].get("username") == user
               and event.get("objectRef", {}).get("resource") in ("pods", "deployments")
               for event in fleet.cluster.audit_events())


@contextlib.contextmanager
def follows(fleet):
    """A context in which the controller must learn all from its watches."""
    before = lists(fleet)
    yield
    assert lists(fleet) == before
