/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

/* Names of the instances that were chosen, each followed by a blank; owned. */
static char *names_of(const struct chosen *chosen)
{
    struct str text = STR_INIT(1000);
    for (size_t i = 0; i < chosen->len; i++)
        str_printf(&text, "%s ", chosen->items[i]->module->meta.name);
    return str_take(&text);
}

static void instances_are_found_in_the_order_of_the_answer(void **state)
{
    (void)state;
    static const struct kit_row row = {.spec = "v2 x3",
                                       .revisions = "v1#1=3 aA bA cA",
                                       .bases = "a b c",
                                       .answers = "evict v1 c gone a"};
    struct kit kit;
    kit_init(&kit, &row);
    const struct revision *revision = kit_revision(&kit, "v1");
    struct chosen chosen = chosen_of(revision);
    AUTO_FREE char *names = names_of(&chosen);
    assert_string_equal(names, "v1@c v1@a ");
    static const bool expected[] = {true, false, true};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        assert_int_equal(chosen_has(&chosen, revision->instances.items[i]), expected[i]);
    chosen_done(&chosen);
    kit_done(&kit);
}

static void without_an_answer_none_is_chosen(void **state)
{
    (void)state;
    static const struct kit_row row = {.spec = "v1 x1", .revisions = "v1#1=1 aA", .bases = "a"};
    struct kit kit;
    kit_init(&kit, &row);
    struct chosen chosen = chosen_of(kit_revision(&kit, "v1"));
    assert_int_equal(chosen.len, 0);
    assert_false(chosen_has(&chosen, kit_revision(&kit, "v1")->instances.items[0]));
    chosen_done(&chosen);
    kit_done(&kit);
}

/* One that is gone, and one with an instance of another revision, are passed over; each is given once. */
static void a_base_is_given_once(void **state)
{
    (void)state;
    static const struct kit_row row = {.spec = "v2 x3",
                                       .revisions = "v1#1=1 bA; v2#2=3",
                                       .bases = "a b c",
                                       .answers = "place v2 gone b c a; place v1 c"};
    struct kit kit;
    kit_init(&kit, &row);
    struct deployment_view view = kit_view(&kit);
    struct offered offered = offered_of(&view);
    size_t at = 0, other = 0;
    assert_string_equal(offered_next(&offered, kit_revision(&kit, "v2"), &at), "c");
    assert_null(offered_next(&offered, kit_revision(&kit, "v1"), &other));
    assert_string_equal(offered_next(&offered, kit_revision(&kit, "v2"), &at), "a");
    assert_null(offered_next(&offered, kit_revision(&kit, "v2"), &at));
    offered_done(&offered);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_are_found_in_the_order_of_the_answer),
        cmocka_unit_test(without_an_answer_none_is_chosen),
        cmocka_unit_test(a_base_is_given_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
