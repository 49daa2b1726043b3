/* SPDX-License-Identifier: Apache-2.0 */
/* Says what zephyr/src/west_llext.c asks of a blob, of Zephyr's loader, and of caches.
 *
 *     glue FLAGS OPEN VERIFY PLAN LOAD
 *
 * The flags of the installation, and what each step is to return.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <west_llext/west_llext.h>
#include <zephyr/llext/buf_loader.h>

#include "blob.h"

static int open_result, verify_result, plan_result, load_result;
static struct llext known = {"known"};

static void first(void)
{
	printf("first\n");
}

static void second(void)
{
	printf("second\n");
}

static void last(void)
{
	printf("last\n");
}

static void (*const early[])(void) = {first};
static void (*const late[])(void) = {NULL, second};
static void (*const end[])(void) = {last};
static const struct west_llext_row exported[] = {{"f", &early}, {"g", &late}};

int west_llext_blob_open(struct west_llext_blob *blob, const void *start, size_t size)
{
	printf("open %s %zu\n", (const char *)start, size);
	memset(blob, 0, sizeof(*blob));
	return open_result;
}

int west_llext_blob_verify(const struct west_llext_blob *blob, west_llext_lookup lookup,
			   struct west_llext_problem *problem)
{
	(void)blob;
	printf("lookup %d\n", lookup("printk") == &known);
	*problem = (struct west_llext_problem){"printk", 0x10, 0x20};
	return verify_result;
}

int west_llext_blob_plan(struct west_llext_blob *blob, enum west_llext_way way,
			 const struct west_llext_memory *memories, size_t count)
{
	printf("plan %s", way == WEST_LLEXT_IN_PLACE ? "in place" : "copy");
	for (size_t i = 0; i < count; i++) {
		printf(" %#zx+%#zx:%u", (size_t)memories[i].address, memories[i].size,
		       memories[i].access);
	}
	printf("\n");
	blob->exports = exported;
	blob->export_count = 2;
	blob->preinit = (struct west_llext_array){early, 1};
	blob->init = (struct west_llext_array){late, 2};
	blob->fini = (struct west_llext_array){end, 1};
	return plan_result;
}

void west_llext_blob_place(const struct west_llext_blob *blob, west_llext_written written)
{
	(void)blob;
	written((void *)0x1000, 8, true);
	written((void *)0x2000, 16, false);
}

void west_llext_array_call(const struct west_llext_array *array)
{
	for (size_t i = 0; i < array->count; i++) {
		if (array->functions[i] != NULL) {
			array->functions[i]();
		}
	}
}

int sys_cache_data_flush_range(void *address, size_t size)
{
	printf("flush %p %zu\n", address, size);
	return 0;
}

int sys_cache_instr_invd_range(void *address, size_t size)
{
	printf("invalidate %p %zu\n", address, size);
	return 0;
}

const void *llext_find_sym(const struct llext_symtable *table, const char *name)
{
#ifdef CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID
	printf("slid %zx\n", (size_t)name);
	return table == NULL ? &known : NULL;
#else
	return table == NULL && strcmp(name, "printk") == 0 ? &known : NULL;
#endif
}

#if KERNEL_VERSION_NUMBER >= 0x030700
int llext_load(struct llext_loader *loader, const char *name, struct llext **ext,
	       const struct llext_load_param *param)
{
	const struct llext_buf_loader *from = (const struct llext_buf_loader *)loader;

	printf("load %s from %s %zu storage %d local %d located %d\n", name,
	       (const char *)from->buf, from->len, loader->storage, param->relocate_local,
	       param->pre_located);
	*ext = &known;
	return load_result;
}
#endif

int main(int count, char **words)
{
	struct west_llext ext = {0};
	int rc;

	if (count != 6) {
		return 2;
	}
	open_result = atoi(words[2]);
	verify_result = atoi(words[3]);
	plan_result = atoi(words[4]);
	load_result = atoi(words[5]);
	rc = west_llext_install("demo", "file", 5, (uint32_t)atoi(words[1]), &ext);
	printf("result %d\n", rc);
	if (rc == 0) {
		printf("exports %d %d %d known %d\n",
		       west_llext_find_export(&ext, "f") == &early,
		       west_llext_find_export(&ext, "g") == &late,
		       west_llext_find_export(&ext, "h") == NULL, ext.llext == &known);
		west_llext_tear_down(&ext);
	}
	return 0;
}
