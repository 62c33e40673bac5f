# SPDX-License-Identifier: Apache-2.0
"""Several versions of one module: switching, replacing, and what web paths forbid."""
import basekit


def two_versions(base, **extra):
    name = base.unique()
    for version in ("1.0.0", "2.0.0"):
        answer = base.install(base.jar(name, version, f"{name}v{version[0]}", **extra))
        assert answer.code == "SUCCESS"
    return name


def test_a_second_version_is_deactivated_but_serves_its_path(base):
    name = two_versions(base)
    assert base.modules() == {f"{name}:1.0.0": "activated", f"{name}:2.0.0": "deactivated"}
    assert base.get(f"/{name}v2/version").body == f"{name}:2.0.0\n"


def test_switch(base):
    name = two_versions(base)
    answer = base.switch(name, "2.0.0")
    assert answer.json == {"code": "SUCCESS", "data": {
        "code": "SUCCESS", "message": f"Switch biz: {name}:2.0.0 is activated."}}
    assert base.modules() == {f"{name}:1.0.0": "deactivated", f"{name}:2.0.0": "activated"}


def test_switch_to_the_active_version_does_nothing(base):
    name = two_versions(base)
    assert base.switch(name, "1.0.0").code == "SUCCESS"
    assert base.modules() == {f"{name}:1.0.0": "activated", f"{name}:2.0.0": "deactivated"}


def test_switch_to_what_is_not_there(base):
    answer = base.switch("nobody", "7")
    assert answer.json == {
        "code": "FAILED", "message": "switch biz not success!",
        "data": {"code": "NOT_FOUND_BIZ", "message": "Switch biz: nobody:7 not found."}}


def test_switch_of_the_master(base):
    assert base.switch("base", "1.0.0").data == {
        "code": "SUCCESS", "message": "Switch biz: base:1.0.0 is activated."}


def test_calls_inside_the_base_follow_the_switch(base):
    name = two_versions(base, Test_Web="false")
    assert base.get(f"/call/{name}").body == f"{name}:1.0.0\n"
    base.switch(name, "2.0.0")
    assert base.get(f"/call/{name}").body == f"{name}:2.0.0\n"


def test_nothing_takes_over_when_the_active_version_goes(base):
    name = two_versions(base)
    base.uninstall(name, "1.0.0")
    assert base.modules() == {f"{name}:2.0.0": "deactivated"}
    assert base.get(f"/call/{name}").status == 500
    assert base.get(f"/{name}v2/version").status == 200
    third = base.install(base.jar(name, "3.0.0", f"{name}v3"))
    assert third.data["bizInfos"][0]["bizState"] == "activated"


def test_two_versions_on_one_web_path_never_run_together(base):
    name = base.unique()
    base.install(base.jar(name, "1.0.0"))
    answer = base.install(base.jar(name, "2.0.0"))
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert answer.message == "Internal Error: java.lang.reflect.InvocationTargetException"
    assert answer.last_cause() == (
        f"Caused by: java.lang.IllegalArgumentException: Child name [{name}] is not unique")
    assert base.modules() == {f"{name}:1.0.0": "activated"}
    assert base.get(f"/{name}/version").body == f"{name}:1.0.0\n"


def test_the_web_path_of_another_module_is_taken_too(base):
    name, other = base.unique(), base.unique()
    base.install(base.jar(name))
    answer = base.install(base.jar(other, context=name))
    assert answer.last_cause().endswith(f"Child name [{name}] is not unique")
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_modules_without_web_may_share_a_path(base):
    name = base.unique()
    for version in ("1.0.0", "2.0.0"):
        assert base.install(base.jar(name, version, Test_Web="false")).code == "SUCCESS"


def test_uninstall_then_install_replaces_every_version(base):
    name = two_versions(base)
    answer = base.install(base.jar(name, "3.0.0"), installStrategy="uninstallThenInstall")
    assert answer.code == "SUCCESS"
    assert base.modules() == {f"{name}:3.0.0": "activated"}
    assert base.operations_of(name)[2:] == [
        ("uninstall", "1.0.0"), ("uninstall", "2.0.0"), ("install", "3.0.0")] or \
        base.operations_of(name)[2:] == [
        ("uninstall", "2.0.0"), ("uninstall", "1.0.0"), ("install", "3.0.0")]


def test_uninstall_then_install_of_a_bad_version_leaves_nothing(base):
    name = base.unique()
    base.install(base.jar(name))
    answer = base.install(base.jar(name, "2.0.0", Test_Fail="bean"),
                          installStrategy="uninstallThenInstall")
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert base.modules() == {}


def test_an_unknown_strategy_only_installs(base):
    name = base.unique()
    base.install(base.jar(name))
    base.install(base.jar(name, "2.0.0", f"{name}b"), installStrategy="whatever")
    assert base.modules() == {f"{name}:1.0.0": "activated", f"{name}:2.0.0": "deactivated"}


def test_requests_to_a_module_find_it_or_the_base(base):
    name = base.unique()
    missing = base.get(f"/{name}/version")
    assert missing.status == 404
    assert missing.headers["Content-Type"] == "application/json"
    assert missing.json["error"] == "Not Found" and missing.json["path"] == f"/{name}/version"
    base.install(base.jar(name))
    assert base.get(f"/{name}/version").body == f"{name}:1.0.0\n"
    assert base.get(f"/{name}/none").status == 404
    base.uninstall(name, "1.0.0")
    assert base.get(f"/{name}/version").status == 404


def test_a_running_request_is_finished_though_its_module_goes(base):
    name = base.unique()
    base.install(base.jar(name))
    slow = basekit.Parallel(base.get, f"/{name}/version?ms=1000")
    in_flight = basekit.Parallel(base.get, f"/{name}/version?ms=300")
    assert in_flight.result().status == 200  # so the slow one has reached the module as well
    assert base.uninstall(name, "1.0.0").code == "SUCCESS"
    assert base.get(f"/{name}/version").status == 404
    assert slow.result().body == f"{name}:1.0.0\n"


def test_the_page_of_the_base(base):
    assert base.get("/hello").body == "base\n"
