/* SPDX-License-Identifier: Apache-2.0 */

extern int answer;
int add_up(int one, int other);

void NAME(void);

static int base = BASE;
static int calls[8];

void NAME(void)
{
	calls[3]++;
	answer = add_up(base, calls[3]);
}
