/* SPDX-License-Identifier: Apache-2.0 */
/* What the extension `mathlib` offers to others. */

#ifndef QUICKSTART_MATHLIB_H
#define QUICKSTART_MATHLIB_H

/* The mean of `count` values, rounded towards zero; 0 for no values. */
int math_mean(const short *values, unsigned int count);

/* The square root, rounded down. */
unsigned int math_sqrt(unsigned long long value);

/* What a formula in reverse Polish notation is: "3 4 + 5 *" is 35. */
int math_formula(const char *formula);

/* Whether formulas stop at the largest number instead of wrapping around; at first they wrap. */
void math_saturate(int on);

/* Applies operation `which` (0 add, 1 sub, 2 max) to two numbers, and prints it. */
int math_apply(unsigned int which, int left, int right);

#endif
