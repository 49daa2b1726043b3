/* SPDX-License-Identifier: Apache-2.0 */

#ifndef WEST_LLEXT_SHA256_H_
#define WEST_LLEXT_SHA256_H_

#include <stddef.h>
#include <stdint.h>

#define WEST_LLEXT_SHA256_SIZE 32

/** A SHA-256 (FIPS 180-4) under way. */
struct west_llext_sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes so far */
	uint8_t block[64];
};

/** Begin a digest. */
void west_llext_sha256_begin(struct west_llext_sha256 *sha);

/** Add bytes to a digest. */
void west_llext_sha256_add(struct west_llext_sha256 *sha, const void *data, size_t size);

/** End a digest; WEST_LLEXT_SHA256_SIZE bytes go to `digest`. */
void west_llext_sha256_end(struct west_llext_sha256 *sha, uint8_t *digest);

#endif /* WEST_LLEXT_SHA256_H_ */
