/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 as FIPS 180-4 (section 6.2) has it, small rather than fast: it sees the names of a few
 * symbols. Identities of blobs are such digests, and SLIDs begin them.
 */

#include "sha256.h"

/* FIPS 180-4, 4.2.2: the fractional parts of the cube roots of the first 64 primes */
static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

/* FIPS 180-4, 5.3.3: the fractional parts of the square roots of the first 8 primes */
static const uint32_t initial_state[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotated(uint32_t value, unsigned int bits)
{
	return value >> bits | value << (32 - bits);
}

static uint32_t word_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       (uint32_t)bytes[3];
}

static void compress(struct west_llext_sha256 *sha)
{
	uint32_t words[64];
	uint32_t s[8];

	for (int i = 0; i < 64; i++) {
		if (i < 16) {
			words[i] = word_at(&sha->block[4 * i]);
			continue;
		}
		uint32_t a = words[i - 15];
		uint32_t b = words[i - 2];

		words[i] = words[i - 16] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) +
			   words[i - 7] + (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
	}
	for (int i = 0; i < 8; i++) {
		s[i] = sha->state[i];
	}
	for (int i = 0; i < 64; i++) {
		uint32_t first = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) +
				 ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constants[i] + words[i];
		uint32_t second = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) +
				  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		for (int j = 7; j > 0; j--) {
			s[j] = s[j - 1];
		}
		s[4] += first;
		s[0] = first + second;
	}
	for (int i = 0; i < 8; i++) {
		sha->state[i] += s[i];
	}
}

void west_llext_sha256_begin(struct west_llext_sha256 *sha)
{
	for (int i = 0; i < 8; i++) {
		sha->state[i] = initial_state[i];
	}
	sha->length = 0;
}

void west_llext_sha256_add(struct west_llext_sha256 *sha, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		sha->block[sha->length % 64] = bytes[i];
		sha->length++;
		if (sha->length % 64 == 0) {
			compress(sha);
		}
	}
}

void west_llext_sha256_end(struct west_llext_sha256 *sha, uint8_t *digest)
{
	const uint64_t bits = sha->length * 8;
	uint8_t length[8];
	uint8_t byte = 0x80;

	for (int i = 0; i < 8; i++) {
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	}
	do {
		west_llext_sha256_add(sha, &byte, 1);
		byte = 0;
	} while (sha->length % 64 != 56);
	west_llext_sha256_add(sha, length, sizeof(length));
	for (int i = 0; i < WEST_LLEXT_SHA256_SIZE; i++) {
		digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
	}
}
