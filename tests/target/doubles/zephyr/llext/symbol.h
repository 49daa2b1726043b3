/* SPDX-License-Identifier: Apache-2.0 */
/* Test double of a header of Zephyr: as much of it as zephyr/src needs, and nothing of its text. */

#pragma once

#include <stddef.h>

struct llext_symtable {
	size_t sym_cnt;
};
