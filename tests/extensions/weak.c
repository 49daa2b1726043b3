/* SPDX-License-Identifier: Apache-2.0 */
/* What may be missing, and what may be replaced. */
#include "base.h"

__attribute__((weak)) extern int nobody(int value);
__attribute__((weak)) extern int nothing;
__attribute__((weak)) int replaceable(int value) { return value + 1; }
__attribute__((weak)) extern int base_twice(int value);

static int (*const table[])(int) = {nobody, base_twice, replaceable};

int weak_demo(void)
{
	int sum = 0;

	if (nobody) {
		sum += nobody(1);
	}
	if (&nothing) {
		sum += nothing;
	}
	printk("weak: %d %d %d\n", nobody == 0, &nothing == 0, sum);
	printk("table: %d %d %d\n", table[0] == 0, table[1] == base_twice, table[2](1));
	printk("there: %d %d\n", base_twice != 0, base_twice(21));
	return sum;
}
