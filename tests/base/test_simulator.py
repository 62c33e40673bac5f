# SPDX-License-Identifier: Apache-2.0
"""What only the simulator can do: newer and older runtimes, options, faults, many bases."""
import basekit
import pytest


@pytest.fixture(autouse=True)
def only_with_the_simulator(request):
    if request.config.getoption("--bases") == "jvm":
        pytest.skip("--bases jvm")


def one(simulator, *options):
    return simulator(*options).bases[0]


def answers(base):
    try:
        return base.modules() == {}
    except ConnectionRefusedError:
        return False


# -- runtimes --


def test_an_old_runtime_writes_states_in_upper_case(simulator):
    base = one(simulator, "--runtime", "2.1.3")
    base.install(base.jar("m"))
    assert [module["bizState"] for module in base.call("queryAllBiz", {}).data] == ["ACTIVATED"]
    assert "metrics" not in base.health().json["components"]


def test_a_newer_runtime_names_itself_and_fills_the_records(simulator):
    base = one(simulator, "--runtime", "2.1.11")
    answer = base.install(base.jar("m"))
    assert answer.json["baseIdentity"] == base.address
    first, second = answer.data["bizInfos"][0]["bizStateRecords"]
    assert (first["state"], first["reason"], first["message"]) == ("resolved", "Created", "")
    assert (second["state"], second["reason"]) == ("activated", "Started")
    assert second["changeTime"] >= first["changeTime"] > 1.6e12
    assert "baseIdentity" not in base.call("none", {}).json


def batch(base, *jars, **more):
    return base.call("batchInstallBiz", {"bizList": [{"bizUrl": jar.as_uri()} for jar in jars], **more})


def test_batch_install(simulator):
    base = one(simulator, "--runtime", "2.1.11")
    late, early = base.jar("late", priority=200), base.jar("early", priority=50)
    answer = batch(base, late, early)
    assert answer.code == "SUCCESS" and answer.data["message"] == "batch install success"
    assert answer.data["bizUrlToResponse"][late.as_uri()]["bizInfos"][0]["identity"] == "late:1.0.0"
    log = base.operations.read_text()
    assert log.index(" early ") < log.index(" late ")
    assert batch(base).code == "SUCCESS"


def test_batch_install_goes_on_after_a_failure(simulator):
    base = one(simulator, "--runtime", "2.1.11")
    bad, good = base.jar("bad", Test_Fail="main"), base.jar("good")
    answer = batch(base, bad, good)
    assert answer.code == "FAILED" and answer.message == "install biz not success!"
    assert answer.data["bizUrlToResponse"][bad.as_uri()] == {
        "code": "FAILED", "message": "internal exception: null"}
    assert base.modules() == {"good:1.0.0": "activated"}


def test_batch_install_with_a_missing_jar_installs_nothing(simulator):
    base = one(simulator, "--runtime", "2.1.11")
    good, missing = base.jar("good"), base.jar("missing")
    missing.path.unlink()
    answer = batch(base, good, missing)
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert base.modules() == {}
    assert base.call("batchInstallBiz", {}).message == "Internal Error: bizList is null"


def test_an_asynchronous_batch(simulator):
    base = one(simulator, "--runtime", "2.1.11")
    batch(base, base.jar("slow", Test_Start_Sleep_Ms=300), **{"async": True}, requestId="b")
    assert batch(base, base.jar("m")).message == (
        "FAILED:null:null batchInstallBiz conflict, exist unfinished command(batchInstallBiz) for this biz")
    assert base.finished_record("b")["status"] == "SUCCEEDED"


# -- options --


def test_failed_modules_may_stay(simulator):
    base = one(simulator, "--keep-failed")
    bad = base.jar("m", Test_Fail="main")
    base.install(bad)
    assert base.modules() == {"m:1.0.0": "broken"}
    assert base.install(bad).data["code"] == "REPEAT_BIZ"
    assert base.switch("m", "1.0.0").data["message"].endswith("state must not be broken.")
    page = base.health()
    assert page.status == 503
    assert page.json["components"]["baseStartUp"]["details"]["m:1.0.0"] == {"status": "DOWN"}
    assert base.uninstall("m", "1.0.0").code == "SUCCESS"
    assert base.health().status == 200


@pytest.mark.parametrize("option, old, new", [("--activate-new", "deactivated", "activated"),
                                              ("--multi-version", "activated", "activated")])
def test_which_version_is_active(simulator, option, old, new):
    base = one(simulator, option)
    for version in ("1", "2"):
        base.install(base.jar("m", version, f"m{version}"))
    assert base.modules() == {"m:1": old, "m:2": new}


def test_metaspace_runs_out(simulator):
    base = one(simulator, "--metaspace-max", "10000000", "--metaspace-module", "600000")
    assert base.install(base.jar("a")).code == "SUCCESS"
    answer = base.install(base.jar("b"))
    assert answer.message == "Internal Error: java.lang.OutOfMemoryError: Metaspace"
    assert base.modules() == {"a:1.0.0": "activated"}
    jvm = base.call("health", {"type": "system"}).data["healthData"]["jvm"]
    assert jvm["java max metaspace"] == 10000000


def test_documented_names_of_the_health(simulator):
    base = one(simulator, "--health-names", "documented")
    base.install(base.jar("m"))
    parts = base.health().json["components"]
    assert parts["masterBizStartUp"]["status"] == "UP"
    assert parts["arkBizAggregate"]["details"]["m:1.0.0"]["details"]["ping"]["status"] == "UP"


def test_modules_may_show_in_the_start_up(simulator):
    base = one(simulator, "--readiness", "startup", "--loops", "0")
    install = basekit.Parallel(base.install, base.jar("m", Test_Start_Sleep_Ms=500))
    basekit.wait_until(base.modules, "the start")
    assert base.health("/baseStartUp").json["status"] == "UNKNOWN"
    assert base.health("/readiness").status == 200
    install.result()
    assert base.health("/baseStartUp").json["status"] == "UP"


def test_readiness_may_follow_the_modules(simulator):
    base = one(simulator, "--readiness", "modules")
    base.install(base.jar("bad", Test_Fail="main"))
    assert base.health("/readiness").status == 503
    assert base.health().json["status"] == "OUT_OF_SERVICE"
    base.install(base.jar("good"))
    assert base.health("/readiness").status == 200
    base.uninstall("good", "1.0.0")
    assert base.health("/readiness").status == 503


def test_a_base_takes_its_time_to_start(simulator):
    base = one(simulator, "--start-ms", "400")
    page = base.health()
    assert page.status == 503 and base.health("/readiness").status == 503
    assert page.json["components"]["baseStartUp"]["status"] == "UNKNOWN"
    assert base.modules() == {}  # Arklet answers before the base is ready
    basekit.wait_until(lambda: base.health("/readiness").status == 200, "the base")


def test_no_loops_no_waiting(simulator):
    base = one(simulator, "--loops", "0")
    install = basekit.Parallel(base.install, base.jar("m", Test_Start_Sleep_Ms=1000))
    basekit.wait_until(base.modules, "the start")
    calls = [basekit.Parallel(base.modules) for _ in range(16)]
    assert {call.result()["m:1.0.0"] for call in calls} == {"resolved"}
    install.result()


# -- faults --


def raw(base, command="queryAllBiz"):
    return base.exchange(f"POST /{command} HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{{}}".encode())


def test_refused_connections(simulator):
    base = one(simulator)
    base.control("fault", fault="refuse")
    with pytest.raises(ConnectionRefusedError):
        raw(base)
    base.control("clear")
    assert base.modules() == {}


def test_an_answer_that_never_comes(simulator):
    base = one(simulator)
    base.control("fault", fault="hang", command="installBiz")
    with pytest.raises(TimeoutError):
        base.call("installBiz", {"bizUrl": base.jar("m").as_uri()}, timeout_s=0.2)
    assert base.modules() == {}
    assert base.install(base.jar("m")).code == "SUCCESS"


def test_a_lost_answer(simulator):
    base = one(simulator)
    base.control("fault", fault="lost-answer", command="installBiz")
    assert base.install(base.jar("m")).raw == b""
    assert base.modules() == {"m:1.0.0": "activated"}
    assert base.install(base.jar("m")).data["code"] == "REPEAT_BIZ"
    assert base.operations_of("m") == [("install", "1.0.0")]


def test_a_dropped_request(simulator):
    base = one(simulator)
    base.control("fault", fault="drop")
    assert base.install(base.jar("m")).raw == b""
    assert base.modules() == {}


def test_a_slow_answer_is_whole(simulator):
    base = one(simulator)
    base.control("fault", fault="slow", ms=100)
    assert base.call("queryAllBiz", {}).code == "SUCCESS"


def test_an_answer_that_is_no_json(simulator):
    base = one(simulator)
    base.control("fault", fault="wrong-json")
    assert raw(base) == b"HTTP/1.1 200 OK\r\n\r\n<html>no JSON</html>"


def test_half_an_answer(simulator):
    base = one(simulator)
    whole = raw(base, "help")
    base.control("fault", fault="half")
    half = raw(base, "help")
    assert whole.startswith(half) and 40 < len(half) < len(whole) - 40


def test_a_huge_answer(simulator):
    base = one(simulator)
    base.control("fault", fault="huge", bytes=5000000)
    answer = base.call("queryAllBiz", {})
    assert answer.code == "SUCCESS" and len(answer.raw) > 5000000


def test_an_http_error(simulator):
    base = one(simulator)
    base.control("fault", fault="500")
    assert raw(base).startswith(b"HTTP/1.1 500 ")


def test_any_exception(simulator):
    base = one(simulator)
    text = "java.io.IOException: No space left on device"
    base.control("fault", fault="exception", command="installBiz", text=text)
    assert base.install(base.jar("m")).message == f"Internal Error: {text}"
    assert base.modules() == {}


def test_a_fault_meets_as_many_calls_as_told(simulator):
    base = one(simulator)
    base.control("fault", fault="500", command="help", count=2)
    heads = [raw(base, command)[9:12] for command in ("queryAllBiz", "help", "help", "help")]
    assert heads == [b"200", b"500", b"500", b"200"]
    base.control("fault", fault="500", count=-1)
    assert [raw(base)[9:12] for _ in range(3)] == [b"500"] * 3
    base.control("clear")
    assert raw(base)[9:12] == b"200"


def test_an_unknown_fault_is_refused(simulator):
    base = one(simulator)
    page = base.get("/sim/fault", "POST", '{"fault": "lost-anser"}')
    assert page.status == 400 and "lost-answer" in page.json["error"]


@pytest.mark.parametrize("page, status, content_type", [
    ("html", 404, "text/html;charset=utf-8"), ("401", 401, "application/json"),
    ("404", 404, "application/json")])
def test_actuator_faults(simulator, page, status, content_type):
    base = one(simulator)
    base.control("fault", fault="actuator", page=page)
    answer = base.health()
    assert (answer.status, answer.headers["Content-Type"]) == (status, content_type)
    assert base.health().status == 200


def test_a_restart_loses_the_modules(simulator):
    base = one(simulator, "--loops", "2")
    base.install(base.jar("m"))
    running = basekit.Parallel(base.install, base.jar("slow", Test_Start_Sleep_Ms=5000))
    waiting = [basekit.Parallel(base.call, "help") for _ in range(4)]
    basekit.wait_until(lambda: "resolved" in base.get("/sim/state").body, "the start")
    base.control("restart")
    assert running.result().raw == b""
    for call in waiting:
        call.result()
    basekit.wait_until(lambda: answers(base), "the base")
    assert base.operations.read_text().count(" start base ") == 2
    assert base.install(base.jar("m")).code == "SUCCESS"


# -- many bases --


def test_a_base_that_is_down_is_not_healed(simulator):
    sim = simulator(count=2)
    first, second = sim.bases
    first.control("restart", base=second.address, ms=500)
    basekit.wait_until(lambda: not answers(second), "the end of the base")
    first.control("clear", base="*")
    basekit.wait_until(lambda: answers(second), "the base")
    assert second.health().status == 200


def test_a_base_controls_another(simulator):
    sim = simulator(count=3)
    first, second, third = sim.bases
    first.control("restart", base=second.address, ms=-1)
    with pytest.raises(ConnectionRefusedError):
        raw(second)
    assert third.modules() == {}
    first.control("restart", base=second.address)
    basekit.wait_until(lambda: answers(second), "the second base")
    first.control("fault", fault="500", base="*")
    assert [raw(base)[9:12] for base in sim.bases] == [b"500"] * 3


def test_a_thousand_bases(simulator):
    sim = simulator(count=1000)
    jar = sim.bases[0].jar("m")
    for base in sim.bases:
        assert base.install(jar).code == "SUCCESS"
    assert all(base.modules() == {"m:1.0.0": "activated"} for base in sim.bases)
    log = [line.split() for line in sim.operations.read_text().splitlines()]
    assert len({line[0] for line in log if line[1] == "install"}) == 1000
    assert [int(line[4]) for line in log] == list(range(1, 2001))
