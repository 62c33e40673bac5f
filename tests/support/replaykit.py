# SPDX-License-Identifier: Apache-2.0
"""A JVM is killed, and what follows until its base is ready again, step by step, with the time of each.

    for ms, what in replaykit.lose_jvm(system, number=1):
        print(f"{ms:6} ms  {what}")
"""
import datetime
import json
import time

import basekit

JVM_KILLED, ARKLET_ANSWERS, NOTICED, READY = "the JVM is killed", "Arklet answers", "noticed by the agent", "ready"


def lose_jvm(system, number, agent_too=False):
    """kill -9 of the JVM of a real base, with its agent where @agent_too, and both are started again. Return: what
    happened, in order of time: (ms since the kill, what)."""
    name, owner, base = f"agent-{number}", system.real(number), system.base(number)
    basekit.wait_until(lambda: not _on_trial(system, number), "the base to live on with what was installed last")
    agent = system.processes[name]
    boot, before = _boot(agent), 0 if agent_too else len(agent.events())
    if agent_too:
        system.kill(name)
    owner.kill()
    began = time.time()
    start = basekit.Parallel(owner.start)
    if agent_too:
        agent = system.start(name)
    answers = basekit.Parallel(_first_answer, base)
    basekit.wait_until(lambda: _boot(agent) not in ("", boot) and agent.is_ready(), "the base to be ready again",
                       4 * basekit.WATCHDOG_S)
    start.result()
    steps = [(0, JVM_KILLED), (_ms(answers.result() - began), ARKLET_ANSWERS)]
    noticed_ms = 0
    for event in agent.events()[before:]:
        what, ms = _step(event), _ms(datetime.datetime.fromisoformat(event["time"]).timestamp() - began)
        noticed_ms = ms if what == NOTICED else noticed_ms
        if what:
            steps.append((noticed_ms + event["ms"] if what.endswith("is back") else ms, what))
    return sorted(steps, key=lambda step: step[0])


def _ms(seconds):
    return round(seconds * 1000)


def _boot(agent):
    """Of the JVM that the agent saw last."""
    boots = [event["boot_id"] for event in agent.events() if event["msg"] == "base started"]
    return boots[-1] if boots else ""


def _on_trial(system, number):
    written = (system.folder / f"cache-{number}" / "modules.json").read_text(encoding="utf-8").rpartition("\n")[0]
    records = json.loads(written.splitlines()[-1])
    return any(trial.get("running") or trial.get("over") for trial in records.get("trials", {}).values())


def _first_answer(base):
    def answered():
        try:
            base.call("queryAllBiz", {}, timeout_s=1)
            return time.time()
        except OSError:
            return None

    return basekit.wait_until(answered, "Arklet")


def _step(event):
    """In words, or None."""
    module = f"{event.get('module')} {event.get('version')}"
    return {
        "replay begins": NOTICED,
        "replay: baseline": f"baseline of the {event.get('from')}: {event.get('modules')} modules",
        "replay: module is back": f"{module} is back",
        "replay: module is not back": f"{module} is not back: {event.get('error')}",
        "base is ready": READY,
    }.get(event["msg"])
