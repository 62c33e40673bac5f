# SPDX-License-Identifier: Apache-2.0
"""Processor time by program, what a benchmark spends beside the work that it measures too, and memory.

    before = processor.used_s()
    ...
    print(processor.since(before), processor.memory_mb(pid, "VmHWM:"))
"""
import collections
import os
import pathlib


def used_s():
    """Program -> seconds of processor time that those of its processes which run below this one have used."""
    seconds, parents = collections.Counter(), {}
    tick = os.sysconf("SC_CLK_TCK")
    used = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it has ended
        name, fields = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
        parents[int(folder.name)] = int(fields[1])
        used[int(folder.name)] = name, (int(fields[11]) + int(fields[12])) / tick
    for pid, (name, spent_s) in used.items():
        above = parents[pid]
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid():
            seconds[name] += spent_s
    return seconds


def since(before):
    """Text: the processor time of each program since then, most first."""
    seconds = used_s()
    seconds.subtract(before)
    return ", ".join(f"{name} {used:.1f} s" for name, used in seconds.most_common() if used >= 0.05)


def of_process(pid):
    """Seconds of processor time that a process has used."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    fields = stat[stat.rindex(")") + 2:].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid, field):
    """A line of /proc/PID/status: "VmRSS:" is what it holds now, "VmHWM:" the most that it held."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0
