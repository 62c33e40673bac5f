#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Shows how a base comes back whose JVM is killed: a real JVM with four modules, an agent, a controller and a scheduler.
Three times kill -9, with the time of each step: of the JVM; of the JVM while the controller is away; of JVM and agent
together.

    scripts/replay-timeline.py          needs the programs built (KOUPLELESS_BUILD_DIR, or build/dev), Java and Maven
"""
import pathlib
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
import basekit  # noqa: E402
import replaykit  # noqa: E402
import systemkit  # noqa: E402

MODULES = ["catalog", "orders", "payment", "stock"]


def show(title, steps):
    print(f"\n{title}", flush=True)
    answered = next(ms for ms, what in steps if what == replaykit.ARKLET_ANSWERS)
    for ms, what in steps:
        after = f"   {ms - answered:+} ms after Arklet's first answer" if what == replaykit.NOTICED else ""
        print(f"  {ms:6} ms  {what}{after}")


def main():
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        try:
            system = systemkit.System(folder, bases=1, kind="jvm", agent=["--poll-interval", "750ms"])
        except basekit.Unavailable as error:
            sys.exit(f"replay-timeline: {error}")
        with system:
            for name in MODULES:
                system.apply(name, system.jar(name, web=True))
            for name in MODULES:
                system.wait_completed(name)
            print(f"A base with {len(MODULES)} modules: {', '.join(MODULES)}.")
            show("kill -9 of the JVM", replaykit.lose_jvm(system, 1))
            system.kill("controller")
            show("kill -9 of the JVM, the controller being away", replaykit.lose_jvm(system, 1))
            system.start("controller")
            show("kill -9 of JVM and agent", replaykit.lose_jvm(system, 1, agent_too=True))


if __name__ == "__main__":
    main()
