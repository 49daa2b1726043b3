/* SPDX-License-Identifier: Apache-2.0 */

#include <zephyr/sys/printk.h>

int read_sensor(void);
int counter_next(void);

static int step = 10;
static int values[4];
static unsigned int calls;

int counter_next(void)
{
	values[calls % 4] = read_sensor() + step++;
	printk("counter: call %u gives %d\n", calls, values[calls % 4]);
	return values[calls++ % 4];
}
