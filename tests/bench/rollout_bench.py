# SPDX-License-Identifier: Apache-2.0
"""A rollout of 1,000 modules over 100 simulated bases on the embedded store: first install, then a release.

    /usr/bin/python3 tests/bench/rollout_bench.py [--bases 100] [--deployments 10]

Each of the ten ModuleDeployments has one instance on every base. Prints seconds, CPU of the controller per
instance, and its peak memory, beside the goals; ends with 1 where one is missed.
"""
import argparse
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basekit  # noqa: E402
import processor  # noqa: E402
import systemkit  # noqa: E402

CPU_MS_GOAL = 0.5  # of the controller, per instance
RSS_MB_GOAL = 40
LIMIT_S = 300


def completed(system, names, version):
    def done():
        for name in names:
            md = system.get(name)
            right = md.spec.template.spec.module.version == version
            if not right or md.status.observed_generation != md.metadata.generation:
                return False
            if md.status.release_status.progress != "Completed" or md.status.available_replicas < md.spec.replicas:
                return False
        return True

    basekit.wait_until(done, f"{len(names)} releases of {version}", LIMIT_S)


def rollout(system, names, bases, version):
    """(seconds, CPU seconds of the controller) of a release of every module at once."""
    jars = [system.bases[0].jar(name, version, Test_Web="false", web_context_path="") for name in names]
    pid = system.processes["controller"].process.pid
    before_s, begin_s = processor.of_process(pid), time.monotonic()
    for name, jar in zip(names, jars):
        system.apply(name, jar, replicas=bases)
    completed(system, names, version)
    return time.monotonic() - begin_s, processor.of_process(pid) - before_s


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bases", type=int, default=100)
    parser.add_argument("--deployments", type=int, default=10)
    args = parser.parse_args()
    names = [f"module-{n}" for n in range(args.deployments)]
    instances = args.bases * args.deployments
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        with systemkit.System(folder, bases=args.bases, agent=("--poll-interval", "2s")) as system:
            pid = system.processes["controller"].process.pid
            print(f"{instances} modules on {args.bases} bases")
            for what, version in (("install", "1.0.0"), ("upgrade", "2.0.0")):
                seconds, cpu = rollout(system, names, args.bases, version)
                per_instance_ms = cpu * 1000 / instances
                missed |= per_instance_ms > CPU_MS_GOAL
                print(f"  {what}: {seconds:.1f} s, controller CPU {per_instance_ms:.2f} ms per instance "
                      f"(goal {CPU_MS_GOAL})")
            rss = processor.memory_mb(pid, "VmHWM:")
            missed |= rss > RSS_MB_GOAL
            print(f"  controller peak RSS {rss:.1f} MB (goal {RSS_MB_GOAL})")
            system.check_operations()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
