/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health page of a base beside Arklet's list: "FLAGS LIST\0PAGE", where the bits of the first byte say
 * what was asked and what answered.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "services/agent/engine/base_health.h"
#include "tests/fuzz/fuzz.h"

enum flags {
    WANTED = 1,
    PAGE_ANSWERED = 2,
    ARKLET_ANSWERED = 4,
    OPERATING = 8,
    NOT_FOUND = 16,
    LATE = 32,
};

static void check(const struct health_facts *facts)
{
    struct base_health health = {0};
    struct base_health again = {0};
    base_health_of(facts, &health);
    base_health_of(facts, &again);
    ASSERT(base_health_equal(&health, &again));
    ASSERT(health.len == facts->modules->len);
    for (size_t i = 0; i < health.len; i++) {
        ASSERT(strcmp(health.modules[i].name, facts->modules->items[i].name) == 0);
        ASSERT(health_name(health.modules[i].status));
    }
    /* Arklet may be busy with what it was asked to do. */
    ASSERT(health.status != HEALTH_UP || facts->arklet_contact == CONTACT_GOOD || facts->operating);
    ASSERT(!health.takes_modules || health.base_status == HEALTH_UP);
    ASSERT(!health.dead || health.base_status == HEALTH_DOWN);
    ASSERT(health.status != HEALTH_UP || !health.message);
    base_health_done(&health);
    base_health_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *split = size ? memchr(data + 1, 0, size - 1) : NULL;
    if (!split)
        return 0;
    struct biz_list modules = {0};
    (void)biz_list_parse((const char *)data + 1, (size_t)(split - data) - 1, &modules, NULL);
    int flags = data[0];
    enum contact answered = flags & LATE ? CONTACT_LATE : CONTACT_GOOD;
    struct health_facts facts = {
        .page_wanted = flags & WANTED,
        .page_contact = flags & PAGE_ANSWERED ? answered : CONTACT_REFUSED,
        .arklet_contact = flags & ARKLET_ANSWERED ? answered : CONTACT_REFUSED,
        .page_status = flags & NOT_FOUND ? 404 : 200,
        .page = (const char *)split + 1,
        .page_len = (size_t)(data + size - split) - 1,
        .page_error = flags & PAGE_ANSWERED ? NULL : "refused",
        .modules = &modules,
        .operating = flags & OPERATING,
    };
    check(&facts);
    biz_list_done(&modules);
    return 0;
}
