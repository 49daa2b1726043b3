/* SPDX-License-Identifier: Apache-2.0 */
/* The few functions that compilers call by themselves; this base links no libc. */

#include <base.h>

void *memcpy(void *to, const void *from, size_t size)
{
	unsigned char *target = to;
	const unsigned char *source = from;

	while (size-- > 0) {
		*target++ = *source++;
	}
	return to;
}

void *memset(void *to, int value, size_t size)
{
	unsigned char *target = to;

	while (size-- > 0) {
		*target++ = (unsigned char)value;
	}
	return to;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0') {
		length++;
	}
	return length;
}
