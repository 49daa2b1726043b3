/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on the target, in Zephyr: symbols by the llext subsystem, caches, messages. */

#include <west_llext/west_llext.h>

#include <errno.h>
#include <string.h>

#include <zephyr/cache.h>
#include <zephyr/kernel.h>
#include <zephyr/llext/buf_loader.h>
#include <zephyr/llext/llext.h>
#include <zephyr/llext/symbol.h>
#include <zephyr/logging/log.h>
#if __has_include(<zephyr/version.h>)
#include <zephyr/version.h>
#else
#include <version.h>
#endif

#include <llext_exports.h>

#include "blob.h"
#include "sha256.h"

LOG_MODULE_REGISTER(west_llext, CONFIG_WEST_LLEXT_LOG_LEVEL);

/* `pre_located` is there, and honoured, since 3.7. Until 4.1, which can be told by its loaders, the
 * storage of all extensions is one setting, and what is placed may only be in a writable one.
 */
#if KERNEL_VERSION_NUMBER < 0x030700
#define CAN_LOAD 0
#define WHY_NOT  "this release of Zephyr can't load prelocated extensions"
#elif !defined(LLEXT_WRITABLE_BUF_LOADER) && !defined(CONFIG_LLEXT_STORAGE_WRITABLE)
#define CAN_LOAD 0
#define WHY_NOT "prelocated extensions need CONFIG_LLEXT_STORAGE_WRITABLE in this release of Zephyr"
#else
#define CAN_LOAD 1
#define WHY_NOT  ""
#endif

#define MEMORY(name, first, bytes, mode) {.address = (first), .size = (bytes), .access = (mode)},

/* One more than there are, because a manifest may declare none. */
static const struct west_llext_memory memories[] = {WEST_LLEXT_MEMORIES(MEMORY){0}};

static const void *lookup(const char *name)
{
#ifdef CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID
	/* the first bytes of the name's digest, the most significant first */
	struct west_llext_sha256 sha;
	uint8_t digest[WEST_LLEXT_SHA256_SIZE];
	uintptr_t slid = 0;

	west_llext_sha256_begin(&sha);
	west_llext_sha256_add(&sha, name, strlen(name));
	west_llext_sha256_end(&sha, digest);
	for (size_t i = 0; i < sizeof(slid); i++) {
		slid = slid << 8 | digest[i];
	}
	return llext_find_sym(NULL, (const char *)slid);
#else
	return llext_find_sym(NULL, name);
#endif
}

static void written(void *address, size_t size, bool executable)
{
	sys_cache_data_flush_range(address, size);
	if (executable) {
		sys_cache_instr_invd_range(address, size);
	}
}

static int verified(struct west_llext_blob *blob, const void *start, size_t size)
{
	struct west_llext_problem problem;
	int rc = west_llext_blob_open(blob, start, size);

	if (rc != 0) {
		LOG_ERR("not a blob with an identity: %d", rc);
		return rc;
	}
	rc = west_llext_blob_verify(blob, lookup, &problem);
	if (rc == -ENOENT) {
		LOG_ERR("'%s' isn't exported, so nobody can tell whether the blob fits",
			problem.symbol);
	} else if (rc == -EBADMSG) {
		LOG_ERR("made for another image: '%s' is at %p, not at %p", problem.symbol,
			(void *)problem.found, (void *)problem.expected);
	} else if (rc != 0) {
		LOG_ERR("the blob contradicts itself: %d", rc);
	}
	return rc;
}

int west_llext_check(const void *blob, size_t size)
{
	struct west_llext_blob found;

	return verified(&found, blob, size);
}

static struct west_llext_functions functions(const struct west_llext_array *array)
{
	return (struct west_llext_functions){array->functions, array->count};
}

#if CAN_LOAD
static int load(const char *name, const void *blob, size_t size, struct west_llext *ext)
{
	/* the loader only ever reads through this pointer: everything is in its place */
#ifdef LLEXT_WRITABLE_BUF_LOADER
	struct llext_buf_loader loader = LLEXT_WRITABLE_BUF_LOADER((uint8_t *)blob, size);
#else
	struct llext_buf_loader loader = LLEXT_BUF_LOADER((uint8_t *)blob, size);
#endif
	struct llext_load_param param = LLEXT_LOAD_PARAM_DEFAULT;

	param.relocate_local = false;
	param.pre_located = true;

	int rc = llext_load(&loader.loader, name, &ext->llext, &param);

	/* more than 0 is how often it was loaded before */
	return rc < 0 ? rc : 0;
}
#endif

int west_llext_install(const char *name, const void *blob, size_t size, uint32_t flags,
		       struct west_llext *ext)
{
	const size_t count =
		IS_ENABLED(CONFIG_WEST_LLEXT_INSTALL_MEMORIES) ? ARRAY_SIZE(memories) - 1 : 0;
	const enum west_llext_way way =
		(flags & WEST_LLEXT_IN_FLASH) ? WEST_LLEXT_IN_PLACE : WEST_LLEXT_COPY;
	struct west_llext_blob found;
	int rc;

	if (ext == NULL || name == NULL) {
		return -EINVAL;
	}
	if ((flags & WEST_LLEXT_LOAD) && !CAN_LOAD) {
		LOG_ERR("%s", WHY_NOT);
		return -ENOTSUP;
	}
	rc = verified(&found, blob, size);
	if (rc != 0) {
		return rc;
	}
	if (IS_ENABLED(CONFIG_WEST_LLEXT_INSTALL_MEMORIES) && count == 0) {
		LOG_ERR("the manifest declares no memory to place '%s' in", name);
		return -EFAULT;
	}
	rc = west_llext_blob_plan(&found, way, memories, count);
	if (rc != 0) {
		LOG_ERR("'%s' can't be placed: %d", name, rc);
		return rc;
	}

	west_llext_blob_place(&found, written);
	*ext = (struct west_llext){
		.exports = found.exports,
		.export_count = found.export_count,
		.preinit = functions(&found.preinit),
		.init = functions(&found.init),
		.fini = functions(&found.fini),
	};
#if CAN_LOAD
	if (flags & WEST_LLEXT_LOAD) {
		rc = load(name, blob, size, ext);
		if (rc != 0) {
			LOG_ERR("llext_load() of '%s' failed: %d", name, rc);
			return rc;
		}
	}
#endif
	if (flags & WEST_LLEXT_BRING_UP) {
		west_llext_bring_up(ext);
	}
	return 0;
}

const void *west_llext_find_export(const struct west_llext *ext, const char *name)
{
	for (size_t i = 0; i < ext->export_count; i++) {
		if (strcmp(ext->exports[i].name, name) == 0) {
			return ext->exports[i].address;
		}
	}
	return NULL;
}

static void call(const struct west_llext_functions *some)
{
	const struct west_llext_array array = {some->functions, some->count};

	west_llext_array_call(&array);
}

void west_llext_bring_up(const struct west_llext *ext)
{
	call(&ext->preinit);
	call(&ext->init);
}

void west_llext_tear_down(const struct west_llext *ext)
{
	call(&ext->fini);
}
