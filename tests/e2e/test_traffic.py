# SPDX-License-Identifier: Apache-2.0
"""Who gets traffic, and the Service of a module (requirements 7.1 and 7.2), on the embedded store."""
import contextlib
import json
import sqlite3
import threading

import basekit
import protokit

PREFIX = "module.koupleless.alipay.com/"
SERVICE = {"serviceStrategy": {"enableModuleService": True, "port": 80, "targetPort": 8080}}


def labelled(system, module="pay"):
    """Names of the bases that have the label of a module."""
    found = set()
    for name, base in system.base_objects().items():
        if PREFIX + module in base.metadata.labels:
            assert base.metadata.labels[PREFIX + module] == "true"
            found.add(name)
    return found


def wait_labelled(system, bases, module="pay"):
    basekit.wait_until(lambda: labelled(system, module) == set(bases),
                       f"{module} to have traffic on {sorted(bases)} and nowhere else")


def serving(system, module="pay"):
    """Names of the bases where the module is active, as they themselves say."""
    return {base for base, keys in system.active().items() if any(key.startswith(module + ":") for key in keys)}


@contextlib.contextmanager
def never_traffic_to_nobody(system, module="pay"):
    """I9, looked at again and again meanwhile: no base has the label while its module is away."""
    over, wrong, rounds = threading.Event(), [], [0]

    def look():
        before = serving(system, module)
        while not over.is_set():
            bases = labelled(system, module)
            after = serving(system, module)
            wrong.extend(bases - before - after)
            before = after
            rounds[0] += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert rounds[0] > 0 and not wrong, f"traffic to {wrong}, where {module} is not"


def released(system, name="pay", version="1.0.0", replicas=2, jar=None, **spec):
    system.apply(name, jar or system.jar(name, version), replicas=replicas, **spec)
    system.wait_completed(name)
    wait_labelled(system, system.available(name), name)


# -- 7.2: labels --


def test_7_2_label_while_available_and_not_beyond(system):
    assert labelled(system) == set()
    with never_traffic_to_nobody(system):
        released(system, replicas=3)
        system.apply("pay", system.jar("pay"), replicas=1)
        system.wait_completed("pay")
        wait_labelled(system, system.available("pay"))
        assert len(labelled(system)) == 1
        system.call("DeleteModuleDeployment", "pay")
        system.wait_gone("pay")
    wait_labelled(system, set())


def test_7_2_upgrade_side_by_side_never_leaves_traffic(new_system):
    system = new_system(bases=2)
    released(system)
    gaps, over = [], threading.Event()

    def look():
        while not over.is_set():
            if len(labelled(system)) != 2:
                gaps.append(labelled(system))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        released(system, version="2.0.0")
    finally:
        over.set()
        thread.join()
    assert not gaps


def test_7_2_upgrade_in_place_leaves_traffic_meanwhile(new_system):
    system = new_system(bases=2, sim=["--install-ms", "200"])
    released(system)
    with never_traffic_to_nobody(system):
        released(system, version="2.0.0", strategy={"upgradePolicy": "uninstallThenInstall", "batchCount": 2})
    assert labelled(system) == {"base-1", "base-2"}


def test_7_2_upgrade_to_other_bases_takes_the_traffic_along(new_system):
    system = new_system(bases=4)
    released(system)
    before = labelled(system)
    with never_traffic_to_nobody(system):
        released(system, version="2.0.0", strategy={"upgradePolicy": "scaleUpThenScaleDown"})
    assert not before & labelled(system) and len(labelled(system)) == 2


def test_7_2_upgrade_in_place_that_fails_gets_its_traffic_back(new_system):
    system = new_system(bases=1)
    released(system, replicas=1)
    system.apply("pay", system.jar("pay", "2.0.0", Test_Fail="main"), replicas=1,
                 strategy={"upgradePolicy": "uninstallThenInstall"})
    system.wait_modules(lambda modules: any(m.status.attempts >= 2 for m in modules), "a second attempt", "pay")
    wait_labelled(system, {"base-1"})
    assert system.active() == {"base-1": ["pay:1.0.0"]}
    system.call("UndoRelease", "pay")
    system.wait_completed("pay")
    wait_labelled(system, {"base-1"})


def test_7_2_a_sick_module_has_no_traffic_until_it_is_well(new_system):
    system = new_system(bases=2)
    released(system, jar=system.jar("pay", web=True))
    assert system.base(1).get("/pay/set/DOWN").status == 200
    wait_labelled(system, {"base-2"})
    states = {m.spec.base_name: m.status.status for m in system.modules("pay")}
    assert states == {"base-1": "Unavailable", "base-2": "Available"}
    assert system.base(1).get("/pay/set/UP").status == 200
    wait_labelled(system, {"base-1", "base-2"})


def test_7_2_labels_of_several_modules_and_of_people(new_system):
    system = new_system(bases=1, agent=["--base-labels", f"zone=z1,{PREFIX}pay=mine,{PREFIX}none=true"])
    released(system, "pay", replicas=1)
    released(system, "order", replicas=1)
    labels = dict(system.base_objects()["base-1"].metadata.labels)
    assert labels == {"zone": "z1", PREFIX + "pay": "true", PREFIX + "order": "true"}
    system.restart("agent-1")
    system.call("DeleteModuleDeployment", "order")
    system.wait_gone("order")
    wait_labelled(system, set(), "order")
    assert dict(system.base_objects()["base-1"].metadata.labels) == {"zone": "z1", PREFIX + "pay": "true"}


LONG = {"drainSeconds": 3600}


def test_7_2_a_removed_module_drains_first(new_system):
    system = new_system(bases=2)
    released(system, strategy=LONG)
    released(system, "order")
    system.apply("pay", system.jar("pay"), replicas=1, strategy=LONG)
    system.wait_modules(lambda modules: any((m.status.status, m.status.reason) == ("Terminating", "Draining")
                                            for m in modules), "one to drain", "pay")
    assert len(labelled(system)) == 1 and serving(system) == {"base-1", "base-2"}
    assert labelled(system, "order") == {"base-1", "base-2"}  # who shares the base is not touched
    system.restart("controller")
    system.wait_bases(2)
    assert serving(system) == {"base-1", "base-2"}

    system.apply("pay", system.jar("pay"), replicas=1, strategy={"drainSeconds": 0})
    system.wait_agreement("pay")
    assert serving(system) == labelled(system)


def test_7_2_an_old_version_drains_before_it_is_replaced_in_place(new_system):
    system = new_system(bases=1)
    released(system, replicas=1)
    strategy = {"upgradePolicy": "uninstallThenInstall"}
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=1, strategy={**strategy, **LONG})
    wait_labelled(system, set())
    assert system.active() == {"base-1": ["pay:1.0.0"]}
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=1, strategy={**strategy, "drainSeconds": 0})
    system.wait_completed("pay")
    wait_labelled(system, {"base-1"})
    assert system.active() == {"base-1": ["pay:2.0.0"]}


def test_7_2_an_old_version_drains_beside_the_new_one(new_system):
    system = new_system(bases=1)
    released(system, replicas=1)
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=1, strategy=LONG)
    system.wait_modules(lambda modules: any(m.status.reason == "Draining" for m in modules), "it to drain", "pay")
    assert labelled(system) == {"base-1"} and system.active() == {"base-1": ["pay:2.0.0"]}
    assert set(system.base(1).modules()) == {"pay:1.0.0", "pay:2.0.0"}
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=1, strategy={"drainSeconds": 0})
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_7_2_labels_are_right_after_a_restart_of_the_controller(new_system):
    system = new_system(bases=2)
    released(system)
    system.kill("controller")
    system.restart_base(1)
    system.start("controller")
    system.wait_agreement("pay")
    wait_labelled(system, {"base-1", "base-2"})


# -- 7.1: the Service --


def services(system):
    """name -> Service, as the store has them: the API does not serve them, and the file is locked, so look at a copy."""
    file, copy = system.data_dir / "store.db", system.folder / "copy.db"
    while True:
        before = file.read_bytes()
        log = (system.data_dir / "store.db-wal").read_bytes()
        if file.read_bytes() == before:  # else the log was moved into the file meanwhile
            break
    copy.write_bytes(before)
    (system.folder / "copy.db-wal").write_bytes(log)
    (system.folder / "copy.db-shm").unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(copy)) as database:
        rows = database.execute("SELECT name, json FROM objects WHERE kind = 'Service'").fetchall()
    return {name: json.loads(text) for name, text in rows}


def ready(md):
    return next(((c.status, c.reason) for c in md.status.conditions if c.type == "ServiceReady"), None)


def test_7_1_service_is_made_changed_and_switched_off(system):
    released(system, strategy=SERVICE)
    md = system.wait_for("pay", lambda md: ready(md) == ("True", "ServiceMade"), "the Service")
    service = services(system)["pay-service"]
    assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
    assert service["spec"] == {
        "type": "NodePort", "selector": {PREFIX + "pay": "true"},
        "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}]}
    (owner,) = service["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("ModuleDeployment", "pay", md.metadata.uid)

    changed = {"serviceStrategy": {"enableModuleService": True, "port": 81, "targetPort": 8081}}
    system.apply("pay", system.jar("pay"), replicas=2, strategy=changed)
    basekit.wait_until(lambda: services(system)["pay-service"]["spec"]["ports"][0]["port"] == 81, "other ports")
    assert services(system)["pay-service"]["spec"]["ports"][0]["targetPort"] == 8081
    assert services(system)["pay-service"]["metadata"]["uid"] == service["metadata"]["uid"]

    system.apply("pay", system.jar("pay"), replicas=2, strategy={"serviceStrategy": {"enableModuleService": False}})
    basekit.wait_until(lambda: not services(system), "the Service to go")
    system.wait_for("pay", lambda md: ready(md) is None, "no condition")


def test_7_1_service_goes_last(new_system):
    system = new_system(bases=2, sim=["--install-ms", "100"])
    released(system, strategy=SERVICE)
    assert list(services(system)) == ["pay-service"]
    system.call("DeleteModuleDeployment", "pay")

    def gone():
        modules, left = system.modules("pay"), services(system)  # in this order
        assert left or not modules
        return not left

    basekit.wait_until(gone, "the Service to go")
    assert not any(serving(system))
    system.wait_gone("pay")


def test_7_1_anothers_service_is_left_alone_until_it_goes(system):
    other = system.deployment("first", system.jar("pay"), replicas=0, strategy=SERVICE)
    other.spec.base_deployment_name = "elsewhere"
    system.release.ApplyModuleDeployment(system.proto.ApplyModuleDeploymentRequest(module_deployment=other))
    basekit.wait_until(lambda: "pay-service" in services(system), "its Service")
    uid = services(system)["pay-service"]["metadata"]["uid"]

    released(system, strategy={"serviceStrategy": {"enableModuleService": True, "port": 90}})
    md = system.wait_for("pay", lambda md: ready(md) == ("False", "ServiceConflict"), "the conflict to be told")
    message = next(c.message for c in md.status.conditions if c.type == "ServiceReady")
    assert "pay-service" in message and "ModuleDeployment first" in message
    assert services(system)["pay-service"]["metadata"]["uid"] == uid
    assert services(system)["pay-service"]["spec"]["ports"][0]["port"] == 80
    assert sum(e.reason == "ServiceConflict" and e.count == 1 for e in system.events(name="pay")) == 1

    system.call("DeleteModuleDeployment", "first")
    system.wait_for("pay", lambda md: ready(md) == ("True", "ServiceMade"), "the Service")
    assert services(system)["pay-service"]["spec"]["ports"][0]["port"] == 90


def test_7_1_service_of_a_module_that_is_renamed(system):
    released(system, strategy=SERVICE)
    with never_traffic_to_nobody(system):
        system.apply("pay", system.jar("cash"), replicas=2, strategy=SERVICE)
        system.wait_completed("pay")
    basekit.wait_until(lambda: list(services(system)) == ["cash-service"], "the other Service alone")
    wait_labelled(system, set())
    wait_labelled(system, system.available("pay"), "cash")


def test_7_1_ports_are_checked(system):
    wrong = [({"enableModuleService": True}, "port"), ({"enableModuleService": True, "port": 65536}, "port"),
             ({"enableModuleService": True, "port": 80, "targetPort": 70000}, "targetPort")]
    for strategy, field in wrong:
        request = system.proto.ApplyModuleDeploymentRequest(module_deployment=system.deployment(
            "pay", system.jar("pay"), strategy={"serviceStrategy": strategy}))
        failure = protokit.failure(system.release.ApplyModuleDeployment, request)
        assert failure.fields == [f"spec.operationStrategy.serviceStrategy.{field}"]
