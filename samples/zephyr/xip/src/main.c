/* SPDX-License-Identifier: Apache-2.0 */
/* Runs an extension where it is in flash: nothing is copied but its data, and nothing relocated. */

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <west_llext/west_llext.h>

/* as much as is there, beginning with the file of the extension (CMakeLists.txt) */
#define BLOB_SIZE 0x8000

int read_sensor(void)
{
	static int value;

	return 100 * ++value;
}

int main(void)
{
	struct west_llext ext;
	int (*next)(void);
	int rc = west_llext_install_in_flash("counter", (const void *)BLOB_ADDRESS, BLOB_SIZE,
					     WEST_LLEXT_BRING_UP, &ext);

	if (rc != 0) {
		printk("west_llext_install_in_flash() failed: %d\n", rc);
		return 0;
	}
	next = (int (*)(void))west_llext_find_export(&ext, "counter_next");
	printk("counter_next is at %p\n", next);
	printk("sum: %d\n", next() + next() + next());
	return 0;
}
