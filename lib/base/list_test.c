/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/list.h"

struct item {
    int number;
    struct list node;
};

/* The numbers of a list as one: 1, 2, 3 is 123. */
static int digits(struct list *head)
{
    int all = 0;
    LIST_FOR_EACH (it, head)
        all = all * 10 + LIST_ENTRY(it, struct item, node)->number;
    return all;
}

static void items_come_in_order(void **state)
{
    (void)state;
    struct list head;
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&head);
    assert_true(list_empty(&head));
    assert_int_equal(digits(&head), 0);
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        list_append(&head, &items[i].node);
    assert_false(list_empty(&head));
    assert_int_equal(digits(&head), 123);
    list_remove(&items[1].node);
    assert_int_equal(digits(&head), 13);
    list_append(&head, &items[1].node);
    assert_int_equal(digits(&head), 132);
    list_remove(&items[0].node);
    list_remove(&items[1].node);
    list_remove(&items[2].node);
    assert_true(list_empty(&head));
}

static void removing_what_is_in_no_list_is_harmless(void **state)
{
    (void)state;
    struct list node, head;
    list_init(&head);
    list_init(&node);
    list_remove(&node);
    list_append(&head, &node);
    list_remove(&node);
    list_remove(&node);
    assert_true(list_empty(&node));
    assert_true(list_empty(&head));
}

static void the_body_may_remove_its_item(void **state)
{
    (void)state;
    struct list head, odd;
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    list_init(&head);
    list_init(&odd);
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        list_append(&head, &items[i].node);
    LIST_FOR_EACH (it, &head) {
        if (LIST_ENTRY(it, struct item, node)->number % 2 == 0)
            continue;
        list_remove(it);
        list_append(&odd, it);
    }
    assert_int_equal(digits(&head), 24);
    assert_int_equal(digits(&odd), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_in_order),
        cmocka_unit_test(removing_what_is_in_no_list_is_harmless),
        cmocka_unit_test(the_body_may_remove_its_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
