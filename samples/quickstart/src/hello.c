/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest useful extension: it calls the base image and reads its data. */

#include "words.h"

#include <base.h>

int hello_run(void)
{
	for (unsigned int index = 0; index < word_count; index++) {
		printk("hello, %s\n", words[index]);
	}
	printk("hello runs on %s at %u Hz\n", board.name, board.clock_hz);
	return (int)word_count;
}
