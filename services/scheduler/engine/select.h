/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_ENGINE_SELECT_H
#define KOUPLELESS_SCHEDULER_ENGINE_SELECT_H

#include <stddef.h>
#include <stdint.h>

/**
 * select_kth() - the value that would stand at index @k if the @len @values were sorted; k < len. O(len), whatever
 * their order.
 */
int64_t select_kth(const int64_t *values, size_t len, size_t k);

#endif
