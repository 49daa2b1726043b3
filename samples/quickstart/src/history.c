/* SPDX-License-Identifier: Apache-2.0 */
/* What the counter counted. */

#include "history.h"

#include <base.h>

static struct {
	int values[16];
	unsigned int used;
} history;

void history_add(int value)
{
	if (history.used == 16) {
		memset(&history, 0, sizeof(history));
	}
	history.values[history.used++] = value;
}

void history_report(void)
{
	int sorted[16];

	memcpy(sorted, history.values, sizeof(sorted));
	for (unsigned int end = history.used; end > 1; end--) {
		for (unsigned int index = 1; index < end; index++) {
			if (sorted[index - 1] > sorted[index]) {
				int larger = sorted[index - 1];

				sorted[index - 1] = sorted[index];
				sorted[index] = larger;
			}
		}
	}
	printk("counter: %u values, smallest %d, largest %d\n", history.used, sorted[0],
	       history.used > 0 ? sorted[history.used - 1] : 0);
}
