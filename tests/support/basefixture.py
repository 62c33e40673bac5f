# SPDX-License-Identifier: Apache-2.0
"""The bases of a whole test run, for conftest.py: pick what is needed by name."""
import basekit
import pytest


def add_option(parser, which):
    parser.addoption("--bases", choices=["sim", "jvm", "legacy", "both"], default="both",
                     help=f"which bases the {which} run against; legacy: a JVM of the older line of Koupleless")


def kinds(config, lines=False):
    """The kinds of bases that --bases asks for; @lines: of real ones both lines."""
    wanted = config.getoption("--bases")
    return ["sim", "jvm", *(["legacy"] if lines else [])] if wanted == "both" else [wanted]


@pytest.fixture(scope="session")
def session_bases(request, tmp_path_factory):
    """kind -> running base; each is started once, when a test first asks for it."""
    running, missing = {}, {}

    def get(kind):
        if kind in missing:
            pytest.skip(missing[kind])
        if kind not in running:
            try:
                running[kind] = start(kind, tmp_path_factory.mktemp(kind))
            except basekit.Unavailable as error:
                if request.config.getoption("--bases") == kind:
                    raise
                missing[kind] = str(error)
                pytest.skip(missing[kind])
        return running[kind][1]

    yield get
    for owner, _ in running.values():
        owner.__exit__()


def start(kind, folder):
    if kind == "sim":
        simulator = basekit.Simulator(folder, "--count-requests")  # as the real one does
        return simulator, simulator.bases[0]
    real = basekit.RealBase(folder, line="legacy" if kind == "legacy" else "current")
    return real, real.base
