/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main() on a Cortex-M: vector table, .data, .bss, faults. */

#include "semihosting.h"

#include <base.h>

int main(void);
void reset(void);
void report_fault(const unsigned int *frame);

/* made by the linker script */
extern unsigned int stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];

void reset(void)
{
	const unsigned int *from = data_load;

	for (unsigned int *to = data_start; to < data_end; to++) {
		*to = *from++;
	}
	for (unsigned int *to = bss_start; to < bss_end; to++) {
		*to = 0;
	}
	semihosting_exit(main());
}

/* `frame` is what the core pushed: r0 to r3, r12, lr, pc, xpsr. */
void report_fault(const unsigned int *frame)
{
	printk("fault at %x, called from %x\n", frame[6], frame[5]);
	semihosting_exit(1);
}

__attribute__((naked)) static void fault(void)
{
	__asm__ volatile("mrs r0, msp\n\tb report_fault");
}

/* Armv7-M Architecture Reference Manual (DDI 0403E), B1.5.3 "The vector table" */
struct vector_table {
	unsigned int *stack;
	void (*handlers[15])(void);
};

__attribute__((section(".vectors"), used)) static const struct vector_table vectors = {
	stack_top,
	{reset, fault, fault, fault, fault, fault},
};
