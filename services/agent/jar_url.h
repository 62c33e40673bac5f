/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JAR_URL_H
#define KOUPLELESS_AGENT_JAR_URL_H

#include <stdbool.h>

/* What kind of url a jar has. Pure. */

/** jar_url_is_http() - http: or https:, in any case. */
bool jar_url_is_http(const char *url);

/** jar_url_shown() - without user and password, for messages, which are seen by more people than the url. Owned. */
char *jar_url_shown(const char *url);

/** jar_url_path() - the path of file:/path and file:///path, percent-encoding undone, owned; NULL where it is no such url. */
char *jar_url_path(const char *url);

#endif
