/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_ASSERT_H
#define KOUPLELESS_BASE_ASSERT_H

/*
 * Assertions about our own code, kept in release builds. Never for input: that gets an err.
 */

/** ASSERT() - ends the process with file, line and condition where @cond is false. */
#define ASSERT(cond) ((cond) ? (void)0 : assert_failed(__FILE__, __LINE__, #cond))

/** UNREACHABLE() - a place that can't be reached, and why. */
#define UNREACHABLE(why) assert_failed(__FILE__, __LINE__, "unreachable: " why)

_Noreturn void assert_failed(const char *file, int line, const char *what);

#endif
