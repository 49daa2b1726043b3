/* SPDX-License-Identifier: Apache-2.0 */
/* A base image that calls extensions.
 *
 * What to call is in the run list, at a fixed address. Whoever starts the board puts it there, with
 * the extensions: a debugger, or QEMU's `-device loader`. Without a run list the base says what it
 * exports, and ends.
 */

#include <base.h>

#include "llext_exports.h" /* generated from llext.yml */

#define RUN_LIST_MAGIC 0x4c4e5552 /* the letters R U N L */
#define RUN_LIST_LIMIT 64

struct run_list {
	unsigned int magic;
	unsigned int count;
	int (*functions[RUN_LIST_LIMIT])(void);
};

extern const struct run_list run_list; /* placed by the linker script */

struct board board = {
	.name = "mps2-an385",
	.clock_hz = 25000000,
	.sensor = {100, 104, 96, 100, 180, 100, 98, 102},
};

int64_t k_uptime_get(void)
{
	static int64_t now;

	return now++;
}

/* Whether every row of the generated table can be found by its name. */
static int table_is_sound(void)
{
	for (unsigned int row = 0; row < west_llext_export_count; row++) {
		if (west_llext_find(west_llext_exports[row].name) !=
		    west_llext_exports[row].addr) {
			return 0;
		}
	}
	return west_llext_find("no_such_symbol") == NULL;
}

static int greeting(void)
{
	printk("base image on %s exports %u symbols:\n", board.name,
	       (unsigned int)west_llext_export_count);
	for (unsigned int row = 0; row < west_llext_export_count; row++) {
		printk("  %s\n", west_llext_exports[row].name);
	}
	if (!table_is_sound()) {
		printk("the table of exports is not sorted\n");
		return 1;
	}
	return 0;
}

int main(void);

int main(void)
{
	if (run_list.magic != RUN_LIST_MAGIC || run_list.count > RUN_LIST_LIMIT) {
		return greeting();
	}
	for (unsigned int index = 0; index < run_list.count; index++) {
		run_list.functions[index]();
	}
	return 0;
}
