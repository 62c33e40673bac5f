/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_FATE_H
#define KOUPLELESS_SIM_FATE_H

/* What becomes of one call to the store, an agent or the scheduler. */
#define FATE_MAP(X)                                                                                \
    X(FATE_NONE, "none")       /* as it comes */                                                   \
    X(FATE_REFUSED, "refused") /* it fails, and nothing was done */                                \
    X(FATE_ANSWER_LOST,                                                                            \
      "answer-lost")       /* it is done, and its caller is told otherwise, or nothing */          \
    X(FATE_CRASH, "crash") /* who calls is gone as soon as it was sent */

enum fate {
#define X(id, name) id,
    FATE_MAP(X)
#undef X
        FATES
};

extern const char *const fate_names[FATES];

#endif
