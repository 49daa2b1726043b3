/* SPDX-License-Identifier: Apache-2.0 */

#ifndef QUICKSTART_HISTORY_H
#define QUICKSTART_HISTORY_H

void history_add(int value);
void history_report(void);

#endif
