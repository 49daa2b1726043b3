/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs of all modes: they run, and what isn't right is refused before anything is touched. */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/llext/buf_loader.h>
#include <zephyr/llext/elf.h>
#include <zephyr/llext/llext.h>
#include <zephyr/ztest.h>
#if __has_include(<zephyr/version.h>)
#include <zephyr/version.h>
#else
#include <version.h>
#endif

#include <west_llext/west_llext.h>

#include "sha256.h"

/* Zephyr's loader knows places since 3.7; before 4.1 only where all storage is writable. */
#if KERNEL_VERSION_NUMBER >= 0x030700 &&                                                           \
	(defined(LLEXT_WRITABLE_BUF_LOADER) || defined(CONFIG_LLEXT_STORAGE_WRITABLE))
#define HAS_PLACES 1
#else
#define HAS_PLACES 0
#endif

/* Bytes that are looked at for a file. */
#define SIZE 0x2000

/* Where QEMU puts files, and where the prelocated one goes (CMakeLists.txt). */
static const uint8_t *const bound = (const uint8_t *)BOUND;
static const uint8_t *const fixed = (const uint8_t *)FIXED;
static uint8_t *const fixed_rom = (uint8_t *)FIXED_ROM;
static uint8_t *const fixed_ram = (uint8_t *)FIXED_RAM;

static uint8_t embedded[] __aligned(8) = {
#include <embedded.inc>
};

/* a copy to spoil */
static uint8_t spoilt[SIZE] __aligned(8);

int answer;

int add_up(int one, int other)
{
	return one + other;
}

static void load_and_call(const char *name, const uint8_t *blob, size_t size, const char *function)
{
	struct llext_buf_loader loader = LLEXT_BUF_LOADER((uint8_t *)blob, size);
	struct llext *ext;

#if KERNEL_VERSION_NUMBER >= 0x030600
	zassert_ok(llext_load(&loader.loader, name, &ext, NULL));
#else
	zassert_ok(llext_load(&loader.loader, name, &ext));
#endif
	zassert_ok(llext_call_fn(ext, function));
	zassert_ok(llext_call_fn(ext, function));
#if KERNEL_VERSION_NUMBER >= 0x030600
	llext_unload(&ext);
#else
	llext_unload(ext);
#endif
}

static int install(const uint8_t *blob, uint32_t flags)
{
	struct west_llext ext;

	return west_llext_install("fixed", blob, SIZE, flags, &ext);
}

static void forget_places(void)
{
	memset(fixed_rom, 0xa5, 0x400);
	memset(fixed_ram, 0xa5, 0x400);
}

static bool is_untouched(void)
{
	for (size_t i = 0; i < 0x400; i++) {
		if (fixed_rom[i] != 0xa5 || fixed_ram[i] != 0xa5) {
			return false;
		}
	}
	return true;
}

/* Finds the note's description: owner, and what is before and behind it (docs/blob-format.md). */
static uint8_t *description(uint8_t *blob)
{
	for (size_t i = 12; i < SIZE - 64; i += 4) {
		if (memcmp(blob + i, "west-llext\0", 12) == 0) {
			return blob + i + 12;
		}
	}
	ztest_test_fail();
	return NULL;
}

ZTEST(west_llext, test_relocatable)
{
	zassert_equal(west_llext_check(embedded, sizeof(embedded)), -ENOTSUP);
	load_and_call("embedded", embedded, sizeof(embedded), "embedded_run");
	zassert_equal(answer, 102);
}

ZTEST(west_llext, test_bound)
{
	zassert_ok(west_llext_check(bound, SIZE));
	zassert_equal(install(bound, 0), -ENOTSUP);
	load_and_call("bound", bound, SIZE, "bound_run");
	zassert_equal(answer, 202);
}

ZTEST(west_llext, test_prelocated)
{
	struct west_llext ext;
	void (*run)(void);
	int (*made)(void);

	forget_places();
	zassert_equal(install(fixed, WEST_LLEXT_IN_FLASH), -ENXIO);
	zassert_ok(west_llext_check(fixed, SIZE));
	zassert_ok(west_llext_install("fixed", fixed, SIZE, WEST_LLEXT_BRING_UP, &ext));
	zassert_equal(ext.export_count, 2);
	run = (void (*)(void))west_llext_find_export(&ext, "fixed_run");
	made = (int (*)(void))west_llext_find_export(&ext, "made_value");
	zassert_is_null(west_llext_find_export(&ext, "nothing"));
	run();
	run();
	zassert_equal(answer, 302);
	zassert_equal(made(), 42);

	/* once more, with the code where it is now: data is as it was at first */
	zassert_ok(west_llext_install_in_flash("fixed", fixed, SIZE, 0, &ext));
	run();
	zassert_equal(answer, 301);
	zassert_equal(made(), 0);
	west_llext_bring_up(&ext);
	zassert_equal(made(), 42);
	west_llext_tear_down(&ext);
}

ZTEST(west_llext, test_loading_prelocated)
{
#if HAS_PLACES
	struct west_llext ext;

	zassert_ok(west_llext_install("fixed", fixed, SIZE, WEST_LLEXT_LOAD, &ext));
	zassert_not_null(ext.llext);
	zassert_not_null(llext_find_sym(&ext.llext->exp_tab, "fixed_run"));
	llext_unload(&ext.llext);
#else
	forget_places();
	zassert_equal(install(fixed, WEST_LLEXT_LOAD), -ENOTSUP);
	zassert_true(is_untouched());
#endif
}

/* Makes the digest that of the symbols, after one was changed; the last name. */
static char *sign(uint8_t *note)
{
	struct west_llext_sha256 sha;
	const uint8_t *row = note + 44;
	char *last = NULL;
	uint32_t count;
	char *name;

	memcpy(&count, note + 8, sizeof(count));
	name = (char *)row + 2 * sizeof(uintptr_t) * count;
	west_llext_sha256_begin(&sha);
	for (uint32_t i = 0; i < count; i++, row += 2 * sizeof(uintptr_t)) {
		uint8_t bytes[8] = {0};
		uintptr_t address;

		memcpy(&address, row, sizeof(address));
		for (size_t j = 0; j < sizeof(address); j++) {
			bytes[j] = (uint8_t)(address >> (8 * j));
		}
		west_llext_sha256_add(&sha, name, strlen(name) + 1);
		west_llext_sha256_add(&sha, bytes, sizeof(bytes));
		last = name;
		name += strlen(name) + 1;
	}
	west_llext_sha256_end(&sha, note + 12);
	return last;
}

/* Puts a blob where it can be spoilt, and finds its note's description. */
static uint8_t *copied(const uint8_t *blob)
{
	memcpy(spoilt, blob, SIZE);
	return description(spoilt);
}

ZTEST(west_llext, test_refusals)
{
	elf_ehdr_t *head = (elf_ehdr_t *)spoilt;
	elf_shdr_t *parts;
	uint8_t *note;
	char *name;

	forget_places();
	zassert_equal(west_llext_install(NULL, fixed, SIZE, 0, NULL), -EINVAL);
	zassert_equal(west_llext_check(NULL, SIZE), -EINVAL);
	zassert_equal(west_llext_check(fixed + 1, SIZE), -EINVAL);
	zassert_equal(west_llext_check(fixed, 20), -ENOEXEC);

	/* not whole */
	(void)copied(fixed);
	spoilt[0] ^= 1;
	zassert_equal(install(spoilt, 0), -ENOEXEC);

	/* a symbol elsewhere, but the note isn't sound */
	note = copied(fixed);
	note[44] ^= 4;
	zassert_equal(install(spoilt, 0), -ENOEXEC);

	/* the same with the right digest: a blob for another image */
	(void)sign(note);
	zassert_equal(install(spoilt, 0), -EBADMSG);

	/* a symbol that this image doesn't export */
	note = copied(fixed);
	name = sign(note);
	zassert_ok(west_llext_check(spoilt, SIZE));
	name[strlen(name) - 1]++;
	(void)sign(note);
	zassert_equal(install(spoilt, 0), -ENOENT);

	/* a part outside of the memories */
	(void)copied(fixed);
	parts = (elf_shdr_t *)(spoilt + head->e_shoff);
	for (size_t i = 0; i < head->e_shnum; i++) {
		if (parts[i].sh_addr == (uintptr_t)fixed_rom) {
			parts[i].sh_addr = (uintptr_t)spoilt;
		}
	}
	zassert_equal(install(spoilt, 0), -EFAULT);
	zassert_true(is_untouched());

	/* a file where its own code has to go */
	memcpy(fixed_rom + 16, fixed, SIZE / 2);
	zassert_equal(install(fixed_rom + 16, 0), -EADDRINUSE);
	zassert_mem_equal(fixed_rom + 16, fixed, SIZE / 2);
}

/* The same for bound blobs, which are to be asked about before they are loaded. */
ZTEST(west_llext, test_refusals_of_bound)
{
	uint8_t *note = copied(bound);
	char *name;

	zassert_ok(west_llext_check(spoilt, SIZE));
	note[44] ^= 4;
	zassert_equal(west_llext_check(spoilt, SIZE), -ENOEXEC);
	(void)sign(note);
	zassert_equal(west_llext_check(spoilt, SIZE), -EBADMSG);

	note = copied(bound);
	name = sign(note);
	name[strlen(name) - 1]++;
	(void)sign(note);
	zassert_equal(west_llext_check(spoilt, SIZE), -ENOENT);
}

ZTEST_SUITE(west_llext, NULL, NULL, NULL, NULL, NULL);
