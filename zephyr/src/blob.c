/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on the target; see blob.h. Every number in a blob is doubted before it is used: sums are
 * made where they can't overflow, and what is pointed to has to lie inside.
 */

#include "blob.h"

#include <errno.h>
#include <string.h>

#include "sha256.h"

/* System V gABI, chapters 4 and 5 */
#if UINTPTR_MAX > 0xffffffff
#define CLASS 2
typedef struct {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} elf_header;
typedef struct {
	uint32_t name, type;
	uint64_t flags, addr, offset, size;
	uint32_t link, info;
	uint64_t addralign, entsize;
} elf_section;
#else
#define CLASS 1
typedef struct {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version, entry, phoff, shoff, flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} elf_header;
typedef struct {
	uint32_t name, type, flags, addr, offset, size, link, info, addralign, entsize;
} elf_section;
#endif

enum {
	ET_REL = 1,
	ET_DYN = 3,
	SHT_PROGBITS = 1,
	SHT_NOTE = 7,
	SHT_NOBITS = 8,
	SHT_INIT_ARRAY = 14,
	SHT_FINI_ARRAY = 15,
	SHT_PREINIT_ARRAY = 16,
	SHF_WRITE = 1,
	SHF_ALLOC = 2,
	SHF_EXECINSTR = 4,
};

/* e_machine of this processor; 0 where any will do */
#if defined(__arm__)
#define MACHINE 40
#elif defined(__aarch64__)
#define MACHINE 183
#elif defined(__riscv)
#define MACHINE 243
#elif defined(__XTENSA__)
#define MACHINE 94
#elif defined(__i386__)
#define MACHINE 3
#elif defined(__x86_64__)
#define MACHINE 62
#else
#define MACHINE 0
#endif

/* docs/blob-format.md */
#define OWNER            "west-llext"
#define OWNER_PADDED     OWNER "\0" /* and one more zero, the literal's own */
#define NOTE_TYPE        1
#define NOTE_VERSION     1
#define NOTE_HEAD        24 /* sizes, type and owner, padded to 4 bytes */
#define DESCRIPTION_HEAD 44 /* version, mode, number of symbols, digest */
#define DIGEST_AT        12
#define EXPORTS          ".exported_sym"
/* Sections that a blob has at most; ours have fewer than 20. */
#define MAX_SECTIONS     64

static uint32_t word32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static uintptr_t word(const uint8_t *from)
{
	uintptr_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

/* EI_DATA of this processor. */
static uint8_t byte_order(void)
{
	const uint16_t one = 1;
	uint8_t first;

	memcpy(&first, &one, sizeof(first));
	return first == 1 ? 1 : 2;
}

static bool inside(size_t offset, size_t size, size_t whole)
{
	return offset <= whole && size <= whole - offset;
}

static const elf_section *section(const struct west_llext_blob *blob, size_t number)
{
	return (const elf_section *)blob->sections + number;
}

/* Parts that are loaded; everything else stays in the file. */
static bool is_loaded(const elf_section *part)
{
	return (part->flags & SHF_ALLOC) != 0 && part->size != 0;
}

static const void *content(const struct west_llext_blob *blob, const elf_section *part)
{
	return blob->start + part->offset;
}

static int open_note(struct west_llext_blob *blob, const elf_section *part)
{
	const uint8_t *note = content(blob, part);

	if (part->size < NOTE_HEAD + DESCRIPTION_HEAD || word32(note) != sizeof(OWNER) ||
	    word32(note + 8) != NOTE_TYPE ||
	    memcmp(note + 12, OWNER_PADDED, sizeof(OWNER_PADDED)) != 0) {
		return 0; /* somebody else's */
	}
	blob->note = note + NOTE_HEAD;
	blob->note_size = word32(note + 4);
	if (!inside(NOTE_HEAD, blob->note_size, part->size) || blob->note_size < DESCRIPTION_HEAD) {
		return -ENOEXEC;
	}
	if (word32(blob->note) != NOTE_VERSION) {
		return -ENOTSUP;
	}
	const uint32_t mode = word32(blob->note + 4); /* an enum may be shorter */

	if (mode != WEST_LLEXT_MODE_BOUND && mode != WEST_LLEXT_MODE_PRELOCATED) {
		return -ENOTSUP;
	}
	blob->mode = (enum west_llext_mode)mode;
	return 0;
}

int west_llext_blob_open(struct west_llext_blob *blob, const void *start, size_t size)
{
	const elf_header *head = start;

	memset(blob, 0, sizeof(*blob));
	if (start == NULL || (uintptr_t)start % sizeof(uintptr_t) != 0) {
		return -EINVAL;
	}
	if (size < sizeof(*head) || memcmp(head->ident, "\177ELF", 4) != 0 ||
	    head->ident[4] != CLASS || head->ident[5] != byte_order() ||
	    (head->type != ET_REL && head->type != ET_DYN) ||
	    (MACHINE != 0 && head->machine != MACHINE) || head->shentsize != sizeof(elf_section) ||
	    head->shnum > MAX_SECTIONS || head->shoff % sizeof(uintptr_t) != 0 ||
	    !inside(head->shoff, (size_t)head->shnum * sizeof(elf_section), size)) {
		return -ENOEXEC;
	}
	blob->start = start;
	blob->size = size;
	blob->sections = blob->start + head->shoff;
	blob->count = head->shnum;
	for (size_t i = 0; i < blob->count; i++) {
		const elf_section *part = section(blob, i);

		if (part->type != SHT_NOBITS && !inside(part->offset, part->size, size)) {
			return -ENOEXEC;
		}
		if (part->type == SHT_NOTE && blob->note == NULL) {
			int rc = open_note(blob, part);

			if (rc != 0) {
				return rc;
			}
		}
	}
	if (blob->note == NULL) {
		return -ENOTSUP;
	}
	if ((blob->mode == WEST_LLEXT_MODE_PRELOCATED) != (head->type == ET_DYN)) {
		return -ENOEXEC;
	}
	return 0;
}

/* Names stand one behind the other, sorted, and nothing else does. */
static const char *next_name(const uint8_t *names, size_t size, size_t *at, const char *before)
{
	const char *name = (const char *)names + *at;
	size_t length = 0;

	while (*at + length < size && name[length] != '\0') {
		length++;
	}
	if (length == 0 || *at + length == size || (before != NULL && strcmp(before, name) >= 0)) {
		return NULL;
	}
	*at += length + 1;
	return name;
}

static void add_symbol(struct west_llext_sha256 *sha, const char *name, uintptr_t address)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)((uint64_t)address >> (8 * i));
	}
	west_llext_sha256_add(sha, name, strlen(name) + 1);
	west_llext_sha256_add(sha, bytes, sizeof(bytes));
}

/* What a symbol of the note comes to in this image. */
static int compare(const char *name, uintptr_t expected, west_llext_lookup lookup,
		   struct west_llext_problem *problem)
{
	uintptr_t found = (uintptr_t)lookup(name);

	if (found == expected) {
		return 0;
	}
	problem->symbol = name;
	problem->expected = expected;
	problem->found = found;
	return found == 0 ? -ENOENT : -EBADMSG;
}

int west_llext_blob_verify(const struct west_llext_blob *blob, west_llext_lookup lookup,
			   struct west_llext_problem *problem)
{
	const size_t count = word32(blob->note + 8);
	const size_t row = 2 * sizeof(uintptr_t);
	const uint8_t *rows = blob->note + DESCRIPTION_HEAD;
	const size_t rest = blob->note_size - DESCRIPTION_HEAD;
	struct west_llext_sha256 sha;
	uint8_t digest[WEST_LLEXT_SHA256_SIZE];
	const char *name = NULL;
	size_t at = 0;

	memset(problem, 0, sizeof(*problem));
	if (count > rest / row) {
		return -ENOEXEC;
	}
	const uint8_t *names = rows + count * row;
	const size_t names_size = rest - count * row;

	west_llext_sha256_begin(&sha);
	for (size_t i = 0; i < count; i++, rows += row) {
		if (word(rows + sizeof(uintptr_t)) != at) {
			return -ENOEXEC;
		}
		name = next_name(names, names_size, &at, name);
		if (name == NULL) {
			return -ENOEXEC;
		}
		add_symbol(&sha, name, word(rows));
	}
	west_llext_sha256_end(&sha, digest);
	if (at != names_size || memcmp(digest, blob->note + DIGEST_AT, sizeof(digest)) != 0) {
		return -ENOEXEC;
	}
	/* the note is sound: only now does what it says count */
	rows = blob->note + DESCRIPTION_HEAD;
	for (size_t i = 0; i < count; i++, rows += row) {
		name = (const char *)names + word(rows + sizeof(uintptr_t));
		int rc = compare(name, word(rows), lookup, problem);

		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static bool has_room(const elf_section *part, const struct west_llext_memory *memories,
		     size_t count)
{
	unsigned int needed = 4;

	if (part->flags & SHF_WRITE) {
		needed |= 2;
	}
	if (part->flags & SHF_EXECINSTR) {
		needed |= 1;
	}
	for (size_t i = 0; i < count; i++) {
		if (part->addr >= memories[i].address &&
		    inside(part->addr - memories[i].address, part->size, memories[i].size) &&
		    (memories[i].access & needed) == needed) {
			return true;
		}
	}
	return count == 0;
}

static bool overlap(uintptr_t one, size_t one_size, uintptr_t other, size_t other_size)
{
	return one < other ? other - one < one_size : one - other < other_size;
}

/* Whether a part is where it runs already. */
static bool is_there(const struct west_llext_blob *blob, const elf_section *part)
{
	return part->type != SHT_NOBITS &&
	       memcmp((const void *)(uintptr_t)part->addr, content(blob, part), part->size) == 0;
}

static int plan_part(const struct west_llext_blob *blob, size_t number, enum west_llext_way way,
		     const struct west_llext_memory *memories, size_t count)
{
	const elf_section *part = section(blob, number);

	if (part->addr == 0 || part->size > UINTPTR_MAX - part->addr) {
		return -ENOEXEC;
	}
	if (!has_room(part, memories, count)) {
		return -EFAULT;
	}
	for (size_t i = 0; i < number; i++) {
		const elf_section *other = section(blob, i);

		if (is_loaded(other) && overlap(part->addr, part->size, other->addr, other->size)) {
			return -ENOEXEC;
		}
	}
	if (way == WEST_LLEXT_IN_PLACE && (part->flags & SHF_WRITE) == 0) {
		return is_there(blob, part) ? 0 : -ENXIO;
	}
	if (overlap(part->addr, part->size, (uintptr_t)blob->start, blob->size) &&
	    (part->type == SHT_NOBITS || (uintptr_t)content(blob, part) != part->addr)) {
		return -EADDRINUSE;
	}
	return 0;
}

static void note_array(struct west_llext_array *array, const elf_section *part)
{
	array->functions = (void (*const *)(void))(uintptr_t)part->addr;
	array->count = part->size / sizeof(uintptr_t);
}

static bool is_exports(const struct west_llext_blob *blob, const elf_section *part)
{
	const elf_header *head = (const elf_header *)blob->start;

	if (head->shstrndx >= blob->count) {
		return false;
	}
	const elf_section *names = section(blob, head->shstrndx);


	if (names->type == SHT_NOBITS || !inside(part->name, sizeof(EXPORTS), names->size)) {
		return false;
	}
	const char *name = (const char *)content(blob, names) + part->name;

	return memcmp(name, EXPORTS, sizeof(EXPORTS)) == 0;
}

int west_llext_blob_plan(struct west_llext_blob *blob, enum west_llext_way way,
			 const struct west_llext_memory *memories, size_t count)
{
	if (blob->mode != WEST_LLEXT_MODE_PRELOCATED) {
		return -ENOTSUP;
	}
	for (size_t i = 0; i < blob->count; i++) {
		const elf_section *part = section(blob, i);

		if (!is_loaded(part)) {
			continue;
		}
		int rc = plan_part(blob, i, way, memories, count);

		if (rc != 0) {
			return rc;
		}
		switch (part->type) {
		case SHT_PREINIT_ARRAY:
			note_array(&blob->preinit, part);
			break;
		case SHT_INIT_ARRAY:
			note_array(&blob->init, part);
			break;
		case SHT_FINI_ARRAY:
			note_array(&blob->fini, part);
			break;
		case SHT_PROGBITS:
			if (is_exports(blob, part)) {
				blob->exports = (const void *)(uintptr_t)part->addr;
				blob->export_count = part->size / sizeof(struct west_llext_row);
			}
			break;
		default:
			break;
		}
	}
	return 0;
}

void west_llext_blob_place(const struct west_llext_blob *blob, west_llext_written written)
{
	for (size_t i = 0; i < blob->count; i++) {
		const elf_section *part = section(blob, i);
		void *place = (void *)(uintptr_t)part->addr;

		if (!is_loaded(part) || is_there(blob, part)) {
			continue;
		}
		if (part->type == SHT_NOBITS) {
			memset(place, 0, part->size);
		} else {
			memcpy(place, content(blob, part), part->size);
		}
		if (written != NULL) {
			written(place, part->size, (part->flags & SHF_EXECINSTR) != 0);
		}
	}
}

void west_llext_array_call(const struct west_llext_array *array)
{
	for (size_t i = 0; i < array->count; i++) {
		if (array->functions[i] != NULL) {
			array->functions[i]();
		}
	}
}
