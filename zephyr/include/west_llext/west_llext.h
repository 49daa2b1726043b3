/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Blobs of west llext on the target.
 *
 * A prelocated blob has fixed addresses and nothing left to relocate; a bound blob has the
 * addresses of this image's symbols in it. Neither may be used with another image than the one it
 * was made for, so each says which symbols it uses, and where they were. The functions here compare
 * that with the table of this image before anything is touched.
 */

#ifndef WEST_LLEXT_WEST_LLEXT_H_
#define WEST_LLEXT_WEST_LLEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct llext;
struct west_llext_row;

/** Functions to call, in order. */
struct west_llext_functions {
	/** The first of them. */
	void (*const *functions)(void);
	/** How many there are. */
	size_t count;
};

/** A prelocated extension that was installed. */
struct west_llext {
	/** Its exports. */
	const struct west_llext_row *exports;
	/** How many there are. */
	size_t export_count;
	/** What bring-up calls, and in which order. */
	struct west_llext_functions preinit, init;
	/** What tear-down calls. */
	struct west_llext_functions fini;
	/** The extension as the llext subsystem knows it; NULL without WEST_LLEXT_LOAD. */
	struct llext *llext;
};

/** Where its code and constants are: they stay there, and have to be there (execute in place). */
#define WEST_LLEXT_IN_FLASH (1U << 0)
/**
 * Have the llext subsystem know it, too, so that others can import from it. Since Zephyr 3.7, and
 * before 4.1 with CONFIG_LLEXT_STORAGE_WRITABLE only.
 */
#define WEST_LLEXT_LOAD     (1U << 1)
/** Call its constructors. */
#define WEST_LLEXT_BRING_UP (1U << 2)

/**
 * @brief Install a prelocated blob.
 *
 * Copies code and data to their addresses, clears what has to be zero, and cares for caches. Before
 * that everything is verified; after an error nothing has been touched.
 *
 * The blob has to stay where it is as long as the extension is used if it is loaded
 * (WEST_LLEXT_LOAD); otherwise it isn't needed any more.
 *
 * @param name  what the llext subsystem calls it; at most 15 characters count
 * @param blob  the file; aligned to a pointer
 * @param size  its bytes
 * @param flags WEST_LLEXT_IN_FLASH, WEST_LLEXT_LOAD, WEST_LLEXT_BRING_UP
 * @param ext   is filled
 *
 * @retval 0 it is ready
 * @retval -EINVAL a pointer is NULL, or the blob isn't aligned
 * @retval -ENOEXEC it isn't a whole ELF file for this processor, or contradicts itself
 * @retval -ENOTSUP it isn't prelocated, or was made by a newer version; or this release of Zephyr
 *                  can't load it as it is configured (WEST_LLEXT_LOAD)
 * @retval -ENOENT it uses a symbol that this image doesn't export, so that nobody can tell
 * @retval -EBADMSG it was made for another image: a symbol that it uses is somewhere else
 * @retval -EFAULT a part of it lies outside of the manifest's memories
 * @retval -EADDRINUSE it would overwrite the file that it comes from
 * @retval -ENXIO a part that has to be in flash isn't there
 * @return what llext_load() returned, if that failed; the extension is placed, but not known
 */
int west_llext_install(const char *name, const void *blob, size_t size, uint32_t flags,
		       struct west_llext *ext);

/**
 * @brief Install a prelocated blob whose code and constants are in flash.
 *
 * The same as west_llext_install() with WEST_LLEXT_IN_FLASH: nothing but data is written.
 */
static inline int west_llext_install_in_flash(const char *name, const void *blob, size_t size,
					      uint32_t flags, struct west_llext *ext)
{
	return west_llext_install(name, blob, size, flags | WEST_LLEXT_IN_FLASH, ext);
}

/**
 * @brief Tell whether a bound or prelocated blob was made for this image.
 *
 * To be asked before a bound blob goes to llext_load(), which doesn't ask. Takes no memory.
 *
 * @param blob the file; aligned to a pointer
 * @param size its bytes
 *
 * @retval 0 it was
 * @retval -EINVAL a pointer is NULL, or the blob isn't aligned
 * @retval -ENOEXEC it isn't a whole ELF file for this processor, or contradicts itself
 * @retval -ENOTSUP it has no identity: a relocatable blob, or one of another tool
 * @retval -ENOENT it uses a symbol that this image doesn't export, so that nobody can tell
 * @retval -EBADMSG it was made for another image: a symbol that it uses is somewhere else
 */
int west_llext_check(const void *blob, size_t size);

/**
 * @brief Find an export of an installed extension.
 *
 * @return its address, or NULL
 */
const void *west_llext_find_export(const struct west_llext *ext, const char *name);

/** @brief Call the constructors of an extension (.preinit_array, .init_array). */
void west_llext_bring_up(const struct west_llext *ext);

/** @brief Call the destructors of an extension (.fini_array). */
void west_llext_tear_down(const struct west_llext *ext);

#ifdef __cplusplus
}
#endif

#endif /* WEST_LLEXT_WEST_LLEXT_H_ */
