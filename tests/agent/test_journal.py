# SPDX-License-Identifier: Apache-2.0
"""An agent that is started anew: what it was asked to do goes on, and what has ended is answered as before."""
import json

import basekit
import grpc
import programkit
import protokit
import pytest
from conftest import Agent, wait_starting


@pytest.fixture(name="journal")
def fixture_journal(tmp_path):
    return tmp_path / "cache" / "operations.journal"


def anew(agent, start_agent, base, end=programkit.Program.kill, **options):
    """@agent ends, by SIGKILL where nothing else is said, and another one takes its place."""
    end(agent)
    return start_agent(base, **options)


def same_but_progress(one, other):
    for operation in (one, other):
        operation.ClearField("downloaded_bytes")
        operation.ClearField("total_bytes")
    return one == other


# -- what has ended --


def test_the_first_answer_stands(base, start_agent, jars):
    agent = start_agent(base)
    good, bad = base.jar(base.unique()), base.jar(base.unique(), Test_Fail="main")
    url = jars.serve(good)
    requests = [
        (agent.stub.InstallModule, agent.install_request(url, good.module, good.version, op="good")),
        (agent.stub.InstallModule, agent.install_request(bad, op="bad", in_place=True, restart="wish", args=["--a=b"])),
        (agent.stub.SwitchModule, agent.identity("Switch", good, op="switch")),
        (agent.stub.PrefetchModule, agent.proto.PrefetchModuleRequest(operation_id="fetch", module=agent.module(good))),
        (agent.stub.UninstallModule, agent.identity("Uninstall", good, op="gone")),
    ]
    before = [method(request).operation for method, request in requests]
    assert [agent.state(one) for one in before] == ["SUCCEEDED", "FAILED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]
    steps = base.operations_of(good.module) + base.operations_of(bad.module)
    later = anew(agent, start_agent, base)
    for (method, request), first in zip(requests, before):
        again = getattr(later.stub, type(request).__name__.removesuffix("Request"))(request).operation
        assert same_but_progress(again, first) and same_but_progress(later.operation(first.id), first)
    assert list(later.operations()) == [one.id for one in before]
    other = later.install_request(good, op="bad")
    failure = protokit.failure(later.stub.InstallModule, other)
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["operation_id"])
    assert base.operations_of(good.module) + base.operations_of(bad.module) == steps


def test_without_a_directory_nothing_is_kept(base, start_agent):
    agent = start_agent(base, cache=False)
    agent.succeeded(agent.install(base.jar(base.unique()), op="one"))
    later = anew(agent, start_agent, base, cache=False)
    assert later.knows("one") is None


# -- what has not --


def test_what_was_answered_is_not_lost(base, start_agent):
    """Killed as soon as the agent has said that it has begun."""
    agent = start_agent(base)
    installed = base.jar(base.unique())
    agent.succeeded(agent.install(installed))
    new = base.jar(base.unique())
    for request in (agent.install_request(new, op="install"), agent.identity("Switch", installed, op="switch"),
                    agent.identity("Uninstall", installed, op="uninstall")):
        agent.begin(request)
        agent = anew(agent, start_agent, base)
        assert agent.knows(request.operation_id)
    for op in ("install", "switch", "uninstall"):
        agent.succeeded(agent.ended(op))
    assert base.modules() == {f"{new.module}:1.0.0": "activated"}
    assert base.operations_of(new.module) == [("install", "1.0.0")]


@pytest.mark.parametrize("end", [Agent.kill, Agent.stop], ids=["kill", "stop"])
def test_while_a_jar_is_fetched(base, start_agent, jars, end):
    agent = start_agent(base)
    jar = base.jar(base.unique())
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(jar), jar.module, jar.version, op="one"))
    agent.begin(agent.identity("Uninstall", jar, op="behind"))
    basekit.wait_until(lambda: jars.held, "the download")
    agent = anew(agent, start_agent, base, end)
    assert list(agent.operations(running=True)) == ["one", "behind"]
    jars.hold.set()
    agent.succeeded(agent.ended("behind"))
    agent.succeeded(agent.ended("one"))
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")]


def test_the_base_starts_with_the_agent(base, start_agent, jars):
    """As with a Pod that comes back: what had begun waits for it."""
    agent = start_agent(base)
    jar = base.jar(base.unique())
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(jar), jar.module, jar.version, op="one"))
    agent.kill()
    base.control("restart", ms=2500)
    jars.hold.set()
    later = start_agent(base)
    later.succeeded(later.ended("one"))
    assert base.modules() == {f"{jar.module}:1.0.0": "activated"}


@pytest.mark.real
@pytest.mark.parametrize("end", [Agent.kill, Agent.stop], ids=["kill", "stop"])
def test_while_arklet_works_on_it(base, start_agent, end):
    """And another one waits for its turn."""
    agent = start_agent(base)
    slow, other = base.jar(base.unique(), Test_Start_Sleep_Ms=1500), base.jar(base.unique())
    agent.begin(agent.install_request(slow, op="slow"))
    wait_starting(base, slow)
    agent.begin(agent.install_request(other, op="other"))
    basekit.wait_until(lambda: agent.operation("other").digest, "the jar")
    agent = anew(agent, start_agent, base, end)
    agent.succeeded(agent.ended("slow"))
    agent.succeeded(agent.ended("other"))
    assert base.operations_of(slow.module) == base.operations_of(other.module) == [("install", "1.0.0")]


def test_between_the_old_version_and_the_new_one(base, start_agent):
    """In place: the old one is gone, and comes back, since the new one does not start."""
    agent = start_agent(base)
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    new = base.jar(name, "2.0.0", Test_Fail="main", Test_Start_Sleep_Ms=800)
    agent.begin(agent.install_request(new, op="one", in_place=True))
    wait_starting(base, new)
    agent = anew(agent, start_agent, base)
    assert agent.failed(agent.ended("one"), "User.InstallBizUserError", "MODULE_START_FAILED").restored
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_a_batch_goes_on_by_priority(base, start_agent, jars):
    agent = start_agent(base)
    late, first = base.jar(base.unique(), priority=200), base.jar(base.unique(), priority=1)
    jars.hold.clear()
    url = jars.serve(first)
    call = basekit.Parallel(agent.batch, agent.install_request(late, op="late"),
                            agent.install_request(url, first.module, first.version, op="first"))
    basekit.wait_until(lambda: jars.held, "the download")
    agent.kill()
    with pytest.raises(grpc.RpcError):
        call.result()
    agent = start_agent(base)
    basekit.wait_until(lambda: agent.operation("late").digest, "the other jar")
    assert agent.state(agent.operation("late")) == "PENDING"
    jars.hold.set()
    for op in ("late", "first"):
        agent.succeeded(agent.ended(op))
    done = base.modules_in_order()
    assert done.index(first.module) < done.index(late.module)


def test_arguments_are_kept(base, start_agent, jars, journal):
    agent = start_agent(base)
    jar = base.jar(base.unique())
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(jar), jar.module, jar.version, op="one", args=["--a=b", "c d"]))
    agent = anew(agent, start_agent, base)
    jars.hold.set()
    agent.succeeded(agent.ended("one"))
    # It has written all anew, from what it had read.
    accepted = [line for line in map(json.loads, journal.read_text().splitlines()) if line["what"] == "accepted"]
    assert [line["args"] for line in accepted] == [["--a=b", "c d"]]


# -- the file --


def test_what_is_damaged_is_skipped(base, start_agent, journal):
    agent = start_agent(base)
    jars = [base.jar(base.unique()) for _ in range(3)]
    for number, jar in enumerate(jars):
        agent.succeeded(agent.install(jar, op=str(number)))
    agent.kill()
    lines = journal.read_bytes().split(b"\n")
    wrong = [line[:40] if b'"id":"1"' in line else line for line in lines]
    journal.write_bytes(b"\n".join(wrong[:3] + [b"\x00\xff{", b"[]", b'{"what":"later"}'] + wrong[3:]) + b'{"what":"acc')
    agent = start_agent(base)
    assert [agent.knows(op) for op in "012"] == ["SUCCEEDED", None, "SUCCEEDED"]
    (said,) = agent.said("lines of the operations before are damaged")
    assert said["lines"] >= 5
    agent.succeeded(agent.install(jars[1], op="1"))
    agent = anew(agent, start_agent, base)
    assert list(agent.operations()) == ["0", "2", "1"]
    assert not agent.said("lines of the operations before are damaged")
    assert base.operations_of(jars[1].module) == [("install", "1.0.0")]


def test_what_another_base_was_asked_is_not_done_here(base, new_base, start_agent, jars):
    agent = start_agent(base)
    jar = base.jar(base.unique())
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(jar), jar.module, jar.version, op="one"))
    later = anew(agent, start_agent, new_base())
    assert later.operations() == {}


def test_a_directory_of_another_agent_is_refused(base, start_agent, journal):
    """It would take the jars away that the other one's modules come back from."""
    first = start_agent(base)
    options = ["--insecure", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--cache-dir", str(journal.parent)]
    second = programkit.run("koupleless-agent", *options)
    assert second.returncode == 1
    assert f"--cache-dir: {journal.parent}: another agent has it; each needs one of its own" in second.stderr
    first.kill()
    start_agent(base)


def test_a_directory_that_is_full_costs_the_memory_alone(base, start_agent, journal):
    agent = start_agent(base)
    agent.succeeded(agent.install(base.jar(base.unique()), op="before"))
    journal.unlink()
    (journal.parent / "operations.journal.part").mkdir()
    # The open file goes on, unseen. So an agent that can't even begin one:
    agent = anew(agent, start_agent, base)
    agent.wait_said("operations can't be written down; an agent that is started anew will not know of them")
    agent.succeeded(agent.install(base.jar(base.unique()), op="one"))
    (journal.parent / "operations.journal.part").rmdir()
    agent.succeeded(agent.install(base.jar(base.unique()), op="two"))
    assert list(anew(agent, start_agent, base).operations()) == ["one", "two"]


def test_a_file_that_is_not_of_now_any_more_is_none(base, start_agent, journal, jars):
    """What has ended since then is not done again."""
    agent = start_agent(base)
    jar = base.jar(base.unique())
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(jar), jar.module, jar.version, op="one"))
    part = journal.parent / "operations.journal.part"
    part.mkdir()
    agent = anew(agent, start_agent, base)
    jars.hold.set()
    agent.ended("one")
    agent.succeeded(agent.uninstall(jar))
    agent = anew(agent, start_agent, base)
    assert agent.operations() == {} and base.modules() == {}
    part.rmdir()


def test_an_install_of_nothing_is_damaged(base, start_agent, journal):
    agent = start_agent(base)
    agent.kill()
    with journal.open("a") as file:
        file.write('{"what":"accepted","id":"one","type":"install","name":"a","version":"1"}\n')
    assert start_agent(base).operations() == {}


# -- who leads --


def test_the_epoch_is_kept(base, start_agent, journal):
    agent = start_agent(base)
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar, epoch=7))
    agent = anew(agent, start_agent, base)
    failure = protokit.failure(agent.stub.UninstallModule, agent.identity("Uninstall", jar, epoch=6))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STALE_EPOCH")
    agent.kill()
    lines = journal.read_text().splitlines()
    (line,) = [line for line in lines if '"what":"epoch"' in line]
    long_ago = line.replace('"timeMs":1', '"timeMs":')
    journal.write_text("\n".join(long_ago if one == line else one for one in lines) + "\n")
    agent = start_agent(base)
    agent.succeeded(agent.uninstall(jar, epoch=6))
