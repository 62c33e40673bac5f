/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_BASE64_H
#define KOUPLELESS_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Base64, RFC 4648. */

/** base64_text() - the standard form of the @len bytes of @data, padded; owned. */
char *base64_text(const void *data, size_t len);

/**
 * base64_bytes() - what @text means; the url-safe alphabet is read too, and padding may be missing
 * @ret_bytes: owned, with a NUL behind them
 * @ret_len:   without that
 *
 * Return: false where it is none, line breaks included.
 */
bool base64_bytes(const char *text, uint8_t **ret_bytes, size_t *ret_len);

#endif
