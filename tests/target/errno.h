/* SPDX-License-Identifier: Apache-2.0 */
/* Test double: the numbers that Zephyr's errno.h has for the names that blob.c uses. */

#define ENOENT 2
#define ENXIO 6
#define ENOEXEC 8
#define EFAULT 14
#define EINVAL 22
#define EBADMSG 77
#define EADDRINUSE 112
#define ENOTSUP 134
