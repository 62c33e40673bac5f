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
    assert_int_equal(event_ledger_note(&ledger, "shop", "pay.1", 1, 1000)->count, 1);
    assert_int_equal(event_ledger_note(&ledger, "shop", "pay.1", 1, 2000)->count, 2);
    assert_int_equal(event_ledger_note(&ledger, "other", "pay.1", 1, 2000)->count, 1);
    assert_int_equal(event_ledger_note(&ledger, "shop", "pay.2", 7, 2000)->count, 7); /* stored */
    assert_int_equal(event_ledger_note(&ledger, "shop", "pay.2", INT32_MAX, 2000)->count,
                     INT32_MAX);
    event_ledger_done(&ledger);
}

static void counts_are_written_now_and_then(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    struct event_entry *entry = event_ledger_note(&ledger, "shop", "pay.1", 1, 1000);
    assert_int_equal(event_entry_due_ms(entry), 0); /* at once: it is not there yet */
    event_entry_wrote(entry, 50);
    assert_int_equal(event_entry_due_ms(entry), INT64_MAX);
    assert_ptr_equal(event_ledger_note(&ledger, "shop", "pay.1", 1, 1001), entry);
    event_ledger_note(&ledger, "shop", "pay.1", 1, 1002);
    assert_int_equal(event_entry_due_ms(entry), 50 + EVENT_WRITE_EVERY_MS);
    event_entry_wrote(entry, 1050);
    assert_int_equal(entry->written, 3);
    assert_int_equal(event_entry_due_ms(entry), INT64_MAX);
    event_ledger_done(&ledger);
}

/* A list is read again where a page of it has failed. */
static void what_is_stored_counts_once(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    event_ledger_note(&ledger, "ns", "a", 1, 100); /* before the list told of it */
    for (int i = 0; i < 2; i++)
        event_ledger_found(&ledger, "ns", "a", 5, 50, 1000);
    struct event_entry *entry = event_ledger_note(&ledger, "ns", "a", 0, 0);
    assert_int_equal(entry->count, 6);
    assert_int_equal(entry->last_ms, 100);
    assert_int_equal(event_entry_due_ms(entry), INT64_MAX);
    event_ledger_note(&ledger, "ns", "a", 1, 200);
    assert_int_equal(event_entry_due_ms(entry), 1000 + EVENT_WRITE_EVERY_MS);
    event_ledger_done(&ledger);
}

static void names_tell_what_happened_apart(void **state)
{
    (void)state;
    char *name = event_name("pay", "u1", "Installed", "on a");
    const char *others[][4] = {
        {"pay", "u2", "Installed", "on a"},
        {"pay", "u1", "Uninstalled", "on a"},
        {"pay", "u1", "Installed", "on b"},
        {"pay2", "u1", "Installed", "on a"},
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
}

static void assert_expires(struct event_ledger *ledger, int64_t wall_ms, size_t max,
                           const char *name)
{
    struct event_entry *entry = event_ledger_expire(ledger, wall_ms, max);
    if (name) {
        assert_non_null(entry);
        assert_string_equal(entry->name, name);
    } else {
        assert_null(entry);
    }
    event_entry_free(entry);
}

static void what_is_old_is_forgotten(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    event_ledger_note(&ledger, "shop", "first", 1, 1000);
    event_ledger_note(&ledger, "shop", "second", 1, 2000);
    assert_expires(&ledger, 999 + EVENT_LIFE_MS, 10, NULL);
    assert_expires(&ledger, 1000 + EVENT_LIFE_MS, 10, "first");
    event_ledger_note(&ledger, "shop", "second", 1, 5000);
    assert_expires(&ledger, 2000 + EVENT_LIFE_MS, 10, NULL);
    assert_expires(&ledger, 5000 + EVENT_LIFE_MS, 10, "second");
    assert_expires(&ledger, INT64_MAX, 10, NULL);
    event_ledger_done(&ledger);
}

static void many_are_forgotten_early(void **state)
{
    (void)state;
    struct event_ledger ledger = {0};
    event_ledger_note(&ledger, "shop", "young", 1, 3000);
    event_ledger_note(&ledger, "shop", "old", 1, 1000);
    event_ledger_note(&ledger, "shop", "middle", 1, 2000);
    assert_expires(&ledger, 4000, 2, "old");
    assert_expires(&ledger, 4000, 2, NULL);
    event_ledger_done(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_counted),
        cmocka_unit_test(counts_are_written_now_and_then),
        cmocka_unit_test(what_is_stored_counts_once),
        cmocka_unit_test(names_tell_what_happened_apart),
        cmocka_unit_test(names_are_names_of_objects),
        cmocka_unit_test(what_is_old_is_forgotten),
        cmocka_unit_test(many_are_forgotten_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
