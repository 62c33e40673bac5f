# SPDX-License-Identifier: Apache-2.0
"""Who may include what. ARCHITECTURE.md tells the same in words."""

import re

# Folder -> folders it may include headers of; its own are free. A folder stands for those inside it, the
# longest entry that fits counts. "proto" is the generated code and the embedded descriptors.
LIBRARY = ["lib/base", "lib/model", "lib/ctl", "lib/rpc", "lib/http", "lib/kube", "lib/service", "proto"]
MAY_USE = {
    "lib/base": [],
    "lib/model": ["lib/base", "proto"],
    "lib/ctl": ["lib/base"],
    "lib/rpc": ["lib/base", "proto"],
    "lib/http": ["lib/base"],
    "lib/kube": ["lib/base", "lib/http"],
    "lib/service": ["lib/base", "lib/ctl", "lib/rpc", "lib/http", "proto"],
    "proto": [],
    "services/scheduler/engine": ["lib/base", "lib/model"],
    "services/scheduler": LIBRARY,
    "services/agent/engine": ["lib/base", "lib/model"],
    "services/agent": LIBRARY,
    "services/controller/engine": ["lib/base", "lib/model"],
    "services/controller/store": ["lib/base", "lib/model"],
    "services/controller/store/kubernetes": ["lib/base", "lib/model", "lib/ctl", "lib/kube", "services/controller/store"],
    "services/controller/api": LIBRARY + ["services/controller/store", "services/controller/engine"],
    "services/controller": LIBRARY,
    "clients/cli": LIBRARY,
    "tests/support": LIBRARY,
    "tests/sim": LIBRARY + ["services/controller", "services/scheduler", "services/agent"],
    "tests/kube": LIBRARY + ["services/controller/store"],
    "tests/bench": LIBRARY + ["services/controller/store", "services/controller/engine", "services/scheduler/engine"],
    "tests/fuzz": LIBRARY + ["services/controller", "services/scheduler", "services/agent"],
}

# Headers of others -> the folders that may include them.
FOREIGN = {
    r"grpc/": ["lib/rpc"],
    r"curl/": ["lib/http"],
    r"(event2/|event\.h|evhttp\.h)": ["lib/http", "tests/support"],
    r"sqlite3\.h": ["services/controller/store/embedded", "tests/bench"],
    r"cjson/|cJSON": ["lib/base", "tests/support"],
    r"yaml\.h": ["lib/base"],
    r"minizip/|zlib\.h": ["services/agent", "tests/support"],
    r"openssl/": ["lib/http", "lib/rpc", "lib/base", "services/agent", "tests/support"],
}

# What a pure folder may take from the C library: no I/O, no clock, no threads, no signals, no locale.
PURE = {"stdbool.h", "stddef.h", "stdint.h", "stdarg.h", "limits.h", "inttypes.h", "string.h", "stdlib.h",
        "ctype.h", "math.h", "float.h", "assert.h"}
PURE_TESTS = PURE | {"setjmp.h", "cmocka.h", "stdio.h"}
# Headers of lib/base that log or touch the world. clock.h has pure functions too; its clocks are calls.
IMPURE_BASE = {"lib/base/log.h", "lib/base/options.h", "lib/base/metrics.h"}
# Functions of the headers above that reach outside all the same.
IMPURE_CALLS = ["clock_real", "clock_mono_ms", "clock_wall_ms",
                "getenv", "setenv", "system", "exit", "_Exit", "quick_exit", "rand", "srand", "random",
                "time", "clock", "printf", "puts", "fprintf", "fopen", "log_info", "log_warn", "log_error"]


def folder_of(path, table):
    """The longest folder of the table that holds path, or None."""
    return max((f for f in table if path.startswith(f + "/")), key=len, default=None)


def target_of(name):
    """The folder that an include belongs to; generated protobuf headers count as proto."""
    return "proto/x" if name.endswith(".pb-c.h") else name


def downward(tree):
    """A folder includes only what stands below it, and no service another's headers."""
    for path, includes in tree.includes.items():
        own = folder_of(path, MAY_USE)
        if not own:
            continue
        for include in includes:
            name = target_of(include.name)
            target = folder_of(name, MAY_USE)
            if include.system or target in (None, own) or target in MAY_USE[own]:
                continue
            # A service's parts may be used by the service itself, never the other way round.
            if target.startswith(own + "/"):
                continue
            if any(target.startswith(allowed + "/") for allowed in MAY_USE[own] if "services" in allowed):
                continue
            yield f"{path}:{include.line}: {own} may not include {include.name}"


def from_the_top(tree):
    """Own headers are included by their path from the top, and exist."""
    for path, includes in tree.includes.items():
        for include in includes:
            if include.system or include.name.endswith(".pb-c.h"):
                continue
            if not tree.exists(include.name):
                yield f"{path}:{include.line}: no {include.name} at the top of the tree"


def foreign(tree):
    """Headers of gRPC, libcurl, libevent, SQLite and the like are included where they belong only."""
    for path, includes in tree.includes.items():
        for include in includes:
            for pattern, folders in FOREIGN.items():
                if re.match(pattern, include.name) and not any(path.startswith(f + "/") for f in folders):
                    yield f"{path}:{include.line}: {include.name} belongs to {', '.join(folders)}"


def pure(tree):
    """engine/ folders include lib/base, lib/model and the C library without I/O and clocks only."""
    for path, includes in tree.includes.items():
        if "/engine/" not in path:
            continue
        allowed = PURE_TESTS if path.endswith("_test.c") else PURE
        for include in includes:
            own = include.name.startswith(path.rsplit("/", 1)[0] + "/")
            lower = include.name.startswith(("lib/base/", "lib/model/")) and include.name not in IMPURE_BASE
            if not (include.name in allowed if include.system else own or lower or include.name in allowed):
                yield f"{path}:{include.line}: {include.name} in a pure folder"


def pure_calls(tree):
    """engine/ folders call nothing that reaches outside."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(IMPURE_CALLS) + r")\s*\(")
    for path, code in tree.code.items():
        if "/engine/" not in path or path.endswith("_test.c"):
            continue
        for number, line in enumerate(code.split("\n"), 1):
            for match in pattern.finditer(line):
                yield f"{path}:{number}: {match.group(1)}() in a pure folder"


RULES = [downward, from_the_top, foreign, pure, pure_calls]
