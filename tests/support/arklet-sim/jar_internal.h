/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_JAR_INTERNAL_H
#define ARKLET_SIM_JAR_INTERNAL_H

#include "tests/support/arklet-sim/jar.h"

/** jar_read() - read a jar in a file. Return: NULL and *@ret, or what Java would throw. */
struct failure *jar_read(const char *path, struct jar **ret);

#endif
