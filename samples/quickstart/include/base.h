/* SPDX-License-Identifier: Apache-2.0 */
/* What the base image offers. Extensions include this; `base.exports` in llext.yml lists it. */

#ifndef QUICKSTART_BASE_H
#define QUICKSTART_BASE_H

#include <stddef.h>
#include <stdint.h>

/* Prints; knows %c %s %d %u %x %p %lld %llu %llx and %%, without flags and widths. */
int printk(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Milliseconds since the base was started. This base has no timer: each call is one later. */
int64_t k_uptime_get(void);

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
size_t strlen(const char *text);

/* A data symbol: what the base knows of its board. */
struct board {
	const char *name;
	unsigned int clock_hz;
	short sensor[8]; /* the latest readings of a sensor that this board would have */
};
extern struct board board;

#endif
