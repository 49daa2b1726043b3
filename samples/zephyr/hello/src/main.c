/* SPDX-License-Identifier: Apache-2.0 */
/* Loads an extension that the image contains, and calls it. */

#include <zephyr/kernel.h>
#include <zephyr/llext/buf_loader.h>
#include <zephyr/llext/llext.h>
#include <zephyr/sys/printk.h>
#if __has_include(<zephyr/version.h>)
#include <zephyr/version.h>
#else
#include <version.h>
#endif

#include <llext_exports.h>

/* aligned, so that the loader needn't copy what it can use where it is */
static uint8_t blob[] __aligned(8) = {
#include <hello.inc>
};

int greeted;

int main(void)
{
	struct llext_buf_loader loader = LLEXT_BUF_LOADER(blob, sizeof(blob));
	struct llext *ext;
	int rc;

	printk("%d symbols exported by the manifest\n", WEST_LLEXT_EXPORT_COUNT);
#if KERNEL_VERSION_NUMBER >= 0x030600
	rc = llext_load(&loader.loader, "hello", &ext, NULL);
#else
	rc = llext_load(&loader.loader, "hello", &ext);
#endif
	if (rc < 0) {
		printk("llext_load() failed: %d\n", rc);
		return 0;
	}
	(void)llext_call_fn(ext, "hello");
	(void)llext_call_fn(ext, "hello");
	printk("greeted: %d\n", greeted);
	return 0;
}
