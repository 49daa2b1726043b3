/* SPDX-License-Identifier: Apache-2.0 */
/* Test double of a header of Zephyr: as much of it as zephyr/src needs, and nothing of its text. */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <zephyr/llext/symbol.h>

struct llext_loader {
	int storage;
};

struct llext {
	const char *name;
};

struct llext_load_param {
	bool relocate_local;
	bool pre_located;
};

#define LLEXT_LOAD_PARAM_DEFAULT {.relocate_local = true}

const void *llext_find_sym(const struct llext_symtable *table, const char *name);
int llext_load(struct llext_loader *loader, const char *name, struct llext **ext,
	       const struct llext_load_param *param);
