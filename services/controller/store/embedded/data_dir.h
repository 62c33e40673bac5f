/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_EMBEDDED_DATA_DIR_H
#define KOUPLELESS_CONTROLLER_STORE_EMBEDDED_DATA_DIR_H

#include "lib/base/err.h"

/**
 * data_dir_lock() - make the directory @dir where it is missing (0700) and lock it for this process
 * @ret_fd: the lock, held until it is closed (or the process ends)
 *
 * Return: 0, or -1 with ERR_UNAVAILABLE; where another process holds it, the message names its pid.
 */
int data_dir_lock(const char *dir, int *ret_fd, struct err **err);

/** data_dir_sync() - make the entries of the directory @path durable. ERR_UNAVAILABLE. */
int data_dir_sync(const char *path, struct err **err);

/** data_dir_make_file() - make sure that @path exists and is ours alone (0600). ERR_UNAVAILABLE. */
int data_dir_make_file(const char *path, struct err **err);

#endif
