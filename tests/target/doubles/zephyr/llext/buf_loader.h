/* SPDX-License-Identifier: Apache-2.0 */
/* Test double of a header of Zephyr: as much of it as zephyr/src needs, and nothing of its text. */

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <zephyr/llext/llext.h>

struct llext_buf_loader {
	struct llext_loader loader;
	const uint8_t *buf;
	size_t len;
};

#define LLEXT_BUF_LOADER(buffer, size) {.loader = {1}, .buf = (buffer), .len = (size)}
#if KERNEL_VERSION_NUMBER >= 0x040100
#define LLEXT_WRITABLE_BUF_LOADER(buffer, size) {.loader = {2}, .buf = (buffer), .len = (size)}
#endif
