/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/report_interval.h"

int64_t report_interval_ms(int64_t seconds, int32_t nanos)
{
    if (seconds >= REPORT_EVERY_MAX_MS / 1000)
        return REPORT_EVERY_MAX_MS;
    int64_t ms = seconds < 0 ? 0 : seconds * 1000 + nanos / 1000000;
    return ms > 0 ? ms : REPORT_EVERY_DEFAULT_MS;
}
