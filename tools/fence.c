/* Restricts a server to loopback: when preloaded, bind() ignores the requested address and uses loopback. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    struct sockaddr_storage copy;
    if (length > sizeof copy)
        return real(fd, address, length);
    memcpy(&copy, address, length);
    if (address->sa_family == AF_INET) {
        ((struct sockaddr_in *)&copy)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (address->sa_family == AF_INET6) {
        /* The IPv4 loopback as a mapped address, which a dual-stack socket accepts. */
        static const unsigned char loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
        memcpy(&((struct sockaddr_in6 *)&copy)->sin6_addr, loopback, sizeof loopback);
    }
    return real(fd, (struct sockaddr *)&copy, length);
}
