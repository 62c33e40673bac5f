# SPDX-License-Identifier: Apache-2.0
"""Requests under way in a module: queryBizRequests, which a base may add to Arklet's commands (docs/guide.md)."""
import basekit


def under_way(base, name, version="1.0.0"):
    answer = base.call("queryBizRequests", {"bizName": name, "bizVersion": version})
    assert answer.code == "SUCCESS", answer.json
    return answer.data["requests"]


def install(base, **extra):
    jar = base.jar(base.unique(), **extra)
    assert base.install(jar).code == "SUCCESS"
    return jar.module


def test_what_is_under_way_is_counted(base):
    one, other = install(base), install(base)
    assert under_way(base, one) == 0
    assert base.get(f"/{one}/version").status == 200
    assert under_way(base, one) == 0
    calls = [basekit.Parallel(base.get, f"/{one}/version?ms=1500") for _ in range(3)]
    basekit.wait_until(lambda: under_way(base, one) == 3, "three to be under way")
    assert under_way(base, other) == 0
    assert [call.result().status for call in calls] == [200] * 3
    basekit.wait_until(lambda: under_way(base, one) == 0, "none to be under way")


def test_a_request_ends_though_its_module_goes(base):
    name = install(base)
    call = basekit.Parallel(base.get, f"/{name}/version?ms=1000")
    basekit.wait_until(lambda: under_way(base, name) == 1, "one to be under way")
    assert base.uninstall(name, "1.0.0").code == "SUCCESS"
    assert base.get(f"/{name}/version").status == 404
    assert call.result().body == f"{name}:1.0.0\n"


def test_what_it_does_not_count(base):
    inner = install(base, Test_Web="false")
    for name in (inner, "nobody"):
        answer = base.call("queryBizRequests", {"bizName": name, "bizVersion": "1.0.0"})
        assert answer.json == {"code": "FAILED", "message": f"no web context of {name}:1.0.0"}


def test_which_module_has_to_be_named(base):
    answer = base.call("queryBizRequests", {"bizName": "m"})
    assert (answer.code, answer.message) == ("CMD_PROCESS_INTERNAL_ERROR", "Internal Error: bizVersion should not be blank")


def test_a_base_need_not_offer_it(simulator):
    base = simulator().bases[0]
    assert base.call("queryBizRequests", {"bizName": "m", "bizVersion": "1"}).code == "CMD_NOT_FOUND"
    assert "queryBizRequests" not in {command["id"] for command in base.call("help", {}).data}
