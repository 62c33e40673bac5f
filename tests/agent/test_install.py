# SPDX-License-Identifier: Apache-2.0
"""Installing, and what a jar must be."""
import hashlib
import os
import time
import zipfile

import basekit
import pytest


def md5(jar):
    return hashlib.md5(jar.path.read_bytes()).hexdigest()


@pytest.mark.real
@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
def test_install(base, start_agent, jars, scheme, cache):
    agent = start_agent(base, cache=cache)
    jar = base.jar(base.unique())
    url = jars.serve(jar) if scheme == "http" else jar.as_uri()
    operation = agent.install(url, jar.module, jar.version, op=f"install-{jar.module}")
    agent.succeeded(operation)
    assert (operation.id, operation.type) == (f"install-{jar.module}", "install")
    assert (operation.module.name, operation.module.version, operation.module.url) == (
        jar.module, jar.version, url)
    assert operation.digest == jar.sha256
    assert operation.url_passed_through == (not cache)
    assert operation.start_time.ToMilliseconds() <= operation.end_time.ToMilliseconds()
    assert base.modules() == {f"{jar.module}:1.0.0": "activated"}
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


@pytest.mark.real
def test_the_list_tells_path_state_and_digest(base, agent):
    jar = base.jar(base.unique(), context="shop/")
    foreign = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    base.install(foreign)
    modules = agent.modules()
    assert list(modules) == sorted(modules)
    one, other = modules[f"{jar.module}:1.0.0"], modules[f"{foreign.module}:1.0.0"]
    assert (one.state, one.web_context_path, one.digest) == ("activated", "shop", jar.sha256)
    assert (other.state, other.web_context_path, other.digest) == ("activated", foreign.module, "")


@pytest.mark.lines
def test_two_versions_beside_each_other(base, agent):
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    agent.succeeded(agent.install(base.jar(name, "2.0.0", context=f"{name}-2")))
    assert {key: module.state for key, module in agent.modules().items()} == {
        f"{name}:1.0.0": "activated", f"{name}:2.0.0": "deactivated"}


def test_metaspace_and_time_are_told(base, agent):
    operation = agent.install(base.jar(base.unique(), Test_Start_Sleep_Ms=300))
    assert agent.succeeded(operation).metaspace_bytes == 600000
    assert operation.execution_time.ToMilliseconds() >= 250  # clocks are read in between


def test_arguments_reach_arklet(base, agent):
    agent.succeeded(agent.install(base.jar(base.unique()), args=["--server.port=18082", "x"]))


# -- what a jar must be --


@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
@pytest.mark.parametrize("name, version", [("another", "1.0.0"), (None, "9.9")])
def test_the_manifest_must_name_what_is_wanted(base, start_agent, name, version, cache):
    agent = start_agent(base, cache=cache)
    jar = base.jar(base.unique())
    operation = agent.install(jar.as_uri(), name or jar.module, version)
    error = agent.failed(operation, "ModuleController.InvalidParameter", "IDENTITY_MISMATCH")
    assert error.message == (f"{jar.as_uri()}: its manifest names {jar.module} 1.0.0, "
                             f"not {name or jar.module} {version}")
    assert not error.retryable
    assert base.modules() == {} and base.operations_of(jar.module) == []


@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
def test_right_digests(base, start_agent, cache):
    agent = start_agent(base, cache=cache)
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar, digests={"md5": md5(jar), "sha256": jar.sha256}))


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
@pytest.mark.parametrize("algorithm, digits", [("md5", 32), ("sha256", 64)])
def test_wrong_digests(base, start_agent, jars, algorithm, digits, cache, scheme):
    agent = start_agent(base, cache=cache)
    jar = base.jar(base.unique())
    url = jars.serve(jar) if scheme == "http" else jar.as_uri()
    operation = agent.install(url, jar.module, jar.version, digests={algorithm: "0" * digits})
    error = agent.failed(operation, "Arklet.PullBizError", "DIGEST_MISMATCH")
    assert error.message.startswith(f"{url}: {algorithm} is ") and "0" * digits in error.message
    assert base.operations_of(jar.module) == []


@pytest.mark.parametrize("content", [b"", b"<html>not here</html>", b"PK\x03\x04"])
def test_what_is_no_zip(base, agent, jars, content):
    (jars.folder / "x.jar").write_bytes(content)
    agent.failed(agent.install(jars.url("x.jar"), "m", "1"), "Arklet.PullBizError", "NOT_A_MODULE")
    assert base.modules() == {}


def test_a_zip_that_is_no_module(base, agent, tmp_path):
    path = tmp_path / "plain.jar"
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    operation = agent.install(path.as_uri(), "m", "1")
    error = agent.failed(operation, "Arklet.PullBizError", "NOT_A_MODULE")
    assert "Ark-Biz-Name" in error.message and not error.retryable


@pytest.mark.parametrize("url", ["ftp://host/x.jar", "oci://host/x", "/opt/x.jar", "file://opt/x.jar"])
def test_urls_of_other_kinds(agent, url):
    request = agent.install_request(url, "m", "1")
    try:
        operation = agent.stub.InstallModule(request, timeout=60).operation
    except Exception as error:  # refused as a field, which is as good
        assert "module.url" in str(error)
        return
    agent.failed(operation, "OtherUpstream.DecodeURLFailed", "URL_INVALID")


def test_a_file_that_is_not_there(agent, tmp_path):
    operation = agent.install((tmp_path / "none.jar").as_uri(), "m", "1")
    error = agent.failed(operation, "Arklet.PullBizError", "JAR_UNAVAILABLE")
    assert "No such file" in error.message


def test_an_encoded_path(base, agent, tmp_path):
    jar = base.jar(base.unique())
    odd = tmp_path / "a b%c" / "mödule.jar"
    odd.parent.mkdir()
    odd.write_bytes(jar.path.read_bytes())
    agent.succeeded(agent.install(odd.as_uri(), jar.module, jar.version))


# -- modules that do not start --


@pytest.mark.real
@pytest.mark.parametrize("stage", ["main", "bean"])
def test_a_module_that_fails_to_start(base, agent, stage):
    jar = base.jar(base.unique(), Test_Fail=stage)
    error = agent.failed(agent.install(jar), "User.InstallBizUserError", "MODULE_START_FAILED")
    assert error.message == f"java.lang.IllegalStateException: asked to fail: {jar.module}:1.0.0"
    assert not error.restored
    assert base.modules() == {}


def test_a_broken_module_is_replaced(new_base, start_agent):
    base = new_base("--keep-failed")
    agent = start_agent(base)
    name = base.unique()
    agent.failed(agent.install(base.jar(name, Test_Fail="main")), "User.InstallBizUserError",
                 "MODULE_START_FAILED")
    assert agent.modules()[f"{name}:1.0.0"].state == "broken"
    agent.succeeded(agent.install(base.jar(name)))
    assert agent.modules()[f"{name}:1.0.0"].state == "activated"
    assert base.operations_of(name) == [("install-failed", "1.0.0"), ("uninstall", "1.0.0"),
                                        ("install", "1.0.0")]


def test_metaspace_is_full(new_base, start_agent):
    """The JVM says so; the agent was told not to look."""
    base = new_base("--metaspace-max", "1000")
    agent = start_agent(base, "--metaspace-limit", "0")
    error = agent.failed(agent.install(base.jar(base.unique())), "User.MetaspaceFull", "METASPACE_FULL")
    assert "Metaspace" in error.message and not error.retryable


@pytest.mark.real
def test_a_web_path_in_use(base, agent):
    first, second = base.unique(), base.unique()
    agent.succeeded(agent.install(base.jar(first, context="/shop/")))
    error = agent.failed(agent.install(base.jar(second, context="shop")),
                         "Arklet.InstallationRequirementNotMet", "WEB_PATH_IN_USE")
    assert error.message == f"web context path /shop is served by {first} 1.0.0"
    assert base.operations_of(second) == [], "nothing was tried"
    assert base.modules() == {f"{first}:1.0.0": "activated"}


# -- the cache --


def cached(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").iterdir()
                  if not path.name.startswith(("modules.json", "operations.journal")))


def test_a_jar_is_fetched_once(base, agent, jars, tmp_path):
    jar = base.jar(base.unique())
    url, digests = jars.serve(jar), {"sha256": jar.sha256}
    agent.succeeded(agent.install(url, jar.module, jar.version, digests=digests))
    agent.succeeded(agent.uninstall(jar))
    agent.succeeded(agent.install(url, jar.module, jar.version, digests=digests))
    assert len(jars.requests) == 1
    assert cached(tmp_path) == [jar.sha256 + ".jar"]


def test_without_a_digest_it_is_fetched_again(base, agent, jars):
    jar = base.jar(base.unique())
    url = jars.serve(jar)
    agent.succeeded(agent.install(url, jar.module, jar.version))
    agent.succeeded(agent.uninstall(jar))
    agent.succeeded(agent.install(url, jar.module, jar.version))
    assert len(jars.requests) == 2


def test_a_damaged_file_of_the_cache_is_fetched_again(base, agent, jars, tmp_path):
    jar = base.jar(base.unique())
    url, digests = jars.serve(jar), {"sha256": jar.sha256}
    agent.succeeded(agent.install(url, jar.module, jar.version, digests=digests))
    agent.succeeded(agent.uninstall(jar))
    (tmp_path / "cache" / cached(tmp_path)[0]).write_bytes(b"PK")
    agent.succeeded(agent.install(url, jar.module, jar.version, digests=digests))
    assert len(jars.requests) == 2
    assert (tmp_path / "cache" / cached(tmp_path)[0]).read_bytes() == jar.path.read_bytes()


def test_the_cache_is_bounded(base, agent, tmp_path):
    """LIMIT_CACHED_JARS; those used last stay."""
    jars = [base.jar(f"c{i}") for i in range(66)]
    for jar in jars:
        agent.succeeded(agent.prefetch(jar))
    names = cached(tmp_path)
    assert len(names) == 64
    assert jars[-1].sha256 + ".jar" in names and jars[0].sha256 + ".jar" not in names


def test_the_jar_of_a_module_stays_in_the_cache(base, agent, tmp_path):
    """It may have to come back."""
    installed = base.jar(base.unique())
    agent.succeeded(agent.install(installed))
    for i in range(66):
        agent.succeeded(agent.prefetch(base.jar(f"c{i}")))
    assert installed.sha256 + ".jar" in cached(tmp_path)
    agent.succeeded(agent.uninstall(installed))
    agent.succeeded(agent.prefetch(base.jar("last")))
    assert installed.sha256 + ".jar" not in cached(tmp_path)


def test_failed_jars_leave_nothing(base, agent, jars, tmp_path):
    jar = base.jar(base.unique())
    agent.install(jars.serve(jar), jar.module, jar.version, digests={"md5": "0" * 32})
    agent.install(jar, digests={"md5": "0" * 32})
    agent.install(jars.url("none.jar"), "m", "1")
    assert cached(tmp_path) == []
    assert jar.path.exists(), "a local file is not ours"


def test_parts_of_a_killed_agent_are_removed(base, start_agent, tmp_path):
    (tmp_path / "cache").mkdir()
    old, young = (tmp_path / "cache" / f"{i}123456789abcdef.part" for i in range(2))
    for part in (old, young):
        part.write_bytes(b"half")
    day_ago = time.time() - 86401
    os.utime(old, (day_ago, day_ago))
    start_agent(base)
    assert cached(tmp_path) == [young.name], "another agent may be writing to it"


def test_without_a_cache_nothing_is_left_on_disk(base, start_agent, jars, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "private"))
    (tmp_path / "private").mkdir()
    agent = start_agent(base, cache=False)
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jars.serve(jar), jar.module, jar.version))
    private, = (tmp_path / "private").iterdir()
    assert list(private.iterdir()) == []
    assert agent.stop() == 0
    assert list((tmp_path / "private").iterdir()) == []


def install_changing(base, agent, jars):
    """A url whose jar changes between check and install; the Operation and the jar that the base got."""
    jar, other = base.jar(base.unique()), base.jar(base.unique())
    url = jars.serve(jar, "x.jar")
    jars.hold.clear()
    call = basekit.Parallel(agent.install, url, jar.module, jar.version)
    basekit.wait_until(lambda: jars.held, "the agent's download")
    jars.serve(other, "x.jar")
    jars.hold.set()
    return call.result(), other


def test_a_url_that_changes_between_check_and_install(base, start_agent, jars):
    """Passed through, the base fetches it itself: what it got is removed again."""
    agent = start_agent(base, cache=False)
    operation, other = install_changing(base, agent, jars)
    error = agent.failed(operation, "ModuleController.InvalidParameter", "IDENTITY_MISMATCH")
    assert f"the base got {other.module}:1.0.0 from it" in error.message
    assert base.modules() == {}
    assert base.operations_of(other.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")]


def test_what_the_url_gave_can_not_be_removed(base, start_agent, jars):
    agent = start_agent(base, cache=False)
    base.control("fault", fault="exception", command="uninstallBiz", count=1,
                 text="java.lang.IllegalStateException")
    operation, other = install_changing(base, agent, jars)
    error = agent.failed(operation, "ModuleController.InvalidParameter", "IDENTITY_MISMATCH")
    assert f"the base got {other.module}:1.0.0 from it; it may still be there" in error.message
    assert list(base.modules()) == [f"{other.module}:1.0.0"]
