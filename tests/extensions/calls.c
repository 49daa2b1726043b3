/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: into the base image, back from it, of itself, with more arguments than registers. */
#include "base.h"

static int offset = 3;

static int shifted(int value)
{
	return value + offset;
}

static int __attribute__((noinline)) depth(int count)
{
	return count == 0 ? 0 : 1 + depth(count - 1);
}

static int __attribute__((noinline)) weighed(int a, int b, int c, int d, int e, int f, int g, int h,
					     int i, int j)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

int calls_demo(void)
{
	int before = base_counter;

	printk("calls: %d %d\n", base_add(1, 2), base_apply(shifted, 4));
	offset = 5;
	printk("back: %d %d\n", base_apply(shifted, 4), base_apply(base_twice, 4));
	printk("counted: %d\n", base_counter - before);
	printk("deep: %d, wide: %d\n", depth(50), weighed(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
	return before;
}
