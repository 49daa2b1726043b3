/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of names and functions, and a switch that compilers make a jump table of. */

#include <base.h>
#include <mathlib.h>

#include <limits.h>

static int add(int left, int right)
{
	return left + right;
}

static int sub(int left, int right)
{
	return left - right;
}

static int max(int left, int right)
{
	return left > right ? left : right;
}

static const struct {
	const char *name;
	int (*apply)(int, int);
} operations[] = {
	{"add", add},
	{"sub", sub},
	{"max", max},
};

int math_apply(unsigned int which, int left, int right)
{
	if (which >= sizeof(operations) / sizeof(operations[0])) {
		return 0;
	}

	int result = operations[which].apply(left, right);

	printk("mathlib: %d %s %d = %d\n", left, operations[which].name, right, result);
	return result;
}

/* Initialised data that holds the address of a function. */
static int (*sum)(int, int) = add;

static int add_saturated(int left, int right)
{
	int result;

	if (__builtin_add_overflow(left, right, &result)) {
		return left < 0 ? INT_MIN : INT_MAX;
	}
	return result;
}

void math_saturate(int on)
{
	sum = on ? add_saturated : add;
}

static int calculate(char sign, int left, int right)
{
	switch (sign) {
	case '%':
		return right != 0 ? left % right : 0;
	case '&':
		return left & right;
	case '*':
		return left * right;
	case '+':
		return sum(left, right);
	case '-':
		return sub(left, right);
	case '/':
		return right != 0 ? left / right : 0;
	default:
		printk("mathlib: what is %c?\n", sign);
		return 0;
	}
}

int math_formula(const char *formula)
{
	int stack[8];
	unsigned int depth = 0;

	stack[0] = 0;
	for (size_t index = 0, end = strlen(formula); index < end; index++) {
		char letter = formula[index];

		if (letter >= '0' && letter <= '9' && depth < 8) {
			stack[depth++] = letter - '0';
		} else if (letter != ' ' && depth >= 2) {
			depth--;
			stack[depth - 1] = calculate(letter, stack[depth - 1], stack[depth]);
		}
	}
	return stack[0];
}
