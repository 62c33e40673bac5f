/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_REPORT_INTERVAL_H
#define KOUPLELESS_AGENT_ENGINE_REPORT_INTERVAL_H

#include <stdint.h>

#define REPORT_EVERY_DEFAULT_MS 30000
#define REPORT_EVERY_MAX_MS (60 * 60 * 1000)

/**
 * report_interval_ms() - after which the next report goes to a controller that asks for it after @seconds and @nanos
 *
 * The default where that is no time to come, an hour at most: who is told never to report would be taken for gone.
 */
int64_t report_interval_ms(int64_t seconds, int32_t nanos);

#endif
