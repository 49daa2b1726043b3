/* SPDX-License-Identifier: Apache-2.0 */

#ifndef QUICKSTART_WORDS_H
#define QUICKSTART_WORDS_H

extern const char *const words[];
extern const unsigned int word_count;

#endif
