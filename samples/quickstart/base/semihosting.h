/* SPDX-License-Identifier: Apache-2.0 */
/* The debugger's or emulator's console: works on every Cortex-M, no matter which board it is on. */

#ifndef QUICKSTART_SEMIHOSTING_H
#define QUICKSTART_SEMIHOSTING_H

/* Writes a text that ends in a zero byte. */
void semihosting_write(const char *text);

/* Ends the emulation. The host sees success for 0 and failure for anything else. */
__attribute__((noreturn)) void semihosting_exit(int status);

#endif
