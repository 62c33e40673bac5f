/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_FILE_H
#define KOUPLELESS_BASE_FILE_H

#include <stddef.h>

#include "lib/base/err.h"

/**
 * file_read() - the whole file (or pipe) @path
 * @max:     most bytes that are accepted
 * @ret_len: NULL where nobody wants to know
 *
 * Return: owned, with a NUL behind it; or NULL with ERR_NOT_FOUND, ERR_DENIED, ERR_LIMIT, or ERR_INVALID (a folder,
 * for one). The message does not name the file.
 */
char *file_read(const char *path, size_t max, size_t *ret_len, struct err **err);

#endif
