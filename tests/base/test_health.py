# SPDX-License-Identifier: Apache-2.0
"""Arklet's health command and the base's actuator."""
import basekit
import pytest


def health_data(base, **body):
    answer = base.call("health", body)
    assert answer.code == "SUCCESS", answer.json
    return answer.data["healthData"]


# -- Arklet's health --


def test_all(base):
    data = health_data(base)
    assert set(data) == {"jvm", "cpu", "masterBizInfo", "pluginListInfo", "bizListInfo"}
    master = {"bizName": "base", "bizState": "activated", "bizVersion": "1.0.0", "webContextPath": "/"}
    assert data["masterBizInfo"] == master
    assert data["bizListInfo"] == [master]
    assert {plugin["pluginName"] for plugin in data["pluginListInfo"]} == {
        "web-ark-plugin", "koupleless-base-plugin"}


def test_the_jvm_tells_its_metaspace(base):
    jvm = health_data(base)["jvm"]
    used, committed = jvm["java used metaspace"], jvm["java committed metaspace"]
    assert 1e6 < used <= committed
    assert jvm["java max metaspace"] == -1
    assert jvm["run time(s)"] >= 0 and jvm["java version"].startswith("17")
    assert jvm["max non heap memory(M)"] < 0


def test_metaspace_grows_with_a_module(base):
    before = health_data(base, type="system")["jvm"]["java used metaspace"]
    base.install(base.jar(base.unique()))
    assert health_data(base, type="system")["jvm"]["java used metaspace"] > before


@pytest.mark.parametrize("metrics, keys", [(["cpu"], {"cpu"}), (["jvm"], {"jvm"}),
                                           (["cpu", "jvm"], {"cpu", "jvm"})])
def test_chosen_metrics(base, metrics, keys):
    assert set(health_data(base, type="system", metrics=metrics)) == keys


def test_modules(base):
    name = base.unique()
    base.install(base.jar(name))
    one = {"bizName": name, "bizState": "activated", "bizVersion": "1.0.0", "webContextPath": name}
    assert one in health_data(base, type="biz")["bizListInfo"]
    assert health_data(base, type="biz", bizName=name) == {"bizListInfo": [one]}
    assert health_data(base, type="biz", bizName=name, bizVersion="1.0.0") == {"bizInfo": one}


def test_a_plugin(base):
    info = health_data(base, type="plugin", bizName="web-ark-plugin")["pluginInfo"]
    assert info["groupId"] == "com.alipay.sofa"


@pytest.mark.parametrize("body, text", [
    ({"type": "biz", "bizName": "nobody"}, "can not find biz: nobody"),
    ({"type": "biz", "bizName": "nobody", "bizVersion": "1"}, "can not find biz"),
    ({"type": "biz", "bizVersion": "1"}, "Biz name must not be empty."),
    ({"type": "plugin", "bizName": "nobody"}, "can not find plugin"),
    ({"bizName": "nobody"}, "can not find plugin"),
    ({"type": "system", "metrics": ["zz"]}, "indicator not registered"),
])
def test_what_can_not_be_found(base, body, text):
    assert base.call("health", body).json == {"code": "FAILED", "message": text}


def test_an_unknown_type(base):
    answer = base.call("health", {"type": "zzz"})
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert answer.message == "Internal Error: type: zzz can not be found"


# -- actuator --


def component(base, name):
    return base.health().json["components"][name]


def test_an_empty_base_is_up(base):
    page = base.health()
    assert page.status == 200
    assert page.json["status"] == "UP" and page.json["groups"] == ["liveness", "readiness"]
    parts = page.json["components"]
    assert set(parts) == {"baseStartUp", "compositeAllBiz", "diskSpace", "livenessState", "metrics",
                          "ping", "readinessState"}
    assert parts["compositeAllBiz"] == {"status": "UP"}
    assert parts["baseStartUp"] == {"status": "UP", "details": {"base:1.0.0": {"status": "UP"}}}
    assert parts["metrics"]["details"]["metrics"]["metaspaceMetrics"]["used"] > 1e6


@pytest.mark.parametrize("probe", ["/liveness", "/readiness"])
def test_probes(base, probe):
    page = base.health(probe)
    assert page.status == 200 and page.json == {"status": "UP"}


def test_a_running_module(base):
    name = base.unique()
    base.install(base.jar(name))
    assert base.health().status == 200
    assert component(base, "baseStartUp")["details"][f"{name}:1.0.0"] == {"status": "UP"}
    entry = component(base, "compositeAllBiz")["details"][f"{name}:1.0.0"]
    assert entry["status"] == "UP"
    assert entry["details"]["test"] == {
        "details": {"module": f"{name}:1.0.0"}, "status": {"status": "UP"}}
    assert entry["details"]["pingHe"] == {"details": {}, "status": {"status": "UP"}}


def test_the_root_is_down_while_a_module_starts(base):
    name = base.unique()
    install = basekit.Parallel(base.install, base.jar(name, Test_Start_Sleep_Ms=1500))
    basekit.wait_until(lambda: base.modules().get(f"{name}:1.0.0") == "resolved", "the start")
    page = base.health()
    assert page.status == 503 and page.json["status"] == "DOWN"
    parts = page.json["components"]
    assert parts["baseStartUp"]["status"] == "UP"
    assert parts["baseStartUp"]["details"][f"{name}:1.0.0"] == {"status": "UNKNOWN"}
    assert parts["compositeAllBiz"]["status"] == "DOWN"
    assert parts["compositeAllBiz"]["details"][f"{name}:1.0.0"] == {
        "status": "DOWN", "details": {"applicationContext": "haven't refreshed"}}
    assert base.health("/readiness").status == 200
    assert install.result().code == "SUCCESS"
    assert base.health().status == 200


def test_a_failed_module_leaves_no_trace(base):
    name = base.unique()
    base.install(base.jar(name, Test_Fail="bean"))
    page = base.health()
    assert page.status == 200
    assert page.json["components"]["compositeAllBiz"] == {"status": "UP"}
    assert f"{name}:1.0.0" not in page.json["components"]["baseStartUp"]["details"]


def test_a_module_without_spring_keeps_the_root_down(base):
    base.install(base.jar(base.unique(), Test_Spring="false"))
    assert base.health().status == 503


@pytest.mark.parametrize("status, root, root_http, composite, own_http", [
    ("DOWN", "DOWN", 503, "DOWN", 503),
    ("UNKNOWN", "UP", 200, "UNKNOWN", 200),
    ("OUT_OF_SERVICE", "UP", 200, "UP", 503),
    ("UP", "UP", 200, "UP", 200),
])
def test_a_modules_own_health(base, status, root, root_http, composite, own_http):
    name = base.unique()
    base.install(base.jar(name))
    assert base.get(f"/{name}/set/{status}").body == f"{status}\n"
    page = base.health()
    assert (page.status, page.json["status"]) == (root_http, root)
    assert page.json["components"]["compositeAllBiz"]["status"] == composite
    entry = page.json["components"]["compositeAllBiz"]["details"][f"{name}:1.0.0"]
    assert entry["details"]["test"]["status"] == {"status": status}
    own = base.get(f"/{name}/actuator/health")
    assert own.status == own_http
    assert own.json["components"]["test"]["status"] == status
    assert base.health("/readiness").status == 200


def test_one_component(base):
    page = base.health("/ping")
    assert page.status == 200 and page.json == {"status": "UP"}
    assert base.health("/none").status == 404


def test_info_lists_modules_and_master_in_upper_case(base):
    name = base.unique()
    base.install(base.jar(name))
    listed = base.get("/actuator/info").json["arkBizInfo"]
    assert {"bizName": name, "bizVersion": "1.0.0", "bizState": "ACTIVATED",
            "webContextPath": name} in listed
    assert {"bizName": "base", "bizVersion": "1.0.0", "bizState": "ACTIVATED",
            "webContextPath": "/"} in listed
