# SPDX-License-Identifier: Apache-2.0
"""Conflicts, asynchronous operations, and commands that wait for each other."""
import basekit
import pytest


def slow_install(base, ms=1500, **more):
    """An asynchronous install that is running. Return: name, request id."""
    name = base.unique("slow")
    request_id = f"r-{name}"
    answer = base.install(base.jar(name, Test_Start_Sleep_Ms=ms), **{"async": True},
                          requestId=request_id, **more)
    assert answer.code == "SUCCESS"
    basekit.wait_until(lambda: base.modules().get(f"{name}:1.0.0") == "resolved", "the start")
    return name, request_id


def test_an_asynchronous_install_answers_with_its_record(base):
    name = base.unique()
    jar = base.jar(name)
    answer = base.install(jar, **{"async": True}, requestId=f"r-{name}")
    record = answer.data
    assert answer.code == "SUCCESS"
    assert record["requestId"] == f"r-{name}"
    assert record["status"] in ("INITIALIZED", "EXECUTING")
    assert record["endTimestamp"] == 0 and record["elapsedTime"] == 0 and "endTime" not in record
    assert record["startTime"] == record["startTimestamp"] > 1.6e12
    assert record["arkBizMeta"] == {
        "async": True, "bizName": name, "bizUrl": jar.as_uri(), "bizVersion": "1.0.0",
        "installStrategy": "installOnly", "requestId": f"r-{name}"}

    record = base.finished_record(f"r-{name}")
    assert record["status"] == "SUCCEEDED"
    assert record["endTime"] == record["endTimestamp"] >= record["startTime"]
    assert record["threadName"].startswith("ARKLET-ark-biz-ops-0-T")
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_a_failed_start_shows_in_the_record(base):
    name = base.unique()
    base.install(base.jar(name, Test_Fail="main"), **{"async": True}, requestId=f"r-{name}")
    record = base.finished_record(f"r-{name}")
    assert record["status"] == "FAILED"
    assert record["message"] == "java.lang.reflect.InvocationTargetException"
    thrown = record["throwable"]
    assert thrown["@type"].endswith("ArkletRuntimeException")
    assert thrown["cause"]["cause"]["message"] == f"asked to fail: {name}:1.0.0"


def test_a_refused_operation_has_no_code_in_its_record(base):
    base.uninstall("nobody", "1.0.0", **{"async": True}, requestId=f"r-{base.unique()}")
    request_id = f"r-{base.unique()}"
    base.uninstall("nobody", "1.0.0", **{"async": True}, requestId=request_id)
    record = base.finished_record(request_id)
    assert record["status"] == "FAILED"
    assert record["message"] == "uninstall biz not success!"
    assert "throwable" not in record


def test_a_request_id_is_used_once(base):
    name = base.unique()
    base.install(base.jar(name), **{"async": True}, requestId=f"r-{name}")
    answer = base.uninstall(name, "1.0.0", **{"async": True}, requestId=f"r-{name}")
    assert answer.json == {
        "code": "FAILED",
        "message": f"The request corresponding to the requestId(r-{name}) has been executed."}
    base.finished_record(f"r-{name}")


def test_records_that_are_not_there(base):
    assert base.call("queryBizOps", {"requestId": "none"}).json == {
        "code": "FAILED", "message": "Not found the corresponding ops record."}
    assert base.call("queryBizOps", {}).message == "Internal Error: requestId is blank"
    assert base.call("queryBizOps").message == "Internal Error: request is null"


@pytest.mark.parametrize("command", ["installBiz", "uninstallBiz", "switchBiz"])
def test_one_operation_at_a_time_per_name_and_version(base, command):
    name, request_id = slow_install(base)
    answer = base.call(command, {"bizName": name, "bizVersion": "1.0.0", "bizUrl": "file:///x"})
    assert answer.json == {
        "code": "FAILED",
        "message": f"FAILED:{name}:1.0.0 {command} conflict, "
                   "exist unfinished command(installBiz) for this biz"}
    assert base.finished_record(request_id)["status"] == "SUCCEEDED"


def test_other_versions_and_modules_do_not_wait(base):
    name, request_id = slow_install(base)
    assert base.install(base.jar(name, "2.0.0", f"{name}b")).code == "SUCCESS"
    assert base.install(base.jar(base.unique())).code == "SUCCESS"
    assert base.modules()[f"{name}:1.0.0"] == "resolved"
    base.finished_record(request_id)


def conflict(base, name):
    """An asynchronous operation that meets the install of @name. Return: its record."""
    request_id = f"second-{name}"
    base.uninstall(name, "1.0.0", **{"async": True}, requestId=request_id)
    return base.finished_record(request_id)


def test_an_asynchronous_conflict_stays_initialized_and_frees_the_lock(base):
    name, first = slow_install(base, ms=3000)
    record = conflict(base, name)
    assert record["status"] == "INITIALIZED"
    assert record["message"] == "command conflict, exist unfinished command for this biz"
    # The first one still runs, but nothing keeps others out any more.
    answer = base.switch(name, "1.0.0")
    assert answer.data == {"code": "ILLEGAL_STATE_BIZ",
                           "message": f"Switch Biz: {name}:1.0.0's state must not be resolved."}
    assert base.finished_record(first)["status"] == "SUCCEEDED"


def test_an_uninstall_of_a_starting_module_fails_and_takes_its_classes(base):
    name, first = slow_install(base, ms=3000)
    conflict(base, name)
    assert base.uninstall(name, "1.0.0").message == (
        "Internal Error: java.lang.IllegalArgumentException: "
        "BizState must be ACTIVATED, DEACTIVATED or BROKEN.")
    assert base.modules() == {}
    record = base.finished_record(first)
    assert record["status"] == "FAILED"
    cause = record["throwable"]["cause"]["cause"]
    assert cause["@type"] == "java.lang.NoClassDefFoundError"
    assert f"{name}:1.0.0 : can not load class" in cause["cause"]["message"]
    assert base.modules() == {}


def test_a_command_goes_on_without_its_client(base):
    name = base.unique()
    jar = base.jar(name, Test_Start_Sleep_Ms=500)
    body = (f'{{"bizName":"{name}","bizVersion":"1.0.0","bizUrl":"{jar.as_uri()}"}}').encode()
    with base.connect() as conn:
        conn.sendall(b"POST /installBiz HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % len(body)
                     + body)
        basekit.wait_until(lambda: base.modules().get(f"{name}:1.0.0") == "resolved", "the start")
    basekit.wait_until(lambda: base.modules().get(f"{name}:1.0.0") == "activated", "the module")


def test_a_synchronous_install_blocks_its_event_loop(base):
    name = base.unique()
    jar = base.jar(name, Test_Start_Sleep_Ms=2000)
    install = basekit.Parallel(base.install, jar)
    basekit.wait_until(lambda: base.modules().get(f"{name}:1.0.0") == "resolved", "the start")
    # Enough connections to reach every loop (2 per core) while the install sleeps.
    calls = [basekit.Parallel(base.modules) for _ in range(32)]
    states = [call.result()[f"{name}:1.0.0"] for call in calls]
    assert "activated" in states, "some call waited for the install"
    assert "resolved" in states, "some call did not"
    assert install.result().code == "SUCCESS"


def test_of_parallel_installs_on_one_path_one_wins(base):
    path = base.unique("shared")
    names = [base.unique() for _ in range(3)]
    jars = [base.jar(name, context=path) for name in names]
    answers = [call.result() for call in [basekit.Parallel(base.install, jar) for jar in jars]]
    assert sorted(answer.code for answer in answers) == ["CMD_PROCESS_INTERNAL_ERROR"] * 2 + ["SUCCESS"]
    assert len(base.modules()) == 1
