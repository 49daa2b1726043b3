/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on the target, without anything of Zephyr: what they demand, and where they go. */

#ifndef WEST_LLEXT_BLOB_H_
#define WEST_LLEXT_BLOB_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How far a blob was linked, as its note says (docs/blob-format.md). */
enum west_llext_mode {
	WEST_LLEXT_MODE_BOUND = 1,
	WEST_LLEXT_MODE_PRELOCATED = 2,
};

/** A range of memory that blobs may be placed in. */
struct west_llext_memory {
	/** First address. */
	uintptr_t address;
	/** Bytes. */
	size_t size;
	/** 4 to read, 2 to write, 1 to execute. */
	unsigned int access;
};

/** A symbol that isn't where a blob needs it. */
struct west_llext_problem {
	/** Its name, inside the blob; NULL where no symbol is to blame. */
	const char *symbol;
	/** Where the blob expects it. */
	uintptr_t expected;
	/** Where it is; 0 where this image doesn't have it. */
	uintptr_t found;
};

/** A row of a blob's .exported_sym, as it is in memory once the blob is placed. */
struct west_llext_row {
	/** Name of the symbol. */
	const char *name;
	/** Its address. */
	const void *address;
};

/** Functions to call, in order. */
struct west_llext_array {
	/** The functions, in memory once the blob is placed. */
	void (*const *functions)(void);
	/** How many. */
	size_t count;
};

/** An ELF file that was found to be whole. */
struct west_llext_blob {
	/** Its first byte; aligned to a pointer. */
	const uint8_t *start;
	/** Bytes. */
	size_t size;
	/** Section headers, inside it. */
	const void *sections;
	/** How many. */
	size_t count;
	/** Bytes of the note's description, which begins at `note`. */
	size_t note_size;
	/** The note's description; NULL where it has no note. */
	const uint8_t *note;
	/** What the note says of it. */
	enum west_llext_mode mode;
	/** Exports: known for prelocated blobs only. */
	const struct west_llext_row *exports;
	/** How many. */
	size_t export_count;
	/** What is to be called before and after everything else; prelocated blobs only. */
	struct west_llext_array preinit, init, fini;
};

/** The address of a symbol of this image, or NULL. */
typedef const void *(*west_llext_lookup)(const char *name);

/** Called for each range of memory that was written, so that caches can be cared for. */
typedef void (*west_llext_written)(void *address, size_t size, bool executable);

/** Whether what can't be written has to be in its place before. */
enum west_llext_way {
	/** Everything is copied, but for what is in its place already. */
	WEST_LLEXT_COPY,
	/** Code and constants are there, byte for byte; only data is copied. */
	WEST_LLEXT_IN_PLACE,
};

/**
 * Read the headers of a blob, and its note. Nothing of the blob is changed, and nothing outside of
 * it is read.
 *
 * @retval 0 it is whole
 * @retval -EINVAL it isn't aligned to a pointer
 * @retval -ENOEXEC it isn't an ELF file for this processor, or not all of it is there
 * @retval -ENOTSUP it has no note, or one of a newer version
 */
int west_llext_blob_open(struct west_llext_blob *blob, const void *start, size_t size);

/**
 * Compare the symbols that a blob uses with those of this image.
 *
 * @retval 0 all of them are where the blob expects them
 * @retval -ENOEXEC the note contradicts itself
 * @retval -ENOENT this image doesn't export a symbol, so that nobody can tell
 * @retval -EBADMSG a symbol is somewhere else: the blob was made for another image
 */
int west_llext_blob_verify(const struct west_llext_blob *blob, west_llext_lookup lookup,
			   struct west_llext_problem *problem);

/**
 * Find out whether a prelocated blob can be placed.
 *
 * @param memories where it may be; none for anywhere
 *
 * @retval 0 it can
 * @retval -ENOTSUP it isn't prelocated
 * @retval -ENOEXEC it contradicts itself
 * @retval -EFAULT a part of it lies outside of the memories, or in one that isn't for such a part
 * @retval -EADDRINUSE it would overwrite itself
 * @retval -ENXIO a part that has to be there isn't (WEST_LLEXT_IN_PLACE)
 */
int west_llext_blob_plan(struct west_llext_blob *blob, enum west_llext_way way,
			 const struct west_llext_memory *memories, size_t count);

/** Place a prelocated blob for which west_llext_blob_plan() returned 0. */
void west_llext_blob_place(const struct west_llext_blob *blob, west_llext_written written);

/** Call functions, in order. */
void west_llext_array_call(const struct west_llext_array *array);

#endif /* WEST_LLEXT_BLOB_H_ */
