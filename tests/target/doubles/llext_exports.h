/* SPDX-License-Identifier: Apache-2.0 */
/* Test double of a header of Zephyr: as much of it as zephyr/src needs, and nothing of its text. */

#pragma once

#ifdef NO_MEMORY
#define WEST_LLEXT_MEMORIES(X)
#else
#define WEST_LLEXT_MEMORIES(X) X(rom, 0x1000, 0x100, 5) X(ram, 0x2000, 0x80, 6)
#endif
