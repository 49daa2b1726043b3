/* SPDX-License-Identifier: Apache-2.0 */
/* What the base image offers to the sample extensions. */
#pragma once

int printk(const char *format, ...);
int base_add(int a, int b);
int base_apply(int (*function)(int), int value);
int base_twice(int value);
int base_far(int value);
extern int base_counter;
extern const int base_squares[5];
extern const char *base_name;
