/* SPDX-License-Identifier: Apache-2.0 */
/* Test double of a header of Zephyr: as much of it as zephyr/src needs, and nothing of its text. */

#pragma once

#include <stddef.h>

int sys_cache_data_flush_range(void *address, size_t size);
int sys_cache_instr_invd_range(void *address, size_t size);
