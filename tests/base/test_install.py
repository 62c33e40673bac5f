# SPDX-License-Identifier: Apache-2.0
"""Installing and uninstalling one module."""
import http.server
import pathlib
import threading

import pytest


def test_install_answers_with_the_module(base):
    name = base.unique()
    answer = base.install(base.jar(name))
    assert answer.code == "SUCCESS" and "message" not in answer.json
    data = answer.data
    assert data["code"] == "SUCCESS"
    assert data["message"].startswith(f"Install Biz: {name}:1.0.0 success, cost: ")
    assert isinstance(data["elapsedSpace"], int)
    info, = data["bizInfos"]
    assert info["identity"] == f"{name}:1.0.0"
    assert info["bizState"] == "activated"
    assert info["webContextPath"] == name
    assert info["mainClass"] == "io.koupleless.testmodule.ModuleApplication"
    assert info["priority"] == 100
    assert info["bizStateRecords"] == [{}, {}]
    assert info["bizUrl"].startswith("file:") and info["bizUrl"].endswith("-unpack/")


def test_installed_modules_are_listed_without_the_master(base):
    name = base.unique()
    base.install(base.jar(name))
    answer = base.call("queryAllBiz", {})
    assert answer.data == [{
        "bizName": name, "bizState": "activated", "bizStateRecords": [{}, {}],
        "bizVersion": "1.0.0", "mainClass": "io.koupleless.testmodule.ModuleApplication",
        "webContextPath": name}]


def test_modules_are_listed_by_priority(base):
    late, early = base.unique("late"), base.unique("early")
    base.install(base.jar(late, Test_Spring="false", priority=200))
    base.install(base.jar(early, Test_Spring="false", priority=50))
    assert list(base.modules()) == [f"{early}:1.0.0", f"{late}:1.0.0"]


def test_the_manifest_alone_says_who_a_module_is(base):
    name = base.unique()
    answer = base.install(base.jar(name, "2.0.0"), name="another", version="9.9")
    assert answer.data["bizInfos"][0]["identity"] == f"{name}:2.0.0"
    assert base.modules() == {f"{name}:2.0.0": "activated"}


def test_install_without_name_and_version(base):
    name = base.unique()
    answer = base.call("installBiz", {"bizUrl": base.jar(name).as_uri()})
    assert answer.data["bizInfos"][0]["identity"] == f"{name}:1.0.0"


def test_a_second_install_of_one_identity_is_refused(base):
    name = base.unique()
    jar = base.jar(name)
    base.install(jar)
    answer = base.install(jar)
    assert answer.json == {
        "code": "FAILED", "message": "install biz not success!",
        "data": {"code": "REPEAT_BIZ", "elapsedSpace": 0,
                 "message": f"Biz: {name}:1.0.0 has been installed or registered."}}
    assert base.operations_of(name) == [("install", "1.0.0")]


def test_uninstall(base):
    name = base.unique()
    base.install(base.jar(name))
    answer = base.uninstall(name, "1.0.0")
    assert answer.json == {"code": "SUCCESS", "data": {
        "code": "SUCCESS", "message": f"Uninstall biz: {name}:1.0.0 success."}}
    assert base.modules() == {}
    assert base.operations_of(name) == [("install", "1.0.0"), ("uninstall", "1.0.0")]


def test_uninstall_of_what_is_not_there(base):
    answer = base.uninstall("nobody", "1.0.0")
    assert answer.json == {
        "code": "FAILED", "message": "uninstall biz not success!",
        "data": {"code": "NOT_FOUND_BIZ", "message": "Uninstall biz: nobody:1.0.0 not found."}}


@pytest.mark.parametrize("version", ["1.0.0", "7"])
def test_the_master_stays(base, version):
    answer = base.uninstall("base", version)
    assert answer.code == "FAILED"
    assert answer.data == {"code": "FAILED", "message": "Master biz must not be uninstalled."}


def test_install_again_after_uninstall(base):
    name = base.unique()
    jar = base.jar(name)
    for _ in range(2):
        assert base.install(jar).code == "SUCCESS"
        assert base.uninstall(name, "1.0.0").code == "SUCCESS"
    assert [op for op, _ in base.operations_of(name)] == ["install", "uninstall"] * 2


def test_a_module_without_spring_is_removed_with_an_error(base):
    name = base.unique()
    assert base.install(base.jar(name, Test_Spring="false")).code == "SUCCESS"
    answer = base.uninstall(name, "1.0.0")
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert 'because "this.applicationContext" is null' in answer.message
    assert base.modules() == {}


# -- failing modules --


@pytest.mark.parametrize("stage", ["main", "bean"])
def test_a_module_that_fails_to_start(base, stage):
    name = base.unique()
    answer = base.install(base.jar(name, Test_Fail=stage))
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert answer.data is None
    assert answer.message == "Internal Error: java.lang.reflect.InvocationTargetException"
    assert answer.last_cause() == (
        f"Caused by: java.lang.IllegalStateException: asked to fail: {name}:1.0.0")
    assert base.modules() == {}
    assert base.operations_of(name) == [("install-failed", "1.0.0"), ("uninstall", "1.0.0")]


def test_a_failed_module_may_be_installed_again(base):
    name = base.unique()
    base.install(base.jar(name, Test_Fail="main"))
    assert base.install(base.jar(name)).code == "SUCCESS"


# -- input --


@pytest.mark.parametrize("command, body, text", [
    ("installBiz", {}, "bizUrl should not be blank"),
    ("installBiz", {"bizUrl": " "}, "bizUrl should not be blank"),
    ("installBiz", {"bizUrl": "file:///x", "bizName": "a"},
     "bizName and bizVersion should be both blank or both not blank."),
    ("installBiz", {"bizUrl": "file:///x", "bizVersion": "a"},
     "bizName and bizVersion should be both blank or both not blank."),
    ("installBiz", {"bizUrl": "file:///x", "bizName": "a", "bizVersion": "1", "async": True},
     "requestId should not be blank when async is true"),
    ("installBiz", {"bizUrl": "file:///x.jar"},
     "refresh biz info from jar failed: /x.jar (No such file or directory)"),
    ("uninstallBiz", {"bizName": "a"}, "bizVersion should not be blank"),
    ("uninstallBiz", {"bizVersion": "a"}, "bizName should not be blank"),
    ("uninstallBiz", {"bizName": "  ", "bizVersion": "a"}, "bizName should not be blank"),
    ("switchBiz", {"bizVersion": "a"}, "bizName should not be blank"),
    ("switchBiz", {"bizName": "a", "bizVersion": ""}, "bizVersion should not be blank"),
])
def test_refused_input(base, command, body, text):
    answer = base.call(command, body)
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert answer.message == f"Internal Error: {text}"
    assert answer.json["errorStackTrace"].split("\n")[0].endswith(
        f"CommandValidationException: {text}")


@pytest.mark.parametrize("command", ["installBiz", "uninstallBiz", "switchBiz"])
def test_an_empty_body_where_input_is_needed(base, command):
    answer = base.call(command)
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert 'because "input" is null' in answer.message


# -- urls --


def url_error(base, url):
    answer = base.install(url, name=base.unique(), version="1.0.0")
    assert answer.code == "CMD_PROCESS_INTERNAL_ERROR"
    assert base.modules() == {}
    return answer.message.removeprefix("Internal Error: ")


@pytest.mark.parametrize("url, text", [
    ("/opt/x.jar", "java.net.MalformedURLException: no protocol: /opt/x.jar"),
    ("oci://host/x", "java.net.MalformedURLException: unknown protocol: oci"),
    ("file:///opt/none.jar", "java.io.FileNotFoundException: /opt/none.jar (No such file or directory)"),
    ("file://opt/x.jar", "java.net.UnknownHostException: opt"),
    ("http://127.0.0.1:9/x.jar", "java.net.ConnectException: Connection refused"),
])
def test_urls_that_lead_nowhere(base, url, text):
    assert url_error(base, url) == text


def test_a_jar_that_is_no_zip(base, tmp_path):
    (tmp_path / "x.jar").write_text("no zip at all\n" * 100)
    assert url_error(base, (tmp_path / "x.jar").as_uri()) == (
        "java.util.zip.ZipException: zip END header not found")


def test_a_jar_that_is_cut_short(base, tmp_path):
    whole = base.jar(base.unique()).path.read_bytes()
    (tmp_path / "x.jar").write_bytes(whole[: len(whole) // 2])
    assert url_error(base, (tmp_path / "x.jar").as_uri()) == (
        "java.util.zip.ZipException: zip END header not found")


def test_a_jar_that_is_no_module(base):
    assert url_error(base, base.jar("", "1.0.0", "x").as_uri()) == (
        "java.lang.IllegalArgumentException: Biz Name must not be empty!")


@pytest.fixture
def web_server(tmp_path):
    """Serves tmp_path; /status/N answers with that status."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def do_GET(self):
            if self.path.startswith("/status/"):
                self.send_error(int(pathlib.PurePath(self.path).name))
            else:
                super().do_GET()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_install_over_http(base, web_server, tmp_path):
    name = base.unique()
    (tmp_path / "m.jar").write_bytes(base.jar(name).path.read_bytes())
    answer = base.install(f"{web_server}/m.jar", name=name, version="1.0.0")
    assert answer.code == "SUCCESS"
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_http_errors(base, web_server):
    assert url_error(base, f"{web_server}/none.jar") == (
        f"java.io.FileNotFoundException: {web_server}/none.jar")
    assert url_error(base, f"{web_server}/status/503") == (
        f"java.io.IOException: Server returned HTTP response code: 503 for URL: {web_server}/status/503")
