/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic for other extensions. Cortex-M3 can't divide 64-bit numbers: the compiler calls
 * __aeabi_ldivmod and __aeabi_uldivmod, which the base image exports. */

#include <base.h>
#include <mathlib.h>

int math_mean(const short *values, unsigned int count)
{
	long long sum = 0;

	for (unsigned int index = 0; index < count; index++) {
		sum += values[index];
	}
	return count > 0 ? (int)(sum / (long long)count) : 0;
}

unsigned int math_sqrt(unsigned long long value)
{
	unsigned long long root = value;
	unsigned long long next = value / 2 + value % 2;

	/* Newton's method comes down to the root from above */
	while (next < root) {
		root = next;
		next = (root + value / root) / 2;
	}
	return (unsigned int)root;
}

int math_demo(void)
{
	static const char formula[] = "3 4 + 5 *";
	unsigned long long square = 1000000000000ULL;

	printk("mathlib: mean of 8 readings is %d\n", math_mean(board.sensor, 8));
	printk("mathlib: square root of %llu is %u\n", square, math_sqrt(square));
	printk("mathlib: %s = %d\n", formula, math_formula(formula));
	for (unsigned int which = 0; which < 3; which++) {
		math_apply(which, 6, 7);
	}
	return 0;
}
