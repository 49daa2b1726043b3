/* SPDX-License-Identifier: Apache-2.0 */
/* Test double of a header of Zephyr: as much of it as zephyr/src needs, and nothing of its text. */

#pragma once

#include <stdio.h>

#define LOG_MODULE_REGISTER(name, level) _Static_assert(level >= 0, #name)
#define LOG_ERR(...) (printf("E: "), printf(__VA_ARGS__), printf("\n"))
