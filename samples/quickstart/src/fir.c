/* SPDX-License-Identifier: Apache-2.0 */
/* A weighted mean of the last four readings. */

#include "filters.h"

#define TAPS 4

static const int weights[TAPS] = {1, 2, 2, 1};

static int readings[TAPS]; /* the newest first; in .bss */
static long long gain;

__attribute__((constructor)) static void fir_start(void)
{
	for (int tap = 0; tap < TAPS; tap++) {
		readings[tap] = 100;
		gain += weights[tap];
	}
}

int fir_step(int reading)
{
	long long sum = 0;

	for (int tap = TAPS - 1; tap > 0; tap--) {
		readings[tap] = readings[tap - 1];
	}
	readings[0] = reading;
	for (int tap = 0; tap < TAPS; tap++) {
		sum += (long long)weights[tap] * readings[tap];
	}
	return gain != 0 ? (int)(sum * 10 / gain) : 0;
}
