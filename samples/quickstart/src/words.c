/* SPDX-License-Identifier: Apache-2.0 */
/* A table of strings: constant data that holds addresses. */

#include "words.h"

const char *const words[] = {"base image", "extension", "world"};
const unsigned int word_count = sizeof(words) / sizeof(words[0]);
