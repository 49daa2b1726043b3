/* SPDX-License-Identifier: Apache-2.0 */

extern "C" int add_up(int one, int other);
extern "C" int made_value(void);

struct Made {
	int value;
	Made() : value(add_up(40, 2))
	{
	}
};

static Made made;

int made_value(void)
{
	return made.value;
}
