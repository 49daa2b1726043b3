/* SPDX-License-Identifier: Apache-2.0 */
/* What compilers take from their own library: 64-bit division, shifts and, without a unit, floats. */
#include "base.h"

static volatile unsigned long long big = 1234567890123456789ULL;
static volatile long long negative = -9876543210987LL;
static volatile int small = 1000003;
static volatile int bits = 37;
static volatile float half = 0.5f;
static volatile double third = 3.0;

int divide_demo(void)
{
	unsigned long long quotient = big / (unsigned int)small;
	int remainder = (int)(negative % small);

	printk("64 bits: %llu %d\n", quotient, remainder);
	printk("again: %lld %llu\n", negative / small, big * big % 1000007);
	printk("shifted: %llx %llx\n", big >> bits, big << bits);
	printk("32 bits: %d %u\n", small / 7, (unsigned int)small % 1000u);
	printk("float: %d\n", (int)(half * 84.0f / (float)third));
	return (int)(big >> 60);
}
