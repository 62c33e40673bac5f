# SPDX-License-Identifier: Apache-2.0
"""What the users' documentation promises, told with kubectl on a real API server: one test for each of its sections."""
import json
import re

import basekit
import kubekit
import programkit

PREFIX = "koupleless.alipay.com/"


def patch(fleet, name, spec):
    fleet.kubectl("patch", "moduledeployment", name, "--type=merge", "-p", json.dumps({"spec": spec}))


def module_patch(jar):
    return {"template": {"spec": {"module": {"version": jar.version, "url": jar.as_uri()}}}}


def field(fleet, kind, name, path):
    return fleet.kubectl("get", kind, name, "-o", f"jsonpath={{{path}}}")


def batches(fleet, name, module):
    """Confirms batch after batch; how many instances of the wanted version were there after each."""
    counts = []

    while True:
        release = fleet.wait_for(name, lambda md: md.status.release_status.progress in ("Paused", "Completed"),
                                 f"{name} to come to rest").status.release_status
        counts.append(sum(version == module.version for version in fleet.available(name).values()))
        if release.progress == "Completed":
            return counts
        batch = release.current_batch
        patch(fleet, name, {"pause": False})
        fleet.wait_for(name, lambda md, batch=batch: md.status.release_status.current_batch > batch
                       or md.status.release_status.progress == "Completed", f"{name}: after batch {batch}")


# -- 1: online and offline --


def test_1_1_a_module_deployment_brings_a_module_online(fleet):
    jar = fleet.jar("online")
    assert fleet.apply_document(fleet.document("online", jar, replicas=2)) == \
        "moduledeployment.koupleless.alipay.com/online created\n"
    fleet.kubectl("wait", "--for=condition=Available", "--timeout=60s", "moduledeployment/online")
    fleet.wait_completed("online")
    modules = fleet.objects("modules", f"{PREFIX}module-name=online")
    assert [module["status"]["status"] for module in modules.values()] == ["Available"] * 2
    fleet.check_agreement("online")


def test_1_2_deletion_takes_it_offline_in_batches(fleet):
    jar = fleet.jar("offline")
    fleet.apply_document(fleet.document("offline", jar, replicas=3, strategy={"batchCount": 3}))
    fleet.wait_completed("offline")
    fleet.kubectl("delete", "moduledeployment", "offline", "--timeout=60s")
    assert not fleet.objects("modules", f"{PREFIX}module-deployment=offline")
    basekit.wait_until(lambda: not fleet.objects("modulereplicasets", f"{PREFIX}module-deployment=offline"),
                       "the cluster's garbage collector")
    assert not [key for keys in fleet.active().values() for key in keys if key.startswith("offline:")]
    assert fleet.traffic("offline") == []


# -- 2: release and rollback --


def test_2_1_another_version_is_released_in_batches(fleet):
    fleet.apply_document(fleet.document("release", fleet.jar("release"), replicas=3))
    fleet.wait_completed("release")
    jar = fleet.jar("release", "2.0.0")
    patch(fleet, "release", {**module_patch(jar), "operationStrategy": {"batchCount": 2, "needConfirm": True}})
    assert batches(fleet, "release", jar) == [2, 3]
    fleet.check_agreement("release")


def test_2_2_the_old_document_rolls_back(fleet):
    old = fleet.document("rollback", fleet.jar("rollback"), replicas=2)
    fleet.apply_document(old)
    fleet.wait_completed("rollback")
    revision = fleet.get("rollback").status.release_status.update_revision
    fleet.apply_document(fleet.document("rollback", fleet.jar("rollback", "2.0.0"), replicas=2))
    fleet.wait_for("rollback", lambda md: md.status.release_status.update_revision != revision, "the new revision")
    fleet.wait_completed("rollback")
    fleet.apply_document(old)
    fleet.wait_for("rollback", lambda md: md.status.release_status.update_revision == revision, "the old revision")
    fleet.wait_completed("rollback")
    assert set(fleet.available("rollback").values()) == {"1.0.0"}
    fleet.wait_agreement("rollback")


def test_2_1_the_same_version_again_by_an_annotation(fleet):
    """Of the template, or of the ModuleTemplate that stands in its place."""
    document = fleet.document("restarted", fleet.jar("restarted"), replicas=2, strategy={"batchCount": 2})
    template = {"apiVersion": document["apiVersion"], "kind": "ModuleTemplate", "metadata": {"name": "restarted"},
                "spec": document["spec"]["template"]["spec"]}
    fleet.apply_document(document)
    fleet.wait_completed("restarted")
    patch(fleet, "restarted", {"template": {"metadata": {"annotations": {PREFIX + "restarted-at": "noon"}}}})
    fleet.wait_completed("restarted")
    assert fleet.installs("restarted") == 4

    fleet.apply_document(template)
    patch(fleet, "restarted", {"template": None, "templateRef": {"name": "restarted"}})  # the revision before the restart
    fleet.wait_completed("restarted")
    revision = fleet.get("restarted").status.release_status.update_revision
    before = fleet.installs("restarted")
    fleet.kubectl("annotate", "moduletemplate", "restarted", PREFIX + "restarted-at=noon")
    fleet.wait_for("restarted", lambda md: md.status.release_status.update_revision != revision, "another revision")
    fleet.wait_completed("restarted")
    assert set(fleet.available("restarted").values()) == {"1.0.0"}
    assert fleet.installs("restarted") == before + 2


# -- 3: base and module together --


def test_3_1_another_url_alone_touches_nothing_that_runs(fleet):
    fleet.apply_document(fleet.document("url", fleet.jar("url"), replicas=2))
    fleet.wait_completed("url")
    before = fleet.objects("modules", f"{PREFIX}module-name=url")
    patch(fleet, "url", {"template": {"spec": {"module": {"url": fleet.jar("url", Test_Mark="new").as_uri()}}}})
    fleet.wait_completed("url")
    after = fleet.objects("modules", f"{PREFIX}module-name=url")
    assert {name: module["metadata"]["uid"] for name, module in after.items()} == \
        {name: module["metadata"]["uid"] for name, module in before.items()}
    assert fleet.installs("url") == 2


def test_3_2_a_base_that_is_replaced_or_restarts_gets_the_new_url(new_fleet):
    fleet = new_fleet(bases=2)
    fleet.apply_document(fleet.document("url", fleet.jar("url"), replicas=-1))
    fleet.wait_completed("url")
    new = fleet.jar("url", Test_Mark="new")
    patch(fleet, "url", {"template": {"spec": {"module": {"url": new.as_uri()}}}})
    fleet.wait_completed("url")
    first, second = sorted(fleet.pods())
    fleet.restart_jvm(first)
    basekit.wait_until(lambda: fleet.operations_of("url").get(first) == ["install 1.0.0"] * 2, "it to be installed anew")
    fleet.kubectl("delete", "pod", second)
    fleet.wait_pods(2)
    fleet.wait_agreement("url")
    fleet.wait_completed("url")


# -- 4: scale and replace --


def test_4_1_the_number_follows_replicas(fleet):
    fleet.apply_document(fleet.document("scale", fleet.jar("scale"), replicas=1))
    fleet.wait_completed("scale")
    fleet.kubectl("scale", "moduledeployment/scale", "--replicas=3")
    fleet.wait_for("scale", lambda md: md.status.available_replicas == 3, "three")
    fleet.kubectl("scale", "moduledeployment/scale", "--current-replicas=3", "--replicas=1")
    fleet.wait_for("scale", lambda md: md.status.replicas == 1, "one")
    fleet.wait_completed("scale")
    fleet.wait_agreement("scale")
    assert field(fleet, "moduledeployment", "scale", ".status.availableReplicas") == "1"


def test_4_2_a_module_that_is_deleted_is_replaced(fleet):
    fleet.apply_document(fleet.document("replace", fleet.jar("replace"), replicas=2))
    fleet.wait_completed("replace")
    name, old = sorted(fleet.objects("modules", f"{PREFIX}module-name=replace").items())[0]
    fleet.kubectl("delete", "module", name, "--timeout=60s")
    fleet.wait_modules(lambda modules: len(modules) == 2 and all(
        m.status.status == "Available" and m.metadata.uid != old["metadata"]["uid"] for m in modules),
        "another one", "replace")
    fleet.wait_completed("replace")
    fleet.wait_agreement("replace")


# -- 5: strategies --


def test_5_1_batch_count(fleet):
    jar = fleet.jar("batches")
    fleet.apply_document(fleet.document("batches", jar, replicas=3,
                                        strategy={"batchCount": 3, "needConfirm": True}))
    assert batches(fleet, "batches", jar) == [1, 2, 3]
    assert field(fleet, "moduledeployment", "batches", ".status.releaseStatus.realBatchCount") == "3"


def test_5_2_beta_begins_with_one(fleet):
    jar = fleet.jar("beta")
    fleet.apply_document(fleet.document("beta", jar, replicas=3,
                                        strategy={"batchCount": 2, "useBeta": True, "needConfirm": True}))
    assert batches(fleet, "beta", jar) == [1, 3]


def test_5_3_a_person_confirms_by_either_field(fleet):
    jar = fleet.jar("confirm")
    fleet.apply_document(fleet.document("confirm", jar, replicas=3,
                                        strategy={"batchCount": 3, "needConfirm": True}))
    fleet.wait_waiting("confirm", 1)
    assert field(fleet, "moduledeployment", "confirm", ".spec.pause") == "true"
    patch(fleet, "confirm", {"pause": False})
    fleet.wait_waiting("confirm", 2)
    patch(fleet, "confirm", {"confirmBatchNum": 2})
    fleet.wait_completed("confirm")


def test_5_4_gray_time_goes_on_by_itself(fleet):
    jar = fleet.jar("gray")
    fleet.apply_document(fleet.document("gray", jar, replicas=2, strategy={
        "batchCount": 2, "grayTimeBetweenBatchSeconds": 1}))
    fleet.wait_progress("gray", "Paused", "GrayTime", 1)
    assert field(fleet, "moduledeployment", "gray", ".status.releaseStatus.nextReconcileTime")
    fleet.wait_completed("gray")


def test_5_5_upgrade_policies_in_their_spellings(fleet):
    for policy, order in (("installThenUninstall", ["install 2.0.0", "uninstall 1.0.0"]),
                          ("install_then_uninstall", ["install 2.0.0", "uninstall 1.0.0"]),
                          ("uninstallThenInstall", ["uninstall 1.0.0", "install 2.0.0"])):
        name = re.sub("[^a-z]", "", policy.lower()) + ("2" if "_" in policy else "")
        strategy = {"upgradePolicy": policy}
        document = fleet.document(name, fleet.jar(name), replicas=1, strategy=strategy)
        fleet.apply_document(document)
        fleet.wait_completed(name)
        jar = fleet.jar(name, "2.0.0")
        patch(fleet, name, module_patch(jar))
        fleet.wait_modules(lambda modules: [(m.spec.module.version, m.status.status) for m in modules]
                           == [("2.0.0", "Available")], "the new version alone", name)
        (operations,) = fleet.operations_of(name).values()
        assert [one for one in operations[1:] if not one.startswith("switch")] == order


def test_5_6_max_module_count_of_deployment_and_pod(fleet):
    fleet.create_base_deployment("small", 2, labels={f"{PREFIX}max-module-count": "1"})
    pods = fleet.wait_pods(2, "small")
    for name, replicas in (("fills", 2), ("waits", 1)):
        document = fleet.document(name, fleet.jar(name), replicas=replicas)
        document["spec"]["baseDeploymentName"] = "small"
        fleet.apply_document(document)
        fleet.wait_for(name, lambda md: md.status.replicas or any(
            condition.reason == "NoCapacity" for condition in md.status.conditions), f"{name} to be placed, or not")
    fleet.wait_completed("fills")
    assert "2 bases refused: 2 Full" in fleet.kubectl("describe", "moduledeployment", "waits")
    fleet.kubectl("label", "pod", pods[0], f"{PREFIX}max-module-count=2")  # that of the pod wins
    fleet.wait_completed("waits")
    assert list(fleet.available("waits")) == [pods[0]]
    fleet.check_agreement("waits")


def test_5_7_scatter_and_5_8_stacking(new_fleet):
    fleet = new_fleet(bases=3)
    first = fleet.document("first", fleet.jar("first"), replicas=1)
    fleet.apply_document(first)
    fleet.wait_completed("first")
    (used,) = fleet.available("first")
    for policy, name in (("Scatter", "apart"), ("stacking", "together")):
        document = fleet.document(name, fleet.jar(name), replicas=1,
                                  schedulingStrategy={"schedulingPolicy": policy})
        fleet.apply_document(document)
        fleet.wait_completed(name)
    (apart,), (together,) = fleet.available("apart"), fleet.available("together")
    assert apart != used
    assert together in (used, apart)


def test_5_10_symmetric_follows_the_base(new_fleet):
    fleet = new_fleet(bases=2)
    fleet.apply_document(fleet.document("every", fleet.jar("every"), replicas=-1))
    fleet.wait_completed("every")
    assert sorted(fleet.available("every")) == sorted(fleet.pods())
    for count in (3, 1):
        fleet.kubectl("scale", "deployment", fleet.base_deployment, f"--replicas={count}")
        fleet.wait_pods(count)
        basekit.wait_until(lambda: sorted(fleet.available("every")) == sorted(fleet.pods()), "one on every base")
        fleet.wait_for("every", lambda md, count=count: md.status.available_replicas == count, "the count")
    assert field(fleet, "moduledeployment", "every", ".spec.replicas") == "-1"
    assert fleet.traffic("every") == sorted(fleet.pods())


# -- 6: the agent --


def test_6_1_the_agent_of_a_pod_is_usable_alone(fleet):
    """Nobody else is there who would say what runs."""
    pod, it = sorted(fleet.pods().items())[0]
    fleet.stop_one("controller")

    def agent(*arguments):
        done = programkit.run("koupleless", "--insecure", "agent", "--address", f"{it['status']['podIP']}:1239",
                              *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        for version in ("1.0.0", "2.0.0"):
            agent("install", fleet.jar("alone", version).as_uri(), "--name", "alone", "--version", version)
        agent("switch", "alone", "2.0.0")
        rows = [line.split()[:3] for line in agent("list").splitlines() if line.startswith("alone ")]
        assert sorted(rows) == [["alone", "1.0.0", "deactivated"], ["alone", "2.0.0", "activated"]]
        assert "alone:2.0.0" in fleet.active(pod)[pod]
        for version in ("1.0.0", "2.0.0"):
            assert agent("uninstall", "alone", version) == f"module/alone:{version} uninstalled\n"
        assert re.search(r"^\(base\) +- +UP", agent("health"), re.MULTILINE)
        assert "install" in agent("--help")
    finally:
        fleet.start("controller")
    assert fleet.operations_of("alone") == {
        pod: ["install 1.0.0", "install 2.0.0", "uninstall 1.0.0", "uninstall 2.0.0"]}


# -- 7: Service --


def test_7_1_the_service_of_a_module_and_7_2_its_selector(fleet):
    strategy = {"serviceStrategy": {"enableModuleService": True, "port": 8080, "targetPort": 8081}}
    fleet.apply_document(fleet.document("served", fleet.jar("served"), replicas=2, strategy=strategy))
    fleet.wait_completed("served")
    service = fleet.kubectl_json("get", "service", "served-service")
    spec = service["spec"]
    (port,) = spec["ports"]
    assert (spec["type"], port["name"], port["port"], port["targetPort"]) == ("NodePort", "http", 8080, 8081)
    assert spec["selector"] == {"module.koupleless.alipay.com/served": "true"}
    assert [owner["name"] for owner in service["metadata"]["ownerReferences"]] == ["served"]
    assert fleet.traffic("served") == sorted(fleet.available("served"))
    patch(fleet, "served", {"operationStrategy": {"serviceStrategy": {"port": 8090}}})
    basekit.wait_until(lambda: fleet.kubectl_json("get", "service", "served-service")["spec"]["ports"][0]["port"]
                       == 8090, "the other port")
    assert fleet.kubectl_json("get", "service", "served-service")["spec"]["ports"][0]["nodePort"] == port["nodePort"]
    fleet.kubectl("delete", "moduledeployment", "served", "--timeout=60s")
    basekit.wait_until(lambda: "served-service" not in fleet.objects("services"), "the Service to go")


# -- 8: what runs where --


def test_8_1_modules_of_a_base_by_its_address_and_its_name(fleet):
    fleet.apply_document(fleet.document("where", fleet.jar("where"), replicas=1))
    fleet.wait_completed("where")
    (pod,) = fleet.available("where")
    address = fleet.pods()[pod]["status"]["podIP"]
    (name,) = fleet.objects("modules", f"{PREFIX}module-name=where")
    for selector in (f"{PREFIX}base-instance-ip={address}", f"{PREFIX}base-instance-name={pod}"):
        columns = fleet.kubectl("get", "module", "-l", selector, "-o",
                                "custom-columns=NAME:.metadata.name,STATUS:.status.status")
        assert [name, "Available"] in [line.split() for line in columns.splitlines()]
        described = fleet.kubectl("describe", "module", "-l", selector)
        assert f"Name:         {name}\n" in described and re.search(r"Status: +Available", described)
    line = next(line for line in fleet.kubectl("get", "modules").splitlines() if line.startswith(name))
    assert line.split()[1:5] == ["where", "1.0.0", pod, "Available"]


# -- 10: Kubernetes --


def test_10_2_kubernetes_1_24_and_a_newer_one(fleet, kube_cluster):
    """Each test of this folder runs on every one of these versions; this is the one that it says."""
    assert sorted(kubekit.VERSIONS) == ["1.24", "current"]
    told = json.loads(kube_cluster.kubectl("get", "--raw", "/version"))
    newer = int(told["minor"]) > 24
    assert told["major"] == "1" and newer == (kube_cluster.version == "current")
    fleet.apply_document(fleet.document("version", fleet.jar("version"), replicas=1))
    fleet.wait_completed("version")
    fleet.check_agreement("version")


# -- what is between the lines --


def test_a_name_can_be_used_again_at_once(fleet, kube_cluster):
    """What is left of the one before is not waited for, though the cluster's garbage collector is late."""
    fleet.apply_document(fleet.document("again", fleet.jar("again"), replicas=1))
    fleet.wait_completed("again")
    kube_cluster.kill("kube-controller-manager")
    try:
        fleet.kubectl("delete", "moduledeployment", "again", "--timeout=60s")
        assert fleet.objects("modulereplicasets", f"{PREFIX}module-deployment=again")
        fleet.apply_document(fleet.document("again", fleet.jar("again"), replicas=1))
        fleet.wait_completed("again")
        fleet.wait_agreement("again")
    finally:
        kube_cluster.start("kube-controller-manager")
