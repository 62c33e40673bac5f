/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "services/agent/engine/probes.h"

#define MUTE "the base takes connections and answers none for 30 s"

static const struct {
    const char *what;
    struct probe_facts facts;
    const char *startup, *live,
        *ready; /* what is said; a probe that is good says "ok", or begins with "+" */
} rows[] = {
    {"nobody is there yet", {.message = "refused"}, "the base starts: refused", "ok", "refused"},
    {"it starts",
     {.message = "the base is UNKNOWN"},
     "the base starts: the base is UNKNOWN",
     "ok",
     "the base is UNKNOWN"},
    {"it is up, and its JVM was not asked yet",
     {0},
     "the base starts: its JVM is not known yet",
     "ok",
     "its JVM is not known yet"},
    {"its start takes long, and its page hangs meanwhile",
     {.mute_ms = 29999, .message = "silent"},
     "the base starts: silent",
     "ok",
     "silent"},
    {"ready", {.ready = true, .was_ready = true}, "ok", "ok", "ok"},
    {"a module is sick, the base is ready",
     {.ready = true, .was_ready = true, .message = "module m 1.0.0: test is DOWN"},
     "ok",
     "ok",
     "ok"},
    {"Arklet is gone",
     {.was_ready = true, .message = "Arklet does not answer"},
     "ok",
     "ok",
     "Arklet does not answer"},
    {"the base is unwell by its own word",
     {.was_ready = true, .message = "the base is DOWN"},
     "ok",
     "ok",
     "the base is DOWN"},
    {"its start failed, the JVM lives on",
     {.dead = true, .message = "404"},
     "+the start is over: 404",
     "404",
     "404"},
    {"its context has closed",
     {.was_ready = true, .dead = true, .message = "404"},
     "+the start is over: 404",
     "404",
     "404"},
    {"it hangs", {.was_ready = true, .mute_ms = 29999, .message = "silent"}, "ok", "ok", "silent"},
    {"it hangs for good",
     {.was_ready = true, .mute_ms = 30000, .message = "silent"},
     "ok",
     MUTE,
     "silent"},
    {"... while a module is installed",
     {.was_ready = true, .mute_ms = 300000, .operating = true, .message = "silent"},
     "ok",
     "ok",
     "silent"},
};

static void check(const char *what, void (*judge)(const struct probe_facts *, struct probe *),
                  const struct probe_facts *facts, const char *said)
{
    struct probe probe = {0};
    bool good = str_eq(said, "ok") || *said == '+';
    judge(facts, &probe);
    if (probe.good != good || !str_eq(probe.why, *said == '+' ? said + 1 : said))
        fail_msg("%s: %s, \"%s\"", what, probe.good ? "good" : "bad", probe.why);
    probe_done(&probe);
    assert_null(probe.why);
}

static void what_probes_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        check(rows[i].what, probe_startup, &rows[i].facts, rows[i].startup);
        check(rows[i].what, probe_live, &rows[i].facts, rows[i].live);
        check(rows[i].what, probe_ready, &rows[i].facts, rows[i].ready);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_probes_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
