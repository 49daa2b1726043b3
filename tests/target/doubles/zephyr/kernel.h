/* SPDX-License-Identifier: Apache-2.0 */
/* Test double of a header of Zephyr: as much of it as zephyr/src needs, and nothing of its text. */

#pragma once

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
/* settings are 0 or 1 here */
#define IS_ENABLED(setting) (setting)
