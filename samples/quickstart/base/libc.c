/* SPDX-License-Identifier: Apache-2.0 */
/* The few functions that compilers call by themselves; this base links no libc. */

#include <base.h>

static void copy(unsigned char *to, const unsigned char *from, size_t size)
{
	while (size-- > 0) {
		*to++ = *from++;
	}
}

static void fill(unsigned char *to, unsigned char value, size_t size)
{
	while (size-- > 0) {
		*to++ = value;
	}
}

void *memcpy(void *to, const void *from, size_t size)
{
	copy(to, from, size);
	return to;
}

void *memset(void *to, int value, size_t size)
{
	fill(to, (unsigned char)value, size);
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

/* What clang calls instead where it knows the alignment, or that zeros are wanted: Run-time ABI for
 * the Arm Architecture (RTABI32), 4.3.4 "Memory copying, clearing, and setting". */

void __aeabi_memcpy(void *to, const void *from, size_t size);
void __aeabi_memcpy4(void *to, const void *from, size_t size);
void __aeabi_memclr(void *to, size_t size);
void __aeabi_memclr4(void *to, size_t size);

void __aeabi_memcpy(void *to, const void *from, size_t size)
{
	copy(to, from, size);
}

void __aeabi_memcpy4(void *to, const void *from, size_t size)
{
	copy(to, from, size);
}

void __aeabi_memclr(void *to, size_t size)
{
	fill(to, 0, size);
}

void __aeabi_memclr4(void *to, size_t size)
{
	fill(to, 0, size);
}
