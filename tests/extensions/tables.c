/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and pointers: to code and data, of its own and of the base image's, and a switch. */
#include "base.h"

static int own[4] = {7, 8, 9, 10};
static int cleared[3];
static const char *const names[] = {"zero", "one", "two", "three"};
static int *const places[] = {&own[1], &cleared[2], &base_counter, own};
static int next(int value) { return value + 1; }
static int negated(int value) { return -value; }
static int (*const functions[])(int) = {next, base_twice, negated};
static const struct {
	const char *const *name;
	const int *square;
	int (*function)(int);
} rows[] = {{&names[3], &base_squares[3], negated}, {&base_name, base_squares + 2, next}};
static int (*current)(int) = negated;
static const char *volatile chosen = "first";

static int __attribute__((noinline)) switched(int value)
{
	switch (value) {
	case 0: return 11;
	case 1: return own[0];
	case 2: return base_squares[4];
	case 3: return next(value);
	case 4: return base_counter - 40;
	case 5: return cleared[2];
	case 6: return -6;
	case 7: return current(7);
	default: return 99;
	}
}

int tables_demo(void)
{
	*places[1] = 5;
	*places[2] = 40;
	for (int each = 0; each < 3; each++) {
		printk("%s %d %d\n", names[each], functions[each](each + 10), *places[each]);
	}
	printk("%s %d %d\n", *rows[0].name, *rows[0].square, rows[0].function(3));
	printk("%s %d %d\n", *rows[1].name, *rows[1].square, rows[1].function(3));
	printk("%s", chosen);
	chosen = "then";
	current = base_twice;
	printk(" %s %d\n", chosen, current(8));
	for (int each = 0; each < 9; each++) {
		printk("%d%s", switched(each), each < 8 ? " " : "\n");
	}
	return *places[3];
}
