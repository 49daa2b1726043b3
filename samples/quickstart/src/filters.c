/* SPDX-License-Identifier: Apache-2.0 */
/* Filters for a sensor's readings. Imports from the extension `mathlib` and from the base image;
 * its own 64-bit divisions come with it from the compiler's library. */

#include "filters.h"

#include <base.h>
#include <mathlib.h>

/* Nobody defines it: a weak function that isn't there has the address 0. */
extern void trace(int value) __attribute__((weak));

static const struct {
	const char *name;
	int (*step)(int);
} filters[] = {
	{"fir", fir_step},
	{"iir", iir_step},
};

int filters_run(unsigned int which, int reading)
{
	int result;

	if (which >= sizeof(filters) / sizeof(filters[0])) {
		return 0;
	}
	result = filters[which].step(reading);
	if (trace != NULL) {
		trace(result);
	}
	return result;
}

static unsigned int deviation(const short *values, unsigned int count, int mean)
{
	unsigned long long squares = 0;

	for (unsigned int index = 0; index < count; index++) {
		long long distance = values[index] - mean;

		squares += (unsigned long long)(distance * distance);
	}
	return math_sqrt(squares / count);
}

int filters_demo(void)
{
	int mean = math_mean(board.sensor, 8);

	for (unsigned int which = 0; which < 2; which++) {
		printk("%s:", filters[which].name);
		for (unsigned int index = 0; index < 8; index++) {
			printk(" %d", filters_run(which, board.sensor[index]));
		}
		printk("\n");
	}
	printk("filters: deviation is %u from a mean of %d\n", deviation(board.sensor, 8, mean),
	       mean);
	return 0;
}
