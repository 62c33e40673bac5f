/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_COMPLETION_H
#define KOUPLELESS_CLI_COMPLETION_H

#include "lib/base/err.h"
#include "lib/base/str.h"

/** completion_write() - appends the script for @shell (bash, zsh, fish) to @out. Pure. cli_usage() error for others. */
int completion_write(const char *shell, struct str *out, struct err **err);

#endif
