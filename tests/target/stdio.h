/* SPDX-License-Identifier: Apache-2.0 */
/* Test double: what messages need of the C library; the quickstart has printk(). */

#include <base.h>

#define printf printk
