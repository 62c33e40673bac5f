# SPDX-License-Identifier: Apache-2.0
"""From the original ModuleController to ours, as docs/migrate-from-v1.md says it: nothing is installed anew, and nothing
of the original is left."""
import json
import re
import subprocess
import threading

import basekit
import fleetkit
import kubeapi
import kubefixture
import kubekit
import manifestkit
import pytest
import v1kit

PODS = 3


@pytest.fixture(scope="module")
def cluster(kube_cluster, tmp_path_factory):
    """Of its own, since definitions are the whole cluster's."""
    with kubekit.Cluster(tmp_path_factory.mktemp("v1"), kube_cluster.version, controllers=True) as own:
        fleetkit.install_definitions(own)
        yield own


@pytest.fixture
def fleet(cluster, tmp_path):
    """Bases with agents, and the definitions of the original. Our controller is not there yet."""
    namespace = f"migration-{next(kubefixture.serial)}"
    cluster.api.post(kubeapi.path("namespaces"), {"metadata": {"name": namespace}})
    with fleetkit.Fleet(tmp_path / "fleet", cluster, namespace, bases=PODS,
                        controller=("--base-silent-after", "30s")) as one:
        one.stop_one("controller")
        cluster.kubectl("replace", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "List", "items": v1kit.definitions()}))
        yield one
        one.check_operations()


def left(fleet, name, prefix=v1kit.DOCUMENTED, group=v1kit.GROUP):
    return v1kit.Left(fleet.cluster.api, fleet.namespace, name, name, prefix, group)


def spec(fleet, jar, replicas, **more):
    return {"baseDeploymentName": fleet.base_deployment, "replicas": replicas,
            "template": {"spec": {"module": {"name": jar.module, "version": jar.version, "url": jar.as_uri()}}},
            "operationStrategy": {"upgradePolicy": "install_then_uninstall", **more.pop("strategy", {})},
            "schedulingStrategy": {"schedulingPolicy": "scatter"}, **more}


def base_deployment(fleet):
    return fleet.cluster.api.get(kubeapi.path("deployments", fleet.namespace, fleet.base_deployment))


def install(fleet, jar, *names):
    """As the original did, on these pods; the pods."""
    pods = fleet.pods()
    for name in names:
        assert fleet.running()[name].install(jar).code == "SUCCESS"
    return [pods[name] for name in names]


def replace_definitions(fleet):
    for path in manifestkit.crds(fleet.cluster.version):
        fleet.cluster.kubectl("replace", "-f", path)


def migrate(fleet):
    """The definitions are replaced, and our controller is started."""
    replace_definitions(fleet)
    fleet.start("controller")


def commands(heading):
    """The blocks of commands below a heading of the guide."""
    page = (basekit.TOP / "docs" / "migrate-from-v1.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", page.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def run(fleet, script):
    """In bash, whose kubectl is that of the fleet."""
    kubectl = f'kubectl() {{ command {fleet.cluster.programs}/kubectl --kubeconfig {fleet.cluster.kubeconfig} ' \
              f'-n {fleet.namespace} "$@"; }}\nexport -f kubectl\n'
    script = script.replace("xargs -r -n1 kubectl", "xargs -r -n1 bash -c 'kubectl \"$@\"' kubectl")
    subprocess.run(["bash", "-euo", "pipefail", "-c", kubectl + script], check=True, timeout=basekit.WATCHDOG_S)


def marks(fleet):
    kinds = "moduledeployments,modulereplicasets,modules,pods,services"
    return v1kit.marks_in(fleet.kubectl_json("get", kinds)["items"])


def wait_clean(fleet):
    basekit.wait_until(lambda: not marks(fleet), "nothing of the original to be left")


def operations(fleet):
    return [one for one in fleet.operations() if one.operation != "start"]


class Watched:
    """Notes whether a label was ever away from one of these pods."""

    def __init__(self, fleet, module, pods):
        self._fleet, self._module, self._pods = fleet, module, set(pods)
        self._over, self.gaps, self.looks = threading.Event(), [], 0
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._over.is_set():
            away = self._pods - set(self._fleet.traffic(self._module))
            self.gaps += [away] if away else []
            self.looks += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._over.set()
        self._thread.join()


def test_what_runs_is_adopted_as_it_is(fleet):
    jar, names = fleet.jar("pay"), sorted(fleet.pods())[:2]
    v1 = left(fleet, "pay")
    v1.deployment(base_deployment(fleet), spec(fleet, jar, 2, strategy={
        "serviceStrategy": {"enableModuleService": True, "port": 8080, "targetPort": 8080}}))
    v1.replicaset(1, jar, 2)
    for pod in install(fleet, jar, *names):
        v1.instance(1, jar, pod)
    v1.instance(1, jar, status="Pending")  # it never found a pod
    service = v1.service(8080)
    before = operations(fleet)
    with Watched(fleet, "pay", names) as watched:
        migrate(fleet)
        fleet.wait_completed("pay")
        wait_clean(fleet)
        fleet.wait_for("pay", lambda md: md.status.available_replicas == 2, "two available")
        fleet.wait_agreement("pay")
    assert watched.looks and not watched.gaps
    assert operations(fleet) == before
    assert sorted(fleet.available("pay")) == names == fleet.traffic("pay")
    release = fleet.get("pay").status.release_status
    assert (release.progress, release.current_batch) == ("Completed", 0)
    (rs,) = fleet.objects("modulereplicasets").values()
    assert (rs["spec"]["replicas"], rs["status"]["availableReplicas"]) == (2, 2)
    assert fleet.objects("moduledeployments")["pay"]["metadata"]["labels"] == {"team": "shop"}
    assert "Adopted" in [event.reason for event in fleet.events(name="pay")]

    fleet.wait_for("pay", lambda md: any(c.type == "ServiceReady" and c.status == "True"
                                         for c in md.status.conditions), "its Service")
    adopted = fleet.objects("services")["pay-service"]
    assert adopted["metadata"]["uid"] == service["metadata"]["uid"]
    assert adopted["spec"]["ports"][0]["nodePort"] == service["spec"]["ports"][0]["nodePort"]

    fleet.kubectl("scale", "moduledeployment/pay", "--replicas=3")
    basekit.wait_until(lambda: len(fleet.available("pay")) == 3, "a third one")
    fleet.wait_completed("pay")
    second = fleet.jar("pay", "2.0.0")
    fleet.kubectl("patch", "moduledeployment", "pay", "--type=merge", "-p", json.dumps({"spec": {"template": {
        "spec": {"module": {"version": "2.0.0", "url": second.as_uri()}}}}}))
    basekit.wait_until(lambda: set(fleet.available("pay").values()) == {"2.0.0"}, "the second version")
    fleet.wait_completed("pay")
    fleet.wait_agreement("pay")
    fleet.kubectl("delete", "moduledeployment", "pay", "--timeout=60s")
    assert not any(fleet.active().values())
    basekit.wait_until(lambda: not fleet.objects("services"), "its Service to go")


def test_marks_of_the_last_source_and_a_controller_that_is_killed(fleet):
    jar, names = fleet.jar("pay"), sorted(fleet.pods())
    v1 = left(fleet, "pay", v1kit.LAST)
    v1.deployment(base_deployment(fleet), spec(fleet, jar, PODS))
    v1.replicaset(1, jar, PODS)
    for pod in install(fleet, jar, *names):
        v1.instance(1, jar, pod)
    before = operations(fleet)
    migrate(fleet)
    while marks(fleet):  # as far as it got, wherever that is
        fleet.restart("controller")
    fleet.wait_completed("pay")
    basekit.wait_until(lambda: fleet.traffic("pay") == names, "traffic by our label")
    assert operations(fleet) == before
    fleet.wait_agreement("pay")


def test_objects_of_the_other_group_are_copied(fleet):
    """By the commands of the guide; traffic goes on by a Service that both select."""
    fleet.cluster.kubectl("create", "-f", "-", input=json.dumps({
        "apiVersion": "v1", "kind": "List", "items": v1kit.definitions(v1kit.LAST)}))
    fleet.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    jar, names = fleet.jar("pay"), sorted(fleet.pods())
    v1 = left(fleet, "pay", v1kit.LAST, v1kit.LAST)
    v1.deployment(base_deployment(fleet), spec(fleet, jar, PODS, strategy={
        "serviceStrategy": {"enableModuleService": True, "port": 8080, "targetPort": 8080}}))
    v1.replicaset(1, jar, PODS)
    for pod in install(fleet, jar, *names):
        v1.instance(1, jar, pod)
    service = v1.service(8080)
    before = operations(fleet)
    traffic, copy, remove = (block.replace("MODULE", "pay") for block in commands("Objects of the other group"))
    replace_definitions(fleet)
    run(fleet, traffic)
    with Watched(fleet, "pay", names) as watched:
        run(fleet, copy)
        fleet.start("controller")
        fleet.wait_completed("pay")
        run(fleet, remove)
        wait_clean(fleet)
        fleet.wait_agreement("pay")
    assert watched.looks and not watched.gaps
    assert operations(fleet) == before
    basekit.wait_until(lambda: fleet.objects("services")["pay-service"]["metadata"].get("ownerReferences"),
                       "its Service to be ours")
    adopted = fleet.objects("services")["pay-service"]
    assert adopted["spec"]["ports"][0]["nodePort"] == service["spec"]["ports"][0]["nodePort"]
    assert adopted["spec"]["selector"] == {"module.koupleless.alipay.com/pay": "true"}


def test_a_release_that_the_original_began_goes_on(fleet):
    first, second, names = fleet.jar("pay"), fleet.jar("pay", "2.0.0"), sorted(fleet.pods())
    v1 = left(fleet, "pay")
    v1.deployment(base_deployment(fleet), spec(fleet, second, PODS, confirmBatchNum=1, strategy={
        "batchCount": 3, "needConfirm": True}), progress="WaitingForConfirmation")
    v1.replicaset(1, first, 2)
    v1.replicaset(2, second, 1)
    for pod in install(fleet, first, *names[:2]):
        v1.instance(1, first, pod)
    (pod,) = install(fleet, second, names[2])
    v1.instance(2, second, pod)
    migrate(fleet)
    wait_clean(fleet)
    assert fleet.wait_waiting("pay", 1).status.release_status.real_batch_count == 2
    assert fleet.installs("pay") == PODS + 1
    fleet.call("ConfirmBatch", "pay", batch=1)
    fleet.wait_completed("pay")
    fleet.wait_agreement("pay")
    assert fleet.operations_of("pay")[names[2]] == ["install 2.0.0"]
    numbers = {rs["spec"]["template"]["spec"]["module"]["version"]: rs["metadata"]["labels"][
        "koupleless.alipay.com/module-replicaset-revision"] for rs in fleet.objects("modulereplicasets").values()}
    assert numbers == {"1.0.0": "1", "2.0.0": "2"}


def test_what_the_original_never_finished_is_finished(fleet):
    """Modules in Upgrading for ever, installed or not, and one whose module has gone with its JVM since."""
    jar, names = fleet.jar("pay"), sorted(fleet.pods())
    v1 = left(fleet, "pay")
    v1.deployment(base_deployment(fleet), spec(fleet, jar, PODS))
    v1.replicaset(1, jar, PODS)
    pods = fleet.pods()
    install(fleet, jar, names[0])
    v1.instance(1, jar, pods[names[0]], status="Upgrading")
    v1.instance(1, jar, pods[names[1]], status="Upgrading")
    v1.instance(1, jar, pods[names[2]])
    migrate(fleet)
    fleet.wait_completed("pay")
    wait_clean(fleet)
    fleet.wait_agreement("pay")
    assert fleet.operations_of("pay") == {name: ["install 1.0.0"] for name in names}


def test_a_deletion_that_the_original_began_is_finished(fleet):
    jar, names = fleet.jar("pay"), sorted(fleet.pods())
    v1 = left(fleet, "pay")
    v1.deployment(base_deployment(fleet), spec(fleet, jar, PODS))
    v1.replicaset(1, jar, PODS)
    for number, pod in enumerate(install(fleet, jar, *names)):
        v1.instance(1, jar, pod, **({"delete_module": "true"} if number else {}))
    fleet.running()[names[2]].uninstall("pay", "1.0.0")
    fleet.kubectl("delete", "moduledeployment", "pay", "--wait=false")
    migrate(fleet)
    basekit.wait_until(lambda: not fleet.objects("moduledeployments,modulereplicasets,modules"), "all to be gone")
    assert not any(fleet.active().values())
    wait_clean(fleet)
    assert fleet.traffic("pay") == []
    assert fleet.installs("pay") == PODS


def test_what_nobody_declares_is_left_alone_and_may_be_deleted(fleet):
    jar, (name, *_) = fleet.jar("pay"), sorted(fleet.pods())
    (pod,) = install(fleet, jar, name)
    module = left(fleet, "pay").instance(1, jar, pod)
    migrate(fleet)
    other = fleet.jar("order")
    fleet.apply_document(fleet.document("order", other, replicas=1))
    fleet.wait_completed("order")
    assert module["metadata"]["name"] in fleet.objects("modules")
    fleet.kubectl("delete", "module", module["metadata"]["name"], "--timeout=60s")
    assert "pay:1.0.0" in fleet.active()[name]


def test_what_survives_the_change_of_definitions(fleet):
    """And what does not: without replicas the original had none, and we have one."""
    jar = fleet.jar("pay")
    wanted = spec(fleet, jar, 2, strategy={"batchCount": 2, "useBeta": True, "needConfirm": True,
                                           "grayTimeBetweenBatchSeconds": 5, "maxUnavailable": 1},
                  minReadySeconds=1, revisionHistoryLimit=3, progressDeadlineSeconds=60)
    left(fleet, "pay").deployment(base_deployment(fleet), wanted)
    without = spec(fleet, jar, 0)
    del without["replicas"]
    left(fleet, "none").deployment(base_deployment(fleet), without)
    replace_definitions(fleet)
    deployments = fleet.objects("moduledeployments")
    assert deployments["pay"]["spec"] == wanted
    assert deployments["none"]["spec"]["replicas"] == 1
    fleet.kubectl("patch", "moduledeployment", "none", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
    fleet.kubectl("patch", "moduledeployment", "pay", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
    fleet.kubectl("delete", "moduledeployment", "none", "pay", "--timeout=60s")
    fleet.start("controller")
