/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An LD_PRELOAD library: a bind() to all IPv4 addresses goes to the address in $BIND_TO.
 *
 * Arklet always listens on all interfaces. With this, several bases on one machine each have their
 * own 127.0.0.N:1238, as pods have. The JVM needs -Djava.net.preferIPv4Stack=true.
 */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
    const char *wanted = getenv("BIND_TO");
    struct sockaddr_in in;

    if (!wanted || address->sa_family != AF_INET || len < sizeof(in))
        return (int)syscall(SYS_bind, fd, address, len);
    memcpy(&in, address, sizeof(in));
    if (in.sin_addr.s_addr == htonl(INADDR_ANY))
        (void)inet_pton(AF_INET, wanted, &in.sin_addr); /* no address: stays as it was */
    return (int)syscall(SYS_bind, fd, &in, sizeof(in));
}
