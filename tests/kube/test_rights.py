# SPDX-License-Identifier: Apache-2.0
"""The rights of deploy/manifests are those that the controller uses, told by the audit log of a life with everything in
it: none is missing, none is left over."""
import json

import basekit
import fleetkit
import kubekit
import pytest
import yaml
from kubeapi import path
from test_requirements import module_patch, patch
from test_writes import requests, resource

OTHER_BASES = "night-stock"
ELECTED = ("--leader-elect", "--leader-identity", "one")
STREAMED = {("list", "", "pods"), ("list", "", "services"), ("list", "apps", "deployments"),
            ("list", "koupleless.alipay.com", "moduletemplates")}  # by watches; the right is for servers that can't


@pytest.fixture(name="fleet")
def fixture_fleet(kube_version, tmp_path):
    """On a server of its own: it is restarted, without its history."""
    try:
        cluster = kubekit.Cluster(tmp_path / "cluster", kube_version, controllers=True, audit=True)
    except kubekit.Unavailable as error:
        pytest.skip(str(error))
    with cluster:
        fleetkit.install_definitions(cluster)
        cluster.api.post(path("namespaces"), {"metadata": {"name": "shop"}})
        with fleetkit.Fleet(tmp_path / "fleet", cluster, "shop", bases=3, controller=ELECTED) as fleet:
            yield fleet


def granted():
    """(verb, group, resource) of each right."""
    rules = yaml.safe_load((fleetkit.MANIFESTS / "05-role.yaml").read_text(encoding="utf-8"))["rules"]
    return {(verb, group, name) for rule in rules for group in rule["apiGroups"] for name in rule["resources"]
            for verb in rule["verbs"]}


def used(fleet):
    return {(event["verb"], event["objectRef"].get("apiGroup", ""), resource(event)) for event in requests(fleet)}


def releases(fleet):
    """Install, another version, back, another number; instances that are replaced, and history that goes."""
    jar, new = fleet.jar("pay"), fleet.jar("pay", "2.0.0")
    service = {"serviceStrategy": {"enableModuleService": True, "port": 8080, "targetPort": 8081}, "batchCount": 2,
               "needConfirm": True}
    fleet.apply_document(fleet.document("pay", jar, replicas=2, strategy=service, revisionHistoryLimit=0))
    confirmed(fleet, "pay")
    for module in (new, jar):
        patch(fleet, "pay", module_patch(module))
        confirmed(fleet, "pay")
    fleet.kubectl("scale", "moduledeployment/pay", "--replicas=3")
    fleet.wait_for("pay", lambda md: md.status.release_status.target_replicas == 3, "the scale")
    fleet.wait_completed("pay")
    patch(fleet, "pay", {"operationStrategy": {"needConfirm": False, "serviceStrategy": {"port": 8090}}})
    basekit.wait_until(lambda: fleet.kubectl_json("get", "service", "pay-service")["spec"]["ports"][0]["port"] == 8090,
                       "the port of the Service")
    fleet.kubectl("delete", "modules", "-l", "koupleless.alipay.com/module-name=pay", "--wait=false")
    fleet.wait_agreement("pay")


def confirmed(fleet, name):
    """The first of its two batches is confirmed."""
    fleet.wait_waiting(name, 1)
    patch(fleet, name, {"pause": False})
    fleet.wait_completed(name)


def services_of_others(fleet):
    """One is in the way, and then gone."""
    document = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "taken-service"},
                "spec": {"ports": [{"port": 1}]}}
    fleet.kubectl("create", "-f", "-", input=json.dumps(document))
    strategy = {"serviceStrategy": {"enableModuleService": True, "port": 8080, "targetPort": 8081}}
    fleet.apply_document(fleet.document("taken", fleet.jar("taken"), strategy=strategy))
    fleet.wait_completed("taken")
    fleet.wait_for("taken", lambda md: any(one.type == "ServiceReady" and one.status == "False"
                                           for one in md.status.conditions), "the Service to be reported")
    fleet.kubectl("delete", "service", "taken-service")
    fleet.kubectl("delete", "moduledeployment", "taken", "--timeout=60s")


def templates(fleet):
    jar = fleet.jar("shared")
    template = {"spec": {"module": {"name": "shared", "version": jar.version, "url": jar.as_uri()}}}
    fleet.kubectl("create", "-f", "-", input=json.dumps({
        "apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleTemplate", "metadata": {"name": "shared"},
        "template": template}))
    document = fleet.document("shared", jar)
    del document["spec"]["template"]
    document["spec"]["templateRef"] = {"name": "shared"}
    fleet.apply_document(document)
    fleet.wait_completed("shared")


def bases(fleet):
    """Base Deployments come, change and go, and so do their pods."""
    fleet.create_base_deployment(OTHER_BASES, 1)
    fleet.wait_pods(1, OTHER_BASES)
    fleet.apply_document(fleet.document("night", fleet.jar("night"), replicas=-1, baseDeploymentName=OTHER_BASES))
    fleet.wait_completed("night")
    fleet.kubectl("scale", "deployment", OTHER_BASES, "--replicas=2")
    basekit.wait_until(lambda: len(fleet.available("night")) == 2, "the second base's instance")
    fleet.kubectl("delete", "pod", fleet.wait_pods(2, OTHER_BASES)[0])
    fleet.wait_pods(2, OTHER_BASES)
    fleet.kubectl("delete", "deployment", OTHER_BASES)
    fleet.wait_pods(0, OTHER_BASES)


def the_other_api(fleet):
    """What gRPC clients ask, the controller asks of the server."""
    fleet.apply("rpc", fleet.jar("rpc"), replicas=1)
    fleet.wait_completed("rpc")
    fleet.call("ScaleModuleDeployment", "rpc", replicas=2)
    fleet.wait_for("rpc", lambda md: md.status.release_status.target_replicas == 2, "the scale")
    fleet.wait_completed("rpc")
    module = fleet.modules("rpc")[0].metadata.name
    stub = fleet.inventory
    stub.ListModules(fleet.proto.ListModulesRequest(namespace=fleet.namespace))
    stub.GetModule(fleet.proto.GetModuleRequest(namespace=fleet.namespace, name=module))
    stub.ReplaceModule(fleet.proto.ReplaceModuleRequest(namespace=fleet.namespace, name=module))
    basekit.wait_until(lambda: module not in [one.metadata.name for one in fleet.modules("rpc")]
                       or fleet.installs("rpc") == 3, "the instance to be replaced")
    fleet.wait_agreement("rpc")
    fleet.release.ListModuleDeployments(fleet.proto.ListModuleDeploymentsRequest(namespace=fleet.namespace))
    fleet.release.ListRevisions(fleet.proto.ListRevisionsRequest(namespace=fleet.namespace, name="rpc"))
    fleet.events(name="rpc")
    fleet.base_objects()
    fleet.call("DeleteModuleDeployment", "rpc")
    fleet.wait_gone("rpc")


def test_rights_are_those_that_are_used(fleet):
    """Denied: nothing. Granted and not asked for: nothing."""
    releases(fleet)
    services_of_others(fleet)
    templates(fleet)
    bases(fleet)
    the_other_api(fleet)
    fleet.kill("controller")
    fleet.cluster.compact()
    fleet.cluster.restart("kube-apiserver")
    fleet.start("controller")
    fleet.wait_agreement("pay")
    fleet.kubectl("delete", "moduledeployments", "--all", "--timeout=60s")
    denied = {f"{event['verb']} {resource(event)}" for event in requests(fleet)
              if event.get("responseStatus", {}).get("code") == 403}
    assert not denied
    assert used(fleet) <= granted()
    unused = granted() - used(fleet)
    assert unused <= (set() if fleet.cluster.version == "1.24" else STREAMED), unused
