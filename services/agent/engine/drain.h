/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_DRAIN_H
#define KOUPLELESS_AGENT_ENGINE_DRAIN_H

#include <stdint.h>

/*
 * When a module is drained: the time in which its clients hear that it is out of traffic is over, and no request
 * is under way in it any more, where the base counts them. Arklet has no command for that, but a base may add one
 * (docs/guide.md, "Requests under way").
 */
enum drain_told {
    DRAIN_NOT_TOLD, /* not asked, or too long ago */
    DRAIN_NOT_COUNTED,
    DRAIN_COUNTED,
};

struct drain {
    int64_t began_ms;
    int64_t drain_ms;    /* always waited for */
    int64_t max_wait_ms; /* after that, for requests that are under way: at most */
    enum drain_told told;
    int64_t requests; /* DRAIN_COUNTED: under way */
};

enum drain_step {
    DRAIN_WAIT, /* until ret_until_ms; told is then DRAIN_NOT_TOLD */
    DRAIN_ASK,  /* how many are under way */
    DRAIN_OVER,
};

/** drain_next() - all times of one clock. What is left when the last wait is over is counted once more. */
enum drain_step drain_next(const struct drain *drain, int64_t now_ms, int64_t *ret_until_ms);

#endif
