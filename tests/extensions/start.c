/* SPDX-License-Identifier: Apache-2.0 */
/* Constructors, by priority. */
#include "base.h"

static int order[4];
static int count;
static int *const end = &order[3];

__attribute__((constructor)) static void last(void) { order[count++] = 3; }
__attribute__((constructor(200))) static void second(void) { order[count++] = 2; }
__attribute__((constructor(150))) static void first(void)
{
	order[count++] = 1;
	*end = base_add(base_squares[2], 5);
}

int start_demo(void)
{
	printk("constructors: %d %d %d, %d\n", order[0], order[1], order[2], order[3]);
	return count;
}
