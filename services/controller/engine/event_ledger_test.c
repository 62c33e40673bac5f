/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/event_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/model/labels.h"

static void the_same_is_counted(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    assert_int_equal(event_ledger_note(&ledger, "shop", "pay.1", 1000, 1)->count, 1);
    assert_int_equal(event_ledger_note(&ledger, "shop", "pay.1", 2000, 2)->count, 2);
    assert_int_equal(event_ledger_note(&ledger, "other", "pay.1", 2000, 2)->count, 1);
    assert_int_equal(event_ledger_learn(&ledger, "shop", "pay.2", 7, 2000, 2000, 2)->count, 7);
    assert_int_equal(event_ledger_note(&ledger, "shop", "pay.2", 2000, 2)->count, 8);
    event_ledger_note(&ledger, "shop", "pay.3", 2000, 2);
    assert_int_equal(event_ledger_learn(&ledger, "shop", "pay.3", INT32_MAX, 2000, 2000, 2)->count,
                     INT32_MAX);
    event_ledger_done(&ledger);
}

static void counts_are_written_now_and_then(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    struct event_entry *entry = event_ledger_note(&ledger, "shop", "pay.1", 1000, 50);
    assert_int_equal(event_entry_due_ms(entry), 0); /* at once: it is not there yet */
    event_entry_wrote(entry, 50);
    assert_int_equal(event_entry_due_ms(entry), INT64_MAX);
    assert_ptr_equal(event_ledger_note(&ledger, "shop", "pay.1", 1001, 51), entry);
    event_ledger_note(&ledger, "shop", "pay.1", 1002, 52);
    assert_int_equal(event_entry_due_ms(entry), 50 + EVENT_WRITE_EVERY_MS);
    event_entry_wrote(entry, 1050);
    assert_int_equal(entry->written, 3);
    assert_int_equal(event_entry_due_ms(entry), INT64_MAX);
    event_ledger_done(&ledger);
}

static void names_tell_what_happened_apart(void **state)
{
    (void)state;
    char *name = event_name("pay", "u1", "Installed", "on a");
    const char *others[][4] = {
        {"pay", "u2", "Installed", "on a"}, {"pay", "u1", "Uninstalled", "on a"},
        {"pay", "u1", "Installed", "on b"}, {"pay2", "u1", "Installed", "on a"},
        {"pay", NULL, "Installed", "on a"}, /* of what is not stored yet */
        {"pay", "u1", "Installed", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        char *other = event_name(others[i][0], others[i][1], others[i][2], others[i][3]);
        assert_string_not_equal(other, name);
        mem_free(other);
    }
    char *same = event_name("pay", "u1", "Installed", "on a");
    assert_string_equal(same, name);
    mem_free(same);
    mem_free(name);
}

static void names_are_names_of_objects(void **state)
{
    (void)state;
    char longest[LIMIT_NAME + 1] = "";
    memset(longest, 'a', LIMIT_NAME);
    char *name = event_name(longest, "u", "", NULL);
    assert_true(name_is_dns_subdomain(name));
    mem_free(name);
    longest[199] = '.'; /* where it is cut */
    name = event_name(longest, "u", "", NULL);
    assert_true(name_is_dns_subdomain(name));
    mem_free(name);
    name =
        event_name(".-", "u", "", NULL); /* nothing of it is left, and nothing before it is read */
    assert_int_equal(name[0], '.');
    assert_int_equal(strlen(name), 17);
    mem_free(name);
}

static void assert_expires(struct event_ledger *ledger, int64_t now_ms, size_t max,
                           const char *name)
{
    struct event_entry *entry = event_ledger_expire(ledger, now_ms, max);
    if (name) {
        assert_non_null(entry);
        assert_string_equal(entry->name, name);
    } else {
        assert_null(entry);
    }
    event_entry_free(entry);
}

/* Whatever the clock on the wall shows meanwhile. */
static void what_is_old_is_forgotten(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    event_ledger_note(&ledger, "shop", "first", 8000, 1000);
    event_ledger_note(&ledger, "shop", "second", INT64_MAX, 2000);
    assert_expires(&ledger, 999 + EVENT_LIFE_MS, 10, NULL);
    assert_expires(&ledger, 1000 + EVENT_LIFE_MS, 10, "first");
    assert_int_equal(event_ledger_note(&ledger, "shop", "second", 4000, 5000)->last_ms, 4000);
    assert_expires(&ledger, 2000 + EVENT_LIFE_MS, 10, NULL);
    assert_expires(&ledger, 5000 + EVENT_LIFE_MS, 10, "second");
    assert_expires(&ledger, INT64_MAX, 10, NULL);
    event_ledger_done(&ledger);
}

static void many_are_forgotten_early(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    event_ledger_note(&ledger, "shop", "young", 1000, 3000);
    event_ledger_note(&ledger, "shop", "old", 3000, 1000);
    event_ledger_note(&ledger, "shop", "middle", 2000, 2000);
    assert_expires(&ledger, 4000, 2, "old");
    assert_expires(&ledger, 4000, 2, NULL);
    event_ledger_done(&ledger);
}

/* An Event of an earlier life lives on for what is left of its hour by the clock, and for an hour at most. */
static void what_was_stored_grows_older(void **state)
{
    (void)state;
    static const struct {
        int64_t age_ms, left_ms;
    } rows[] = {
        {0, EVENT_LIFE_MS},
        {1000, EVENT_LIFE_MS - 1000},
        {EVENT_LIFE_MS, 0},
        {24 * (int64_t)EVENT_LIFE_MS, 0},              /* or the clock was set ahead */
        {-24 * (int64_t)EVENT_LIFE_MS, EVENT_LIFE_MS}, /* it was set back */
    };
    const int64_t wall_ms = 1790000000000, now_ms = 5000;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct event_ledger ledger = {0};
        event_ledger_learn(&ledger, "shop", "stored", 3, wall_ms - rows[i].age_ms, wall_ms, now_ms);
        if (rows[i].left_ms)
            assert_expires(&ledger, now_ms + rows[i].left_ms - 1, 10, NULL);
        assert_expires(&ledger, now_ms + rows[i].left_ms, 10, "stored");
        event_ledger_done(&ledger);
    }
}

static void what_happened_since_counts_more_than_what_was_stored(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    event_ledger_note(&ledger, "shop", "pay.1", 9000, 5000);
    struct event_entry *entry = NULL;
    for (int i = 0; i < 2; i++) /* a list that was made again */
        entry = event_ledger_learn(&ledger, "shop", "pay.1", 3, 1000, 9500, 5500);
    assert_int_equal(entry->count, 4);
    assert_int_equal(entry->last_ms, 9000);
    assert_int_equal(entry->seen_ms, 5000);
    assert_int_equal(event_entry_due_ms(entry), INT64_MAX);
    event_ledger_note(&ledger, "shop", "pay.1", 9600, 5600);
    assert_int_equal(event_entry_due_ms(entry), 5500 + EVENT_WRITE_EVERY_MS);
    event_ledger_done(&ledger);
}

/* Written by ourselves before the list came, it is one of those that are stored. */
static void what_we_wrote_is_not_counted_twice(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    event_entry_wrote(event_ledger_note(&ledger, "shop", "pay.1", 9000, 5000), 5000);
    event_ledger_note(&ledger, "shop", "pay.1", 9100, 5100);
    assert_int_equal(event_ledger_learn(&ledger, "shop", "pay.1", 1, 9000, 9500, 5500)->count, 2);
    event_ledger_done(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_counted),
        cmocka_unit_test(counts_are_written_now_and_then),
        cmocka_unit_test(names_tell_what_happened_apart),
        cmocka_unit_test(names_are_names_of_objects),
        cmocka_unit_test(what_is_old_is_forgotten),
        cmocka_unit_test(many_are_forgotten_early),
        cmocka_unit_test(what_was_stored_grows_older),
        cmocka_unit_test(what_happened_since_counts_more_than_what_was_stored),
        cmocka_unit_test(what_we_wrote_is_not_counted_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
