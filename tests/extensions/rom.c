/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler helpers that an lx106 has in its mask ROM, and its libgcc therefore leaves out. */

typedef unsigned int word;
typedef unsigned long long wide;

/* One bit at a time: the core has no divider. */
static wide divided(wide value, wide by, wide *rest)
{
	wide quotient = 0, left = 0;

	for (int bit = 63; bit >= 0; bit--) {
		left = left << 1 | (value >> bit & 1);
		if (left >= by) {
			left -= by;
			quotient |= 1ULL << bit;
		}
	}
	*rest = left;
	return quotient;
}

static wide absolute(long long value)
{
	return value < 0 ? -(wide)value : (wide)value;
}

wide __udivdi3(wide value, wide by)
{
	wide rest;

	return divided(value, by, &rest);
}

wide __umoddi3(wide value, wide by)
{
	wide rest;

	divided(value, by, &rest);
	return rest;
}

long long __divdi3(long long value, long long by)
{
	wide quotient = __udivdi3(absolute(value), absolute(by));

	return (long long)((value < 0) != (by < 0) ? -quotient : quotient);
}

word __udivsi3(word value, word by)
{
	return (word)__udivdi3(value, by);
}

word __umodsi3(word value, word by)
{
	return (word)__umoddi3(value, by);
}

int __divsi3(int value, int by)
{
	return (int)__divdi3(value, by);
}

/* The schoolbook's product of two words, half a word a digit. */
static wide product(word a, word b)
{
	word low = (a & 0xffff) * (b & 0xffff);
	word middle = (a >> 16) * (b & 0xffff) + (low >> 16);
	word other = (a & 0xffff) * (b >> 16) + (middle & 0xffff);
	word high = (a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16);

	return (wide)high << 32 | other << 16 | (low & 0xffff);
}

wide __umulsidi3(word a, word b)
{
	return product(a, b);
}

long long __muldi3(long long a, long long b)
{
	word high = (word)((wide)a >> 32) * (word)b + (word)a * (word)((wide)b >> 32);

	return (long long)(product((word)a, (word)b) + ((wide)high << 32));
}

/* What has more bits than a float: rounded to nearest, ties to even (IEEE 754, 4.3.1). */
static word rounded(wide value, int drop)
{
	wide half = 1ULL << (drop - 1), rest = value & ((half << 1) - 1);
	word kept = (word)(value >> drop);

	return kept + (rest > half || (rest == half && (kept & 1)));
}

/* Normal numbers and zero, which is all that the extensions have. */
float __mulsf3(float a, float b)
{
	union { float value; word bits; } one = {a}, other = {b};
	word sign = (one.bits ^ other.bits) & 0x80000000u;
	int exponent = (int)(one.bits >> 23 & 0xff) + (int)(other.bits >> 23 & 0xff) - 127;
	wide found = product((one.bits & 0x7fffff) | 0x800000, (other.bits & 0x7fffff) | 0x800000);
	int more = (int)(found >> 47);

	if (!(one.bits << 1) || !(other.bits << 1)) {
		one.bits = sign;
	} else {
		/* a carry out of the fraction goes on into the exponent */
		one.bits = sign | (((word)(exponent + more - 1) << 23) + rounded(found, 23 + more));
	}
	return one.value;
}

float __truncdfsf2(double from)
{
	union { double value; wide bits; } given = {from};
	union { word bits; float value; } made;
	word sign = (word)(given.bits >> 32) & 0x80000000u;
	int exponent = (int)(given.bits >> 52 & 0x7ff) - 1023 + 127;

	if (!(given.bits << 1)) {
		made.bits = sign;
	} else {
		wide fraction = given.bits & ((1ULL << 52) - 1);

		made.bits = sign | (((word)exponent << 23) + rounded(fraction, 29));
	}
	return made.value;
}
