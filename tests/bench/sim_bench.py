# SPDX-License-Identifier: Apache-2.0
"""How fast simulated worlds are (tests/sim/bench.h): controller, scheduler and all that is made up around them.

Figures without a goal: they say how much a swarm tells in a night. What the engine itself takes says plan_bench.
"""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SIM = Path(os.environ.get("KOUPLELESS_BUILD_DIR", TOP / "build" / "release")) / "bin" / "koupleless-sim"

sys.exit(subprocess.run([SIM, "--bench=10000"], check=False, timeout=600).returncode)
