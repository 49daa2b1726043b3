/* SPDX-License-Identifier: Apache-2.0 */
/* The quickstart's base image with another main(): does with blobs what it is told.
 *
 * Commands are at a fixed address, each of four words: what, blob, size, argument. QEMU puts them
 * there, and blobs. Each command prints one line.
 */

#include <errno.h>
#include <string.h>

#include <base.h>
#include <west_llext/west_llext.h>
#include <zephyr/cache.h>
#include <zephyr/llext/llext.h>

#include "blob.h"
#include "llext_exports.h"
#include "sha256.h"

enum {
	END,
	CHECK,   /* argument unused */
	INSTALL, /* argument: 0 anywhere, 1 inside the memories, 2 in place, 3 in a small memory */
	CALL,    /* blob: name of an export of the last one installed */
	FILL,    /* blob: address, size: bytes, argument: byte */
	SUM,     /* blob: address, size: bytes */
	RUN,     /* constructors of the last one installed */
	CUT,     /* blob and size: every shorter size is refused, and nothing is touched */
	DIGEST,  /* blob: text, size: bytes */
	/* the same by the functions that applications call */
	USER_CHECK,   /* argument unused */
	USER_INSTALL, /* argument: flags */
	USER_CALL,    /* blob: name of an export of the last one installed */
};

struct command {
	unsigned int what;
	const unsigned char *blob;
	unsigned int size;
	unsigned int argument;
};

#define COMMANDS                         ((const struct command *)0x20300000)
#define MEMORY(name, first, bytes, mode) {.address = (first), .size = (bytes), .access = (mode)},

struct board board = {
	.name = "mps2-an385",
	.clock_hz = 25000000,
	.sensor = {100, 104, 96, 100, 180, 100, 98, 102},
};

static const struct west_llext_memory memories[] = {WEST_LLEXT_MEMORIES(MEMORY){0}};
static struct west_llext_blob blob;
static struct west_llext ext;
static unsigned int flushed;

int main(void);

const void *llext_find_sym(const struct llext_symtable *table, const char *name)
{
	return table == NULL ? west_llext_find(name) : NULL;
}

int sys_cache_data_flush_range(void *address, size_t size)
{
	(void)address;
	(void)size;
	return 0;
}

int sys_cache_instr_invd_range(void *address, size_t size)
{
	(void)address;
	flushed += (unsigned int)size;
	return 0;
}

#ifdef MOVED
/* functions of the base image are somewhere else then */
__attribute__((noinline, used, section(".text.aaa"))) static int filler(int x)
{
	return x * 7 + 1;
}
#endif

int64_t k_uptime_get(void)
{
	static int64_t now;

#ifdef MOVED
	now += filler((int)now) & 1;
#endif
	return now++;
}

static void written(void *address, size_t size, bool executable)
{
	(void)address;
	flushed += executable ? (unsigned int)size : 0;
}

static unsigned int sum(const unsigned char *at, unsigned int size)
{
	unsigned int total = 0;

	for (unsigned int i = 0; i < size; i++) {
		total = total * 31 + at[i];
	}
	return total;
}

static int verified(const struct command *command)
{
	struct west_llext_problem problem = {0};
	int rc = west_llext_blob_open(&blob, command->blob, command->size);

	if (rc == 0) {
		rc = west_llext_blob_verify(&blob, west_llext_find, &problem);
	}
	if (problem.symbol != NULL) {
		printk("%s is at %x, not at %x: ", problem.symbol, (unsigned int)problem.found,
		       (unsigned int)problem.expected);
	}
	return rc;
}

static int installed(const struct command *command)
{
	const struct west_llext_memory small = {
		.address = memories[0].address, .size = 64, .access = 7};
	const struct west_llext_memory *where = command->argument == 3 ? &small : memories;
	size_t count = sizeof(memories) / sizeof(memories[0]) - 1;
	int rc = verified(command);

	if (command->argument == 0) {
		count = 0;
	} else if (command->argument == 3) {
		count = 1;
	}
	if (rc == 0) {
		rc = west_llext_blob_plan(
			&blob, command->argument == 2 ? WEST_LLEXT_IN_PLACE : WEST_LLEXT_COPY,
			where, count);
	}
	if (rc == 0) {
		flushed = 0;
		west_llext_blob_place(&blob, written);
		printk("%u exports, %u bytes of code written: ", (unsigned int)blob.export_count,
		       flushed);
	}
	return rc;
}

static void cut(const struct command *command)
{
	struct command less = *command;
	unsigned int before = 0;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < sizeof(memories) / sizeof(memories[0]) - 1; i++) {
		before += sum((const unsigned char *)memories[i].address, 0x400);
	}
	for (less.size = 0; less.size < command->size; less.size++) {
		less.argument = 1;
		refused += installed(&less) != 0;
	}
	for (unsigned int i = 0; i < sizeof(memories) / sizeof(memories[0]) - 1; i++) {
		before -= sum((const unsigned char *)memories[i].address, 0x400);
	}
	printk("%u of %u refused, %s\n", refused, command->size,
	       before == 0 ? "nothing touched" : "something touched");
}

static int called(const char *name)
{
	for (size_t i = 0; i < blob.export_count; i++) {
		if (strcmp(blob.exports[i].name, name) == 0) {
			return ((int (*)(void))blob.exports[i].address)();
		}
	}
	return -ENOENT;
}

static void user_called(const char *name)
{
	int (*function)(void) = (int (*)(void))west_llext_find_export(&ext, name);

	if (function == NULL) {
		printk("no %s\n", name);
	} else {
		printk("call %d\n", function());
	}
}

static void digest(const struct command *command)
{
	struct west_llext_sha256 sha;
	unsigned char bytes[WEST_LLEXT_SHA256_SIZE];

	west_llext_sha256_begin(&sha);
	west_llext_sha256_add(&sha, command->blob, command->size);
	west_llext_sha256_end(&sha, bytes);
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		printk("%x%x", bytes[i] >> 4, bytes[i] & 15);
	}
	printk("\n");
}

int main(void)
{
	for (const struct command *command = COMMANDS; command->what != END; command++) {
		switch (command->what) {
		case CHECK:
			printk("check %d\n", verified(command));
			break;
		case INSTALL:
			printk("install %d\n", installed(command));
			break;
		case CALL:
			printk("call %d\n", called((const char *)command->blob));
			break;
		case FILL:
			for (unsigned int i = 0; i < command->size; i++) {
				((unsigned char *)command->blob)[i] =
					(unsigned char)command->argument;
			}
			break;
		case SUM:
			printk("sum %x\n", sum(command->blob, command->size));
			break;
		case RUN:
			west_llext_array_call(&blob.preinit);
			west_llext_array_call(&blob.init);
			break;
		case CUT:
			cut(command);
			break;
		case DIGEST:
			digest(command);
			break;
		case USER_CHECK:
			printk("check %d\n", west_llext_check(command->blob, command->size));
			break;
		case USER_INSTALL:
			flushed = 0;
			printk("install %d\n",
			       west_llext_install("demo", command->blob, command->size,
						  command->argument, &ext));
			printk("%u bytes of code written\n", flushed);
			break;
		case USER_CALL:
			user_called((const char *)command->blob);
			break;
		default:
			return 1;
		}
	}
	return 0;
}
