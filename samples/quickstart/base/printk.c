/* SPDX-License-Identifier: Apache-2.0 */
/* printk(): formats into a small buffer that goes to the console whenever it is full. */

#include "semihosting.h"

#include <base.h>

#include <stdarg.h>

struct writer {
	char text[64];
	unsigned int used;
	int written;
};

static void flush(struct writer *writer)
{
	writer->text[writer->used] = '\0';
	semihosting_write(writer->text);
	writer->used = 0;
}

static void put(struct writer *writer, char letter)
{
	writer->text[writer->used++] = letter;
	writer->written++;
	if (writer->used == sizeof(writer->text) - 1) {
		flush(writer);
	}
}

static void put_text(struct writer *writer, const char *text)
{
	while (*text != '\0') {
		put(writer, *text++);
	}
}

static void put_number(struct writer *writer, unsigned long long number, unsigned int radix)
{
	char digits[20]; /* as many as 2^64 - 1 has */
	unsigned int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[number % radix];
		number /= radix;
	} while (number != 0);
	while (count > 0) {
		put(writer, digits[--count]);
	}
}

static void put_signed(struct writer *writer, long long number)
{
	if (number < 0) {
		put(writer, '-');
		put_number(writer, -(unsigned long long)number, 10);
	} else {
		put_number(writer, (unsigned long long)number, 10);
	}
}

int printk(const char *format, ...)
{
	struct writer writer = {.used = 0, .written = 0};
	va_list arguments;

	va_start(arguments, format);
	for (; *format != '\0'; format++) {
		int is_long = 0;

		if (*format != '%') {
			put(&writer, *format);
			continue;
		}
		format++;
		if (format[0] == 'l' && format[1] == 'l') {
			is_long = 1;
			format += 2;
		}
		switch (*format) {
		case 'c':
			put(&writer, (char)va_arg(arguments, int));
			break;
		case 's':
			put_text(&writer, va_arg(arguments, const char *));
			break;
		case 'd':
			put_signed(&writer, is_long ? va_arg(arguments, long long)
						    : va_arg(arguments, int));
			break;
		case 'u':
			put_number(&writer, is_long ? va_arg(arguments, unsigned long long)
						    : va_arg(arguments, unsigned int), 10);
			break;
		case 'p':
			put_text(&writer, "0x");
			put_number(&writer, (uintptr_t)va_arg(arguments, void *), 16);
			break;
		case 'x':
			put_number(&writer, is_long ? va_arg(arguments, unsigned long long)
						    : va_arg(arguments, unsigned int), 16);
			break;
		case '\0':
			format--; /* a lone % at the end: let the loop see the end, too */
			break;
		default:
			put(&writer, *format); /* %% and what we don't know */
			break;
		}
	}
	va_end(arguments);
	flush(&writer);
	return writer.written;
}
