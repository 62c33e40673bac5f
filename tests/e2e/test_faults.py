# SPDX-License-Identifier: Apache-2.0
"""Processes, bases and answers that go away at the wrong moment: it always converges, nothing is
installed twice, nothing is lost (design, invariants I3, I5, I7, I10)."""
import random

import basekit
import grpc
import pytest
import systemkit

SOON = ["--base-silent-after", "3s", "--base-gone-after", "4s"]


def all_available(count):
    return lambda modules: len(modules) == count and all(m.status.status == "Available" for m in modules)


def installing(system, name):
    """A base has begun to install @name; its number."""

    def one():
        for number, base in enumerate(system.bases, 1):
            try:
                if any(key.startswith(name + ":") for key in base.modules()):
                    return number
            except OSError:
                continue
        return None

    return basekit.wait_until(one, f"an install of {name} to begin")


def check_all(system, *names):
    for name in names:
        system.check_agreement(name)
    system.check_operations()


# -- bases --


def test_base_that_vanishes_while_it_installs(new_system):
    """For good: its instances are made up for on the others."""
    system = new_system(bases=3, sim=["--install-ms", "600"], controller=SOON)
    system.apply("pay", system.jar("pay"), replicas=2)
    lost = installing(system, "pay")
    system.remove_base(lost)
    system.wait_modules(lambda modules: all_available(2)(modules) and all(
        m.spec.base_name != f"base-{lost}" for m in modules), "both on the other bases", "pay")
    system.wait_completed("pay")
    left = [f"base-{number}" for number in (1, 2, 3) if number != lost]
    assert system.active(*left) == {base: ["pay:1.0.0"] for base in left}


def test_base_that_restarts_while_it_installs(new_system):
    system = new_system(bases=2, sim=["--install-ms", "600"])
    system.apply("pay", system.jar("pay"), replicas=2)
    system.restart_base(installing(system, "pay"), 300)
    system.wait_completed("pay")
    check_all(system, "pay")


def test_base_that_restarts_in_the_middle_of_an_upgrade(new_system):
    system = new_system(bases=2, sim=["--install-ms", "300"])
    system.apply("pay", system.jar("pay"), replicas=2)
    system.wait_completed("pay")
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=2, strategy={"batchCount": 2})
    basekit.wait_until(lambda: any("pay:2.0.0" in base.modules() for base in system.bases), "the upgrade to begin")
    number = next(n for n, base in enumerate(system.bases, 1) if "pay:2.0.0" in base.modules())
    system.restart_base(number, 300)
    system.wait_completed("pay")
    check_all(system, "pay")


def test_modules_that_somebody_else_removed_come_back(new_system):
    system = new_system(bases=2)
    system.apply("pay", system.jar("pay"), replicas=2)
    system.wait_completed("pay")
    health = system.protos["koupleless.agent.v1"].GetHealthRequest()
    basekit.wait_until(lambda: system.agent(1).GetHealth(health).health.modules, "the agent to have seen it")
    assert system.base(1).uninstall("pay", "1.0.0").code == "SUCCESS"
    basekit.wait_until(lambda: "pay:1.0.0" in system.base(1).modules(), "pay to come back")
    system.wait_modules(all_available(2), "both instances", "pay")
    check_all(system, "pay")


def test_base_that_was_gone_loses_what_it_brings_back(new_system):
    """Its instance was placed elsewhere: the old version on it is nobody's."""
    system = new_system(bases=2, controller=SOON)
    system.apply("pay", system.jar("pay"), replicas=1)
    system.wait_completed("pay")
    (base,) = system.available("pay")
    lost = int(base.removeprefix("base-"))
    system.kill(f"agent-{lost}")
    system.wait_modules(lambda modules: all_available(1)(modules) and modules[0].spec.base_name != base,
                        "another base", "pay")
    system.wait_for("pay", lambda md: md.status.available_replicas == 1, "the count")
    assert system.active(base) == {base: ["pay:1.0.0"]}
    by_hand = system.jar("by-hand")
    assert system.base(lost).install(by_hand).code == "SUCCESS"
    system.restart(f"agent-{lost}")
    basekit.wait_until(lambda: system.active(base) == {base: ["by-hand:1.0.0"]}, "pay to go, but nothing else")
    basekit.wait_until(lambda: [e.message for e in system.events("Base", base) if e.reason == "LeftoverUninstalled"]
                       == ["pay:1.0.0 ran here though no Module said so"], "it to be told")
    check_all(system, "pay")


def test_base_that_was_gone_has_the_web_path_still(new_system):
    """The old version that it brings back keeps the declared one out, until it is uninstalled."""
    system = new_system(bases=2, controller=SOON)
    system.apply("pay", system.jar("pay", web=True), replicas=2)
    system.wait_completed("pay")
    system.kill("agent-1")
    system.wait_modules(all_available(1), "the base to be gone", "pay")
    system.apply("pay", system.jar("pay", "2.0.0", web=True), replicas=2)
    system.wait_for("pay", lambda md: system.available("pay") == {"base-2": "2.0.0"}, "the other base")
    assert system.active("base-1") == {"base-1": ["pay:1.0.0"]}
    system.restart("agent-1")
    system.wait_completed("pay")
    check_all(system, "pay")


# -- Arklet's answers --

FAULTS = ["refuse", "hang", "drop", "lost-answer", "slow", "wrong-json", "half", "huge", "500", "exception"]


@pytest.mark.parametrize("fault", FAULTS)
def test_answer_to_an_install_that_goes_wrong(new_system, fault):
    """Each base's first install meets the fault; a base that refuses is there again a moment later."""
    system = new_system(bases=2, agent=["--install-timeout", "2s", "--query-timeout", "1s"])
    system.control("fault", fault=fault, command="" if fault == "refuse" else "installBiz",
                            ms=500, text="by the test")
    system.apply("pay", system.jar("pay"), replicas=2)
    if fault == "refuse":
        system.wait_modules(lambda modules: True, "anything", "pay")
        system.control("clear")
    system.wait_completed("pay")
    check_all(system, "pay")
    assert system.installs("pay") == 2


@pytest.mark.parametrize("fault", ["hang", "drop", "lost-answer", "wrong-json", "500"])
def test_answer_to_an_uninstall_that_goes_wrong(new_system, fault):
    system = new_system(bases=2, agent=["--install-timeout", "2s", "--query-timeout", "1s"])
    system.apply("pay", system.jar("pay"), replicas=2)
    system.wait_completed("pay")
    system.control("fault", fault=fault, command="uninstallBiz")
    system.call("DeleteModuleDeployment", "pay")
    system.wait_gone("pay")
    assert system.active() == {"base-1": [], "base-2": []}
    assert system.installs("pay") == 2


def test_base_that_accepts_and_never_answers_stops_nobody_else(new_system):
    """One Arklet hangs for ever; the other bases get their modules meanwhile."""
    system = new_system(bases=3, agent=["--install-timeout", "2s", "--query-timeout", "1s"])
    system.control("fault", 2, fault="hang", command="installBiz", count=-1)
    system.apply("pay", system.jar("pay"), replicas=3)
    system.wait_for("pay", lambda md: md.status.available_replicas == 2, "the others")
    assert set(system.available("pay")) == {"base-1", "base-3"}
    md = system.get("pay")
    assert md.status.release_status.progress == "Executing"
    system.control("clear")
    system.wait_completed("pay")
    check_all(system, "pay")
    assert system.installs("pay") == 3


# -- our own processes --


def test_agent_that_is_killed_while_it_installs(new_system):
    system = new_system(bases=1, sim=["--install-ms", "800"])
    system.apply("pay", system.jar("pay"))
    installing(system, "pay")
    system.restart("agent-1")
    system.wait_completed("pay")
    check_all(system, "pay")
    assert system.installs("pay") == 1


def test_agent_that_is_killed_in_the_middle_of_an_install_in_place(new_system):
    """The old version is gone already: the new one comes, or the old one is known to be missing."""
    system = new_system(bases=1, sim=["--install-ms", "500", "--uninstall-ms", "300"])
    system.apply("pay", system.jar("pay"))
    system.wait_completed("pay")
    system.apply("pay", system.jar("pay", "2.0.0"), strategy={"upgradePolicy": "uninstallThenInstall"})
    basekit.wait_until(lambda: "pay:2.0.0" in system.base(1).modules(), "the new version to begin")
    system.restart("agent-1")
    system.wait_completed("pay")
    check_all(system, "pay")


def test_controller_that_is_killed_while_bases_install(new_system):
    system = new_system(bases=3, sim=["--install-ms", "500"])
    system.apply("pay", system.jar("pay"), replicas=3, strategy={"batchCount": 2})
    installing(system, "pay")
    system.restart("controller")
    system.wait_completed("pay")
    check_all(system, "pay")
    assert system.installs("pay") == 3


def test_controller_that_dies_during_a_restart_repeats_none_of_it(new_system):
    system = new_system(bases=2)
    system.apply("pay", system.jar("pay", Test_Start_Sleep_Ms=800), replicas=2)
    system.wait_completed("pay")
    system.call("RestartModules", "pay")
    basekit.wait_until(lambda: any(one.operation == "uninstall" for one in system.operations("pay")), "a first uninstall")
    system.restart("controller")
    system.wait_completed("pay")
    check_all(system, "pay")
    again = ["install 1.0.0", "uninstall 1.0.0", "install 1.0.0"]
    assert system.operations_of("pay") == {"base-1": again, "base-2": again}


def test_module_that_is_taken_off_after_the_controller_restarted(new_system):
    """The agent remembers the first install; it is not taken for the second."""
    system = new_system(bases=1)
    system.apply("pay", system.jar("pay"))
    system.wait_completed("pay")
    system.restart("controller")
    system.wait_bases(1)
    assert system.base(1).uninstall("pay", "1.0.0").code == "SUCCESS"
    basekit.wait_until(lambda: system.installs("pay") == 2, "the second install")
    system.wait_agreement("pay")
    check_all(system, "pay")


def test_confirmation_outlives_the_controller(new_system):
    system = new_system(bases=2)
    system.apply("pay", system.jar("pay"), replicas=2, strategy={"batchCount": 2, "needConfirm": True})
    system.wait_waiting("pay", batch=1)
    system.restart("controller")
    system.wait_bases(2)
    system.wait_waiting("pay", batch=1)
    assert system.installs("pay") == 1
    system.call("ConfirmBatch", "pay", batch=1)
    system.restart("controller")
    system.wait_completed("pay")
    check_all(system, "pay")
    assert system.installs("pay") == 2


def test_scheduler_that_is_away_for_a_while(new_system):
    system = new_system(bases=2)
    system.kill("scheduler")
    system.apply("pay", system.jar("pay"), replicas=2)

    def told(md):
        return any("SchedulerUnavailable" in c.reason + c.message for c in md.status.conditions)

    system.wait_for("pay", told, "the absence to be told")
    assert system.installs("pay") == 0
    system.restart("scheduler")
    system.wait_completed("pay")
    check_all(system, "pay")


def test_agent_that_is_away_for_a_while(new_system):
    """Its base keeps its modules; the release waits for it, and goes on."""
    system = new_system(bases=2)
    system.apply("pay", system.jar("pay"), replicas=2)
    system.wait_completed("pay")
    system.stop_one("agent-1")
    system.wait_modules(lambda modules: any(m.status.reason == "BaseNotReady" for m in modules),
                        "its absence to be told", "pay")
    assert system.active("base-1") == {"base-1": ["pay:1.0.0"]}
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=2)
    system.wait_for("pay", lambda md: system.available("pay").get("base-2") == "2.0.0", "the other base to go on")
    system.restart("agent-1")
    system.wait_completed("pay")
    check_all(system, "pay")
    assert system.installs("pay") == 4


# -- anything, anywhere --


def disturb(system, rng):
    """kill -9 of a random process, and its restart; sometimes two at once, sometimes a base."""
    if rng.random() < 0.25:
        system.restart_base(rng.randint(1, len(system.bases)), 200)
    for name in rng.sample(sorted(system.processes), rng.choice([1, 1, 2])):
        system.kill(name)
    for name in ("scheduler", "controller", *(f"agent-{n}" for n in range(1, len(system.bases) + 1))):
        if name not in system.processes:
            system.start(name)


def apply_surely(system, name, jar, **spec):
    """The controller may be just starting: tried again, as a user would."""

    def attempt():
        try:
            return system.apply(name, jar, **spec)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return None

    return basekit.wait_until(attempt, f"{name} to be applied")


@pytest.mark.parametrize("seed", range(20))
def test_kill_at_a_random_moment_of_a_release(chaos, seed):
    """Releases of one module, one after the other, beside another module; each is hit at a random moment."""
    system, midway = chaos
    rng = random.Random(seed)
    version = f"{seed + 2}.0.0"
    before = len(system.operations())
    jar = system.jar("pay", version, web=seed % 4 == 3)
    policy = rng.choice(["installThenUninstall", "uninstallThenInstall", "scaleUpThenScaleDown"])
    apply_surely(system, "pay", jar, replicas=rng.choice([2, 3, 4]),
                 strategy={"batchCount": rng.choice([1, 2]), "upgradePolicy": policy})
    # A moment is a number of operations on the bases: reproducible, unlike a time.
    moment = before + rng.randrange(4)
    basekit.wait_until(lambda: len(system.operations()) >= moment
                       or system.get("pay").status.release_status.progress == "Completed", "the moment")
    md = system.get("pay")
    midway.append(md.status.observed_generation != md.metadata.generation
                  or md.status.release_status.progress != "Completed")
    disturb(system, rng)
    if rng.random() < 0.5:
        disturb(system, rng)
    system.wait_completed("pay")
    system.wait_agreement("pay")  # a base may have lost its modules just now
    system.wait_agreement("order")
    system.check_operations()


@pytest.fixture(name="chaos", scope="module")
def fixture_chaos(tmp_path_factory):
    sim = ["--install-ms", "60", "--uninstall-ms", "30"]
    with systemkit.System(tmp_path_factory.mktemp("chaos"), bases=4, sim=sim) as system:
        system.apply("order", system.jar("order"), replicas=4)
        system.wait_completed("order")
        system.apply("pay", system.jar("pay"), replicas=3)
        system.wait_completed("pay")
        midway = []
        yield system, midway
        system.check_operations()
        assert sum(midway) > len(midway) / 2, "too many releases were over when they were to be hit"
