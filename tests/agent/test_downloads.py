# SPDX-License-Identifier: Apache-2.0
"""Fetching jars over HTTP."""
import socket

import basekit
import pytest


@pytest.fixture
def jar(base):
    """Big enough to come in pieces."""
    return base.jar(base.unique(), X_Padding="".join(f"{i:x}." for i in range(40000)))


def fetch(agent, jar, url):
    return agent.install(url, jar.module, jar.version)


def test_a_download_goes_on_where_it_stopped(agent, jars, jar):
    url = jars.serve(jar)
    path = "/" + jar.path.name
    jars.cut[path] = [5000]
    agent.succeeded(fetch(agent, jar, url))
    assert jars.requests == [(path, None), (path, "bytes=5000-")]


def test_a_server_that_knows_no_ranges(agent, jars, jar):
    url = jars.serve(jar)
    path = "/" + jar.path.name
    jars.cut[path] = [5000]
    jars.ignore_ranges = True
    agent.succeeded(fetch(agent, jar, url))
    assert jars.requests == [(path, None), (path, "bytes=5000-"), (path, None)]


def test_a_download_that_breaks_off_twice_begins_anew(agent, jars, jar):
    url = jars.serve(jar)
    path = "/" + jar.path.name
    jars.cut[path] = [5000, 1000]
    agent.succeeded(fetch(agent, jar, url))
    assert jars.requests == [(path, None), (path, "bytes=5000-"), (path, None)]


def test_a_download_that_always_breaks_off(base, agent, jars, jar):
    url = jars.serve(jar)
    jars.cut["/" + jar.path.name] = [5000] * 10
    error = agent.failed(fetch(agent, jar, url), "Arklet.PullBizError", "JAR_UNAVAILABLE")
    assert error.retryable and error.message.startswith(url + ": ")
    assert len(jars.requests) == 3
    assert base.modules() == {}


@pytest.mark.parametrize("status, requests", [(404, 1), (403, 1), (500, 3), (503, 3)])
def test_refusals(base, agent, jars, jar, status, requests):
    url = jars.serve(jar)
    jars.status["/" + jar.path.name] = status
    error = agent.failed(fetch(agent, jar, url), "Arklet.PullBizError", "JAR_UNAVAILABLE")
    assert error.message == f"{url}: HTTP status {status}" and error.retryable
    assert len(jars.requests) == requests
    assert base.operations_of(jar.module) == []


def test_nobody_listens(base, agent, jar):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x.jar"
        error = agent.failed(fetch(agent, jar, url), "Arklet.PullBizError", "JAR_UNAVAILABLE")
    assert error.message.startswith(url + ": ") and error.retryable


def test_no_such_host(agent, jar):
    agent.failed(fetch(agent, jar, "http://no-such-host.invalid/x.jar"), "Arklet.PullBizError",
                 "JAR_UNAVAILABLE")


def test_a_download_that_takes_too_long(base, start_agent, jars, jar):
    agent = start_agent(base, "--download-timeout", "200ms")
    url = jars.serve(jar)
    jars.hold.clear()
    error = agent.failed(fetch(agent, jar, url), "Arklet.PullBizTimeOut", "JAR_UNAVAILABLE")
    assert error.retryable


def test_redirects(agent, jars, jar):
    jars.redirects["/old.jar"] = jars.serve(jar)
    agent.succeeded(fetch(agent, jar, jars.url("old.jar")))
    jars.redirects["/loop.jar"] = jars.url("loop.jar")
    agent.failed(fetch(agent, jar, jars.url("loop.jar")), "Arklet.PullBizError", "JAR_UNAVAILABLE")


def test_states_on_the_way(base, agent, jars, jar):
    url = jars.serve(jar)
    jars.hold.clear()
    request = agent.install_request(url, jar.module, jar.version)
    call = basekit.Parallel(agent.stub.InstallModule, request, timeout=60)
    basekit.wait_until(lambda: jars.held, "the download")
    assert agent.state(agent.operation(request.operation_id)) == "DOWNLOADING"
    assert agent.base_status() == "UP"
    jars.hold.set()
    agent.succeeded(call.result().operation)


def test_downloads_run_side_by_side(base, agent, jars):
    both = [base.jar(base.unique()) for _ in range(2)]
    jars.hold.clear()
    calls = [basekit.Parallel(agent.install, jars.serve(one), one.module, one.version) for one in both]
    basekit.wait_until(lambda: len(jars.held) == 2, "both downloads")
    jars.hold.set()
    for call in calls:
        agent.succeeded(call.result())


def test_credentials(base, start_agent, jars, jar, tmp_path):
    """From a netrc file, and sent to the host that it names only."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    agent = start_agent(base, "--netrc", str(netrc))
    agent.succeeded(fetch(agent, jar, jars.serve(jar)))
    assert jars.authorizations == ["Basic bWU6c2VjcmV0"]
    assert "secret" not in agent.log.read_text()


@pytest.mark.parametrize("wrong", ["status", "digest", "module"])
def test_what_a_url_holds_of_credentials_is_not_told(agent, jars, jar, wrong):
    url = jars.serve(jar)
    if wrong == "status":
        jars.status["/" + jar.path.name] = 404
    secret = url.replace("://", "://user:p@ss-word@")
    name = "other" if wrong == "module" else jar.module
    operation = agent.install(secret, name, jar.version, digests={"md5": "0" * 32} if wrong == "digest" else None)
    assert operation.error.message.startswith(url + ": ")
    (said,) = [event for event in agent.events() if event["msg"] == "operation failed"]
    assert said["error"] == operation.error.message
