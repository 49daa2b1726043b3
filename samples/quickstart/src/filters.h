/* SPDX-License-Identifier: Apache-2.0 */

#ifndef QUICKSTART_FILTERS_H
#define QUICKSTART_FILTERS_H

/* Each takes a reading and returns the filtered value, in tenths. */
int fir_step(int reading);
int iir_step(int reading);

#endif
