/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "services/agent/engine/contact.h"

#define LONG_AGO INT64_MAX

static void what_silence_means(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct contact_facts facts;
        enum contact contact;
    } rows[] = {
        {"nothing was said yet", {.quiet_ms = LONG_AGO}, CONTACT_NONE},
        {"... and it is asked", {.waiting_ms = 1500, .quiet_ms = LONG_AGO}, CONTACT_NONE},
        {"... for too long", {.waiting_ms = 5000, .quiet_ms = LONG_AGO}, CONTACT_SILENT},
        {"the last question was answered", {.answered = true, .quiet_ms = LONG_AGO}, CONTACT_GOOD},
        {"one is on its way",
         {.answered = true, .waiting_ms = 999, .quiet_ms = LONG_AGO},
         CONTACT_GOOD},
        {"for a second",
         {.answered = true, .waiting_ms = 1000, .quiet_ms = LONG_AGO},
         CONTACT_LATE},
        {"until it is silent",
         {.answered = true, .waiting_ms = 4999, .quiet_ms = LONG_AGO},
         CONTACT_LATE},
        {"it is", {.answered = true, .waiting_ms = 5000, .quiet_ms = LONG_AGO}, CONTACT_SILENT},
        {"one that is always slow is not late",
         {.answered = true, .waiting_ms = 2399, .took_ms = 1200, .quiet_ms = LONG_AGO},
         CONTACT_GOOD},
        {"... unless it is slower than ever",
         {.answered = true, .waiting_ms = 2400, .took_ms = 1200, .quiet_ms = LONG_AGO},
         CONTACT_LATE},
        {"... or so slow that silence is near",
         {.answered = true, .waiting_ms = 2500, .took_ms = 4000, .quiet_ms = LONG_AGO},
         CONTACT_LATE},
        {"... and silent all the same",
         {.answered = true, .waiting_ms = 5000, .took_ms = 4000, .quiet_ms = LONG_AGO},
         CONTACT_SILENT},
        {"nothing is late while a module is installed",
         {.answered = true, .waiting_ms = 29999, .operating = true},
         CONTACT_GOOD},
        {"... but silent in the end",
         {.answered = true, .waiting_ms = 30000, .operating = true},
         CONTACT_SILENT},
        {"silence of an install is forgotten with its end",
         {.answered = true, .waiting_ms = 20000, .quiet_ms = 10},
         CONTACT_GOOD},
        {"... and begins anew",
         {.answered = true, .waiting_ms = 20000, .quiet_ms = 1000},
         CONTACT_LATE},
        {"refused", {.refused = true, .quiet_ms = LONG_AGO}, CONTACT_REFUSED},
        {"refused while a module is installed",
         {.refused = true, .operating = true},
         CONTACT_REFUSED},
        {"refused, asked again",
         {.refused = true, .waiting_ms = 1500, .quiet_ms = LONG_AGO},
         CONTACT_REFUSED},
        {"... by one that takes the connection and is silent",
         {.refused = true, .waiting_ms = 5000, .quiet_ms = LONG_AGO},
         CONTACT_SILENT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct contact_facts facts = rows[i].facts;
        facts.silent_ms = 5000;
        if (contact_of(&facts) != rows[i].contact)
            fail_msg("%s: %d", rows[i].what, contact_of(&facts));
    }
}

static void what_a_refusal_is(void **state)
{
    (void)state;
    assert_true(contact_refused(true, 0));
    assert_true(contact_refused(true, 399));
    assert_false(contact_refused(true, 400)); /* the backlog of one that hangs is full */
    assert_false(contact_refused(false, 0));  /* it hung up */
}

static void what_counts(void **state)
{
    (void)state;
    assert_true(contact_counts(CONTACT_GOOD));
    assert_true(contact_counts(CONTACT_LATE));
    assert_false(contact_counts(CONTACT_NONE));
    assert_false(contact_counts(CONTACT_SILENT));
    assert_false(contact_counts(CONTACT_REFUSED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_silence_means),
        cmocka_unit_test(what_a_refusal_is),
        cmocka_unit_test(what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
