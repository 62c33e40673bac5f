/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors, label values and times: small texts from users. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/model/labels.h"
#include "tests/fuzz/fuzz.h"

static void check_selector(const char *text)
{
    AUTO_ERR struct err *err = NULL;
    struct selector selector = {0};
    struct json_map labels = {0};
    if (selector_parse(text, &selector, &err) < 0) {
        ASSERT(err);
        return;
    }
    (void)selector_matches(&selector, &labels);
    selector_done(&selector);
}

static void check_time(const char *text)
{
    int64_t wall_ms;
    int64_t again_ms;
    char buf[TIME_TEXT_SIZE];
    if (time_parse(text, &wall_ms))
        ASSERT(time_parse(time_format(wall_ms, buf), &again_ms) && again_ms == wall_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    check_selector(text);
    check_time(text);
    AUTO_FREE char *value = label_value(text);
    ASSERT(label_value_is_valid(value));
    return 0;
}
