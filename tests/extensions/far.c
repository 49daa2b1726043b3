/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of what is out of reach. */
#include "base.h"

#ifdef __riscv
/* Compilers call with AUIPC and JALR, which reach 2 GiB; JAL reaches 1 MiB. */
static int near(int value)
{
	register int a0 __asm__("a0") = value;

	__asm__ volatile("jal ra, base_far"
			 : "+r"(a0)
			 :
			 : "ra", "t0", "t1", "t2", "a1", "a2", "a3", "a4", "a5", "memory");
	return a0;
}
#else
static int near(int value)
{
	return base_far(value);
}
#endif

static int __attribute__((noinline)) last(int value)
{
	return base_far(value); /* a jump */
}

int far_demo(void)
{
	printk("far: %d %d %d\n", near(1), base_far(2), last(3));
	return near(5);
}
