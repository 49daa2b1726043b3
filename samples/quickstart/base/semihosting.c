/* SPDX-License-Identifier: Apache-2.0 */
/* Semihosting for AArch32 and AArch64 (Arm), release 2.0, chapters "The semihosting interface" and
 * "Semihosting operations". */

#include "semihosting.h"

#include <stdint.h>

enum {
	SYS_WRITE0 = 0x04,
	SYS_EXIT = 0x18,
};

enum {
	ADP_Stopped_RunTimeErrorUnknown = 0x20023,
	ADP_Stopped_ApplicationExit = 0x20026,
};

static void semihosting(int operation, uintptr_t argument)
{
	register int r0 __asm__("r0") = operation;
	register uintptr_t r1 __asm__("r1") = argument;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void semihosting_write(const char *text)
{
	semihosting(SYS_WRITE0, (uintptr_t)text);
}

void semihosting_exit(int status)
{
	for (;;) {
		semihosting(SYS_EXIT, status == 0 ? ADP_Stopped_ApplicationExit
						  : ADP_Stopped_RunTimeErrorUnknown);
	}
}
