# SPDX-License-Identifier: Apache-2.0
"""Each rule finds what it is there to find, and leaves alone what it must."""

import documented
import habits
import layers
import pytest
from source import Tree

GUARD = "#ifndef KOUPLELESS_A_H\n#define KOUPLELESS_A_H\n#endif\n"

# rule, path, text, whether it is a violation
CASES = [
    (layers.downward, "lib/base/a.c", '#include "lib/model/kind.h"\n', True),
    (layers.downward, "lib/model/a.c", '#include "lib/base/str.h"\n', False),
    (layers.downward, "lib/model/a.c", '#include "lib/rpc/rpc.h"\n', True),
    (layers.downward, "lib/ctl/a.c", '#include "lib/rpc/rpc.h"\n', True),
    (layers.downward, "lib/base/a.c", '#include "koupleless/agent/v1/agent.pb-c.h"\n', True),
    (layers.downward, "lib/rpc/a.c", '#include "grpc/health/v1/health.pb-c.h"\n', False),
    (layers.downward, "services/agent/a.c", '#include "services/scheduler/place.h"\n', True),
    (layers.downward, "services/agent/a.c", '#include "services/agent/engine/a.h"\n', False),
    (layers.downward, "services/agent/engine/a.c", '#include "services/agent/a.h"\n', True),
    (layers.downward, "services/controller/a.c", '#include "services/controller/store/store.h"\n', False),
    (layers.downward, "services/controller/api/a.c", '#include "services/controller/store/store.h"\n', False),
    (layers.downward, "services/controller/store/embedded/a.c",
     '#include "services/controller/store/store.h"\n', False),
    (layers.downward, "services/controller/store/a.c", '#include "services/controller/a.h"\n', True),
    (layers.downward, "services/controller/engine/a.c", '#include "services/controller/store/store.h"\n', True),
    (layers.downward, "clients/cli/a.c", '#include "services/controller/controller.h"\n', True),
    (layers.downward, "lib/http/a.c", '#include "services/agent/a.h"\n', True),
    (layers.downward, "tests/sim/a.c", '#include "services/controller/store/record.h"\n', False),
    (layers.downward, "tests/sim/a.c", '#include "services/agent/operations.h"\n', False),
    (layers.downward, "tests/sim/a.c", '#include "clients/cli/documents.h"\n', True),
    (layers.from_the_top, "lib/base/a.c", '#include "str.h"\n', True),
    (layers.from_the_top, "lib/base/a.c", '#include "lib/base/a.c"\n', False),
    (layers.foreign, "lib/http/a.c", "#include <curl/curl.h>\n", False),
    (layers.foreign, "services/agent/a.c", "#include <curl/curl.h>\n", True),
    (layers.foreign, "lib/rpc/a.c", "#include <grpc/grpc.h>\n", False),
    (layers.foreign, "services/agent/a.c", "  #  include <grpc/grpc_security.h>\n", True),
    (layers.foreign, "services/controller/store/embedded/a.c", "#include <sqlite3.h>\n", False),
    (layers.foreign, "services/controller/store/a.c", "#include <sqlite3.h>\n", True),
    (layers.foreign, "services/controller/a.c", "#include <event2/http.h>\n", True),
    (layers.foreign, "tests/support/arklet-sim/a.c", "#include <event2/http.h>\n", False),
    (layers.foreign, "lib/rpc/a.c", "#include <cjson/cJSON.h>\n", True),
    (layers.pure, "services/agent/engine/a.c", "#include <stdint.h>\n", False),
    (layers.pure, "services/agent/engine/a.c", "#include <stdio.h>\n", True),
    (layers.pure, "services/agent/engine/a.c", "#include <time.h>\n", True),
    (layers.pure, "services/agent/engine/a.c", "#include <sys/socket.h>\n", True),
    (layers.pure, "services/agent/engine/a.c", '#include "lib/base/log.h"\n', True),
    (layers.pure, "services/agent/engine/a.c", '#include "lib/base/clock.h"\n', False),
    (layers.pure_calls, "services/agent/engine/a.c", "now = clock_wall_ms(clock);\n", True),
    (layers.pure, "services/agent/engine/a.c", '#include "lib/rpc/client.h"\n', True),
    (layers.pure, "services/agent/engine/a.c", '#include "lib/model/kind.h"\n', False),
    (layers.pure, "services/agent/engine/a_test.c", "#include <cmocka.h>\n", False),
    (layers.pure_calls, "services/agent/engine/a.c", 'x = getenv("HOME");\n', True),
    (layers.pure_calls, "services/agent/engine/a.c", "str_printf(out, NULL);\n", False),
    (layers.pure_calls, "services/agent/engine/a.c", "view->time(now);\n", False),
    (layers.pure_calls, "services/agent/engine/a.c", "/* time() is not read */\n", False),
    (habits.banned, "lib/base/a.c", "strcpy(a, b);\n", True),
    (habits.banned, "lib/base/a.c", "n = atoi (s);\n", True),
    (habits.banned, "lib/base/a.c", "/* not strcpy(a, b) */\n", False),
    (habits.banned, "lib/base/a.c", 'log("strcpy(a, b)");\n', False),
    (habits.banned, "lib/base/a.c", "snprintf(a, n, b);\n", False),
    (habits.allocation, "lib/base/a.c", "p = malloc(3);\n", True),
    (habits.allocation, "lib/base/mem.c", "p = calloc(1, 3);\n", False),
    (habits.allocation, "lib/base/a.c", "p = mem_strdup(s);\n", False),
    (habits.ending, "lib/base/a.c", "exit(1);\n", True),
    (habits.ending, "services/agent/main.c", "exit(1);\n", False),
    (habits.ending, "lib/base/a.c", "_exit(1);\n", False),
    (habits.clocks, "services/agent/a.c", "clock_gettime(CLOCK_REALTIME, &ts);\n", True),
    (habits.clocks, "lib/ctl/a.c", "clock_gettime(C, &t); pthread_cond_timedwait(&c, &m, &t);\n", False),
    (habits.clocks, "services/agent/a.c", "now = clock_wall_ms(clock);\n", False),
    (habits.licence, "lib/base/a.c", "int x;\n", True),
    (habits.licence, "lib/base/a.c", "/* SPDX-License-Identifier: Apache-2.0 */\n", False),
    (habits.licence, "scripts/a", "#!/bin/bash\necho\n", True),
    (habits.guards, "lib/base/a.h", "#pragma once\n", True),
    (habits.guards, "lib/base/a.h", GUARD, False),
    (habits.length, "lib/base/a.c", "x\n" * 701, True),
    (habits.length, "lib/base/a.c", "x\n" * 700, False),
    (habits.width, "lib/base/a.c", "/* " + 126 * "x" + "\n", True),
    (habits.width, "lib/base/a.c", "/* " + 125 * "x" + "\n", False),
    (habits.width, "lib/base/a.c", "/* https://" + 126 * "x" + "\n", False),
    (habits.whitespace, "lib/base/a.c", "int x; \n", True),
    (habits.whitespace, "lib/base/a.c", "\tint x;\n", True),
    (habits.whitespace, "lib/base/a.c", "int x;", True),
    (habits.whitespace, "lib/base/a.c", "int x;\n", False),
    (habits.unfinished, "lib/base/a.c", "/* TO" "DO later */\n", True),
    (habits.unfinished, "lib/base/a.c", "/* later */\n", False),
    (habits.machine_paths, "docs/a.md", "see /home/me/x\n", True),
    (habits.machine_paths, "docs/a.md", "see lib/home/x and /var/lib/x\n", False),
    (habits.links, "docs/a.md", "[b](b.md)\n", True),
    (habits.links, "docs/a.md", "[a](../docs/a.md) and [w](https://example.org/x)\n", False),
    (habits.links, "docs/a.md", "# One thing\n[a](#one-thing)\n", False),
    (habits.links, "docs/a.md", "# One thing\n[a](#other)\n", True),
    (habits.unused_headers, "lib/base/a.h", GUARD, True),
    (habits.sleeps_in_tests, "tests/e2e/test_a.py", "    time.sleep(1)\n", True),
    (documented.reasons, "lib/base/a.c", 'return err_reason(err, "NEW_ONE");\n', True),
    (documented.reasons, "services/controller/engine/a.c", 'plan_event(p, "", true, "NewOne", text);\n', True),
    (documented.reasons, "services/controller/engine/a.c", 'message("New one");\n', False),
    (documented.reasons, "docs/errors.md", "| `OLD_ONE` | gone |\n", True),
    (documented.reasons, "docs/errors.md", "`OLD_ONE` in a sentence\n", False),
    (documented.metrics, "services/agent/a.c", 'metrics_counter(m, "koupleless_new_total", "New", NULL);\n', True),
    (documented.metrics, "docs/operations.md", "| `koupleless_old_total` | gone |\n", True),
    (documented.options, "services/agent/main.c", '{.name = "new", .type = OPTION_INT},\n', True),
    (documented.options, "docs/operations.md", "| `--old N` | gone |\n", True),
    (documented.options, "docs/operations.md", "| `--help` | all |\n", False),
    (documented.named_tests, "docs/v1-defects.md", "| 1 | a | b | `a_test.c::gone` |\n", True),
    (documented.named_tests, "docs/requirements.md", "| 1.1 | a | `a_test.c::gone` |\n", True),
    (documented.numbered, "docs/v1-defects.md", "| 1 | a | b | |\n", True),
    (documented.numbered, "docs/v1-defects.md", "| # | a | b | tests |\n", False),
    (documented.numbered, "docs/requirements.md", "| 1.1 | a | |\n", True),
    (documented.numbered, "docs/requirements.md", "| 1.1 | a | `a_test.c::b` |\n| I1 | a |\n", False),
    (documented.requirements, "lib/base/a.h", "/* Requirement 11.1. */\n", True),
    (documented.requirements, "lib/base/a.h", "/* Invariant I11. */\n", True),
    (documented.requirements, "lib/base/a.h", "/* What is required: 11.1 */\n", False),
    (habits.sleeps_in_tests, "tests/e2e/wait.py", "    time.sleep(0.05)  # poll\n", False),
]


@pytest.mark.parametrize("rule, path, text, wrong", CASES)
def test_rule(rule, path, text, wrong):
    assert bool(list(rule(Tree({path: text})))) == wrong


def test_shared_guards_are_found():
    tree = Tree({"lib/base/a.h": GUARD, "lib/base/b.h": GUARD})
    assert list(habits.guards_differ(tree)) == ["lib/base/b.h: its guard KOUPLELESS_A_H is that of lib/base/a.h"]


def test_reasons_that_meet_are_fine():
    tree = Tree({"services/controller/engine/a.c": 'return "OldOne,NewOne";\n',
                 "docs/errors.md": "| `OldOne` | |\n| **`NewOne`** | |\n"})
    assert not documented.reasons(tree)


@pytest.mark.parametrize("named, wrong", [
    ("a_test.c::works", 0), ("lib/a_test.c::works", 0), ('a_test.c::"1.1 a row"', 0), ("x/test_b.py::test_b", 0),
    ("a_test.c::work", 1), ("b_test.c::works", 1), ('a_test.c::"1.1 a"', 1), ("y/test_b.py::test_b", 1),
    ("a_test.c::helper", 1)])
def test_tests_that_are_named_are_looked_for(named, wrong):
    tree = Tree({"docs/v1-defects.md": f"| 1 | a | b | `{named}` |\n",
                 "lib/a_test.c": 'static void works(void **state)\n{.name = "1.1 a row",\nstatic int helper(void)\n',
                 "tests/x/test_b.py": "def test_b():\n    pass\n"})
    assert len(list(documented.named_tests(tree))) == wrong


def test_rows_of_defects_are_numbered():
    tree = Tree({"docs/v1-defects.md": "| 1 | `test_b.py::test_b` |\n| 3 | `test_b.py::test_b` |\n",
                 "tests/test_b.py": "def test_b():\n"})
    assert len(list(documented.numbered(tree))) == 1


def test_requirements_that_have_a_row_may_be_spoken_of():
    tree = Tree({"docs/requirements.md": "| 1.1 | a | `a_test.c::b` |\n| I1 | a |\n",
                 "lib/base/a.h": "/* Requirement 1.1, invariant I1. */\n"})
    assert not list(documented.requirements(tree))


def test_every_rule_has_a_case():
    covered = {rule for rule, *_ in CASES} | {habits.guards_differ}
    assert covered == set(layers.RULES + habits.RULES + documented.RULES)
    for rule in covered - {habits.guards_differ}:
        assert {wrong for r, _, _, wrong in CASES if r == rule} >= {True}
