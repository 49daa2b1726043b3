/* SPDX-License-Identifier: Apache-2.0 */

#include <zephyr/sys/printk.h>

/* a variable of the application, which the manifest exports */
extern int greeted;

void hello(void);

void hello(void)
{
	printk("hello from an extension, %d time%s\n", ++greeted, greeted == 1 ? "" : "s");
}
