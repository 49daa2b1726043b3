/* SPDX-License-Identifier: Apache-2.0 */
/* An extension that keeps state: initialised data, zeroed data, and a constructor. */

#include "history.h"

#include <base.h>

/* Nobody defines it: a weak function that isn't there has the address 0. */
extern void trace(int value) __attribute__((weak));

static int step = 7; /* in .data */
static int total;    /* in .bss, until the constructor has run */

/* Runs before any other function of the extension. */
__attribute__((constructor)) static void counter_start(void)
{
	total = 10 * (int)strlen(board.name);
}

int counter_next(void)
{
	total += step;
	history_add(total);
	if (trace != NULL) {
		trace(total);
	}
	printk("counter: %d at %lld ms\n", total, (long long)k_uptime_get());
	return total;
}

int counter_step(int new_step)
{
	int old = step;

	step = new_step;
	return old;
}

int counter_demo(void)
{
	for (int round = 0; round < 3; round++) {
		counter_next();
	}
	history_report();
	return total;
}
