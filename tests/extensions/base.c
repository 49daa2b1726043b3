/* SPDX-License-Identifier: Apache-2.0 */
/* The base image: a few functions and variables. Printing is the emulator's. */
#include "base.h"

int base_counter = 40;
const int base_squares[5] = {0, 1, 4, 9, 16};
const char *base_name = "base";

int printk(const char *format, ...)
{
	return format == 0;
}

int base_add(int a, int b)
{
	return a + b;
}

int base_apply(int (*function)(int), int value)
{
	base_counter++;
	return function(value);
}

int base_twice(int value)
{
	return 2 * value;
}

int base_far(int value)
{
	return value + 1000;
}

/* Compilers call these by themselves. */
void *memcpy(void *to, const void *from, __SIZE_TYPE__ size)
{
	for (__SIZE_TYPE__ each = 0; each < size; each++) {
		((volatile char *)to)[each] = ((const volatile char *)from)[each];
	}
	return to;
}

void *memset(void *to, int value, __SIZE_TYPE__ size)
{
	for (__SIZE_TYPE__ each = 0; each < size; each++) {
		((volatile char *)to)[each] = (char)value;
	}
	return to;
}
