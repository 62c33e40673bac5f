# SPDX-License-Identifier: Apache-2.0
"""Jars that must not reach a base, ways to get one, the size of the cache, and disks that are full or can't be written."""
import hashlib
import os
import pathlib
import struct
import subprocess
import zipfile

import basekit
import jarserver
import kubecerts
import pytest

MANIFEST = "Manifest-Version: 1.0\nArk-Biz-Name: {name}\nArk-Biz-Version: {version}\n"


class Made:
    """A jar made here, of about @size bytes that can't be packed; as basekit.Jar."""

    def __init__(self, folder, module, version="1.0.0", size=0, entries=()):
        self.path, self.module, self.version = folder / f"{module}-{version}.jar", module, version
        with zipfile.ZipFile(self.path, "w") as jar:
            jar.writestr("META-INF/MANIFEST.MF", MANIFEST.format(name=module, version=version))
            jar.writestr("BOOT-INF/lib/", b"")
            jar.writestr("BOOT-INF/lib/big.jar", os.urandom(size))
            for info, content in entries:
                jar.writestr(info, content)

    @property
    def sha256(self):
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def as_uri(self):
        return self.path.as_uri()


def prefetch(agent, jar, url=None, **digests):
    return agent.prefetch(url or jar.as_uri(), jar.module, jar.version, **digests)


RECORDS = {"modules.json", "operations.journal"}  # beside the jars


def cached(tmp_path):
    return {path.name.removesuffix(".jar") for path in (tmp_path / "cache").iterdir() if path.name not in RECORDS}


# -- what is in a jar --


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def change(jar, old, new, at_most=1):
    """In the bytes of the jar: the directory comes last."""
    content = jar.path.read_bytes()
    assert old in content
    jar.path.write_bytes(content.replace(old, new, at_most))


def grow(jar):
    """Says of its last entry that it unpacks to 2 GiB."""
    content = bytearray(jar.path.read_bytes())
    for record, field in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        struct.pack_into("<I", content, content.rindex(record) + field, 2 << 30)
    jar.path.write_bytes(content)


DEFLATED = zipfile.ZipInfo("zeros")
DEFLATED.compress_type = zipfile.ZIP_DEFLATED
BAD = {
    "slip": (["../../etc/cron.d/x"], None, 'its entry "../../etc/cron.d/x" leads out of the folder'),
    "absolute": (["/etc/x"], None, 'its entry "/etc/x" leads out of the folder'),
    "backslash": (["..x\\y"], None, 'its entry "..x\\y" has a character'),
    "link": ([link("etc")], None, 'its entry "etc" is a link'),
    "manifests": (["meta-inf/MANIFEST.MF"], None, 'its entry "meta-inf/MANIFEST.MF" is there twice'),
    "other name": (["harmless"], lambda jar: change(jar, b"harmless", b"../slips"), "has another name where"),
    "bomb": ([DEFLATED], grow, 'its entry "zeros" makes it unpack to 200 times its size'),
}


@pytest.mark.parametrize("case", BAD)
def test_what_a_base_must_not_get(base, agent, tmp_path, case):
    entries, spoil, why = BAD[case]
    jar = Made(tmp_path, base.unique(), entries=[(entry, b"x" * 1000) for entry in entries])
    if spoil:
        spoil(jar)
    error = agent.failed(agent.install(jar), "Arklet.PullBizError", "NOT_A_MODULE")
    assert why in error.message and not error.retryable
    assert base.modules() == {} and base.operations_of(jar.module) == []


def test_an_ordinary_jar(agent, tmp_path):
    """Stored jars inside, folders, an entry whose sizes stand behind its bytes, a script in front, a comment."""
    jar = Made(tmp_path, "plain", size=300000)
    with zipfile.ZipFile(jar.path, "a") as more:
        more.comment = b"made by hand"
        with more.open(zipfile.ZipInfo("BOOT-INF/classes/"), "w"):
            pass
    jar.path.write_bytes(b"#!/bin/sh\nexec java -jar $0\n" + jar.path.read_bytes())
    agent.succeeded(prefetch(agent, jar))


# -- ways to get one --


def test_a_server_that_is_busy(agent, jars, tmp_path):
    jar = Made(tmp_path, "m")
    url = jars.serve(jar)
    jars.busy["/" + jar.path.name] = [(503, {"Retry-After": "0"}), (429, {"Retry-After": "0"})]
    agent.succeeded(prefetch(agent, jar, url))
    assert len(jars.requests) == 3


def test_more_is_announced_than_comes(agent, jars, tmp_path):
    jar = Made(tmp_path, "m", size=100000)
    url = jars.serve(jar)
    jars.longer["/" + jar.path.name] = 10
    error = agent.failed(prefetch(agent, jar, url), "Arklet.PullBizError", "JAR_UNAVAILABLE")
    assert error.message.startswith(url + ": ")


@pytest.mark.parametrize("reason", ["NOT_A_MODULE", "DIGEST_MISMATCH"])
def test_less_is_announced_than_comes(agent, jars, tmp_path, reason):
    jar = Made(tmp_path, "m", size=100000)
    url = jars.serve(jar)
    jars.longer["/" + jar.path.name] = -10
    digests = {"sha256": jar.sha256} if reason == "DIGEST_MISMATCH" else {}
    agent.failed(prefetch(agent, jar, url, **digests), "Arklet.PullBizError", reason)


def test_a_server_that_drips(base, start_agent, jars, tmp_path):
    agent = start_agent(base, "--download-timeout", "400ms")
    jar = Made(tmp_path, "m", size=100000)
    url = jars.serve(jar)
    jars.drip.add("/" + jar.path.name)
    agent.failed(prefetch(agent, jar, url), "Arklet.PullBizTimeOut", "JAR_UNAVAILABLE")


def test_no_redirect_leads_to_a_file(agent, jars, tmp_path):
    jar = Made(tmp_path, "m")
    jars.redirects["/x.jar"] = jar.as_uri()
    agent.failed(prefetch(agent, jar, jars.url("x.jar")), "OtherUpstream.DecodeURLFailed", "URL_INVALID")


def test_a_proxy(base, start_agent, jars, tmp_path):
    jar = Made(tmp_path, "m")
    jars.serve(jar)
    agent = start_agent(base, env={"http_proxy": f"http://{jars.address}", "no_proxy": "127.0.0.1"})
    url = f"http://jars.invalid/{jar.path.name}"
    agent.succeeded(prefetch(agent, jar, url))
    agent.succeeded(prefetch(agent, jar, jars.url(jar.path.name)))
    assert [path for path, _ in jars.requests] == [url, "/" + jar.path.name]


def test_credentials_stay_with_their_host(base, start_agent, jars, tmp_path):
    """A redirect leads to a host that the netrc file does not name."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password secret\n")
    agent = start_agent(base, "--netrc", str(netrc))
    jar = Made(tmp_path, "m")
    jars.redirects["/x.jar"] = jars.serve(jar)
    agent.succeeded(prefetch(agent, jar, jars.url("x.jar").replace("127.0.0.1", "localhost")))
    assert jars.authorizations == ["Basic bWU6c2VjcmV0", None]


def test_https(base, start_agent, tmp_path):
    """With the repository's own authority; without it the certificate is nobody's."""
    kubecerts.make(tmp_path, "127.0.0.1")
    jar = Made(tmp_path, "m")
    certificate = [str(tmp_path / f"server.{kind}") for kind in ("crt", "key")]
    with jarserver.JarServer(tmp_path / "served", certificate) as jars:
        url = jars.serve(jar)
        agent = start_agent(base)
        error = agent_error(agent, jar, url)
        assert "certificate" in error.message and jars.requests == []
        agent.stop()
        agent = start_agent(base, "--download-ca", str(tmp_path / "ca.crt"))
        agent.succeeded(prefetch(agent, jar, url))


def agent_error(agent, jar, url):
    return agent.failed(prefetch(agent, jar, url), "Arklet.PullBizError", "JAR_UNAVAILABLE")


def test_the_jar_changes_between_two_bases(new_base, start_agent, jars, tmp_path):
    """With a digest the second one refuses it; without, it says that it is another one."""
    first, second = start_agent(new_base()), start_agent(new_base())
    jar = Made(tmp_path, "m")
    url, digest = jars.serve(jar), jar.sha256
    agent_digest = first.succeeded(prefetch(first, jar, url)).digest
    jars.serve(Made(tmp_path, "m", size=10))
    other = second.succeeded(prefetch(second, jar, url)).digest
    assert agent_digest == digest != other == jar.sha256
    (tmp_path / "cache" / f"{digest}.jar").unlink()
    error = second.failed(prefetch(second, jar, url, sha256=digest), "Arklet.PullBizError", "DIGEST_MISMATCH")
    assert error.message == f"{url}: sha256 is {other}, not {digest}"


# -- one download for all --


def test_the_same_is_fetched_once(base, agent, jars, tmp_path):
    """Whoever asks for it while it is on its way gets that; a prefetch holds up nobody."""
    old, jar = base.jar(base.unique()), Made(tmp_path, "m", size=100000)
    url, digest = jars.serve(jar), {"sha256": jar.sha256}
    agent.succeeded(agent.install(old))
    jars.hold.clear()
    calls = [basekit.Parallel(prefetch, agent, jar, url, **digest)]
    basekit.wait_until(lambda: jars.held, "the download")
    same = agent.prefetch_request(url, jar.module, jar.version, digests=digest)
    other = agent.prefetch_request(url, jar.module, "another", digests=digest)
    install = agent.install_request(url, jar.module, jar.version, digests=digest)
    calls += [basekit.Parallel(getattr(agent.stub, method), request, timeout=60) for method, request in (
        ("PrefetchModule", same), ("PrefetchModule", other), ("InstallModule", install))]
    for request in (same, other, install):
        basekit.wait_until(lambda id=request.operation_id: agent.knows(id) == "DOWNLOADING", "all of them")
    queued = agent.prefetch_request(url, old.module, digests=digest, version="2")
    calls.append(basekit.Parallel(agent.stub.PrefetchModule, queued, timeout=60))
    basekit.wait_until(lambda: agent.knows(queued.operation_id), "the prefetch of the next version")
    agent.succeeded(agent.uninstall(old))
    jars.hold.set()
    results = [getattr(call.result(), "operation", call.result()) for call in calls]
    assert [result.error.reason for result in results] == ["", "", "IDENTITY_MISMATCH", "", "IDENTITY_MISMATCH"]
    assert len(jars.requests) == 1
    assert base.modules() == {"m:1.0.0": "activated"}


# -- the size of the cache --


def test_the_cache_has_a_size(base, start_agent, tmp_path):
    """Those used last stay, and those of modules on the base."""
    agent = start_agent(base, "--cache-size", "1MiB")
    ours = base.jar(base.unique())
    agent.succeeded(agent.install(ours))
    kept = agent.modules()[f"{ours.module}:1.0.0"].digest
    few = [Made(tmp_path, f"m{i}", size=400000) for i in range(4)]
    for jar in few[:2]:
        agent.succeeded(prefetch(agent, jar))
    agent.succeeded(prefetch(agent, few[0], sha256=few[0].sha256))  # used again
    agent.succeeded(prefetch(agent, few[2]))
    assert cached(tmp_path) == {kept, few[0].sha256, few[2].sha256}
    agent.succeeded(agent.uninstall(ours))
    big = Made(tmp_path, "big", size=2 << 20)
    agent.succeeded(prefetch(agent, big))
    assert cached(tmp_path) == {big.sha256}, "what has just been fetched stays"
    agent.succeeded(prefetch(agent, few[3]))
    assert cached(tmp_path) == {few[3].sha256}


def test_what_lies_in_the_place_of_a_jar(base, agent, jars, tmp_path):
    """A folder can be neither read nor removed: it is said, and not tried for ever."""
    jar = Made(tmp_path, "m")
    url = jars.serve(jar)
    place = tmp_path / "cache" / f"{jar.sha256}.jar"
    place.mkdir()
    error = agent.failed(prefetch(agent, jar, url, sha256=jar.sha256), "Arklet.PullBizError", "JAR_UNAVAILABLE")
    assert f"{place}: Is a directory" in error.message
    place.rmdir()
    agent.succeeded(prefetch(agent, jar, url, sha256=jar.sha256))


# -- disks --

class Disk:
    """A file system of its own at @folder, which only the agent sees: start_agent(..., **disk.how).

    @journal: False: the agent can't have one open there, and only so it can be made read-only.
    """

    def __init__(self, folder, size, journal=True):
        self.folder = folder
        folder.mkdir()
        self.enter = ["-m"] if os.geteuid() == 0 else ["-U", "-m", "--preserve-credentials"]
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        mount = f"mount -t tmpfs -o size={size} tmpfs {folder}"
        if subprocess.run([*unshare, "sh", "-c", mount], capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        block = "true" if journal else f"mkdir {folder}/operations.journal.part"
        self.how = {"within": [*unshare, "sh", "-c", f'{mount} && {block} && exec "$@"', "sh"]}

    def files(self, agent):
        return {path.name for path in pathlib.Path(f"/proc/{agent.process.pid}/root{self.folder}").iterdir()}

    def make_read_only(self, agent):
        subprocess.run(["nsenter", "-t", str(agent.process.pid), *self.enter, "mount", "-o", "remount,ro",
                        str(self.folder)], check=True)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_the_disk_is_full(base, start_agent, jars, tmp_path, scheme):
    """Room is made from the cache, and where that is not enough nothing is left."""
    disk = Disk(tmp_path / "cache", "1M")
    agent = start_agent(base, **disk.how)
    small, large, huge = (Made(tmp_path, f"m{size}", size=size) for size in (400000, 800000, 1200000))
    urls = {jar: jars.serve(jar) if scheme == "http" else jar.as_uri() for jar in (small, large, huge)}
    agent.failed(prefetch(agent, huge, urls[huge]), "User.DiskFull", "DISK_FULL")
    assert disk.files(agent) - RECORDS == set(), "also where there was nothing that could go"
    agent.succeeded(prefetch(agent, small, urls[small]))
    agent.succeeded(prefetch(agent, large, urls[large]))
    assert disk.files(agent) - RECORDS == {large.sha256 + ".jar"}
    if scheme == "http":
        assert jars.requests[-1][1], "it went on where it had stopped"
    error = agent.failed(prefetch(agent, huge, urls[huge]), "User.DiskFull", "DISK_FULL")
    assert "No space left on device" in error.message and error.retryable
    assert disk.files(agent) - RECORDS == set()
    agent.succeeded(prefetch(agent, small, urls[small]))


def test_the_disk_can_not_be_written_any_more(base, start_agent, jars, tmp_path):
    disk = Disk(tmp_path / "cache", "4M", journal=False)
    agent = start_agent(base, **disk.how)
    there, new = Made(tmp_path, "there"), Made(tmp_path, "new")
    agent.succeeded(prefetch(agent, there))
    disk.make_read_only(agent)
    for url in (new.as_uri(), jars.serve(new)):
        error = agent.failed(prefetch(agent, new, url), "Arklet.PullBizError", "JAR_UNAVAILABLE")
        assert "Read-only file system" in error.message
    agent.succeeded(prefetch(agent, there, sha256=there.sha256))


def test_a_directory_that_can_not_be_written_is_refused(base, start_agent, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(AssertionError, match="it ended with 2: .*--cache-dir"):
        start_agent(base)
