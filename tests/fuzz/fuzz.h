/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_TESTS_FUZZ_H
#define KOUPLELESS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** LLVMFuzzerTestOneInput() - libFuzzer calls it with one input after another. Return: 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
