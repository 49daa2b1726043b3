// SPDX-License-Identifier: Apache-2.0
// Everything in C++ that gives symbols of a form of their own; without a standard library.

#define KEEP __attribute__((used, noinline))

typedef decltype(sizeof 0) size_type;

// functions and what they take: every builtin type, pointers, references, arrays, functions
KEEP void none() {}
KEEP void builtin(bool, char, signed char, unsigned char, short, unsigned short, int, unsigned) {}
KEEP void wide(long, unsigned long, long long, unsigned long long, wchar_t, char16_t, char32_t) {}
KEEP void real(float, double, long double, decltype(nullptr)) {}
KEEP void variadic(const char *, ...) {}
KEEP void pointers(int *, const int *, volatile int *, const volatile int *, int *const *, void **) {}
KEEP void references(int &, const int &, int &&, int *&, const volatile char &&) {}
KEEP void arrays(int (*)[3], int (&)[4], const char (&)[5], int (*)[2][3], int *(*)[2]) {}
KEEP void functions(int (*)(), void (&)(int, char), int (*(*)(int))(char), void (*[2])()) {}
KEEP void restricted(int *__restrict, const int *__restrict) {}
KEEP int (*returned(int))(char) { return nullptr; }

namespace sound {
namespace {
KEEP int hidden(int value) { return value; }
} // namespace
inline namespace v2 {
struct Tone {
	Tone(int);
	Tone(const Tone &);
	Tone(Tone &&);
	~Tone();
	Tone &operator=(const Tone &);
	int pitch() const;
	int pitch() volatile;
	int pitch() const volatile;
	int once() &;
	int once() &&;
	static int count;
	operator int() const;
	operator const char *() const;
	explicit operator bool() const;
	int value;
};
KEEP Tone::Tone(int start) : value(start) {}
KEEP Tone::Tone(const Tone &) = default;
KEEP Tone::Tone(Tone &&) : value(0) {}
KEEP Tone::~Tone() {}
KEEP Tone &Tone::operator=(const Tone &) = default;
KEEP int Tone::pitch() const { return hidden(value); }
KEEP int Tone::pitch() volatile { return 1; }
KEEP int Tone::pitch() const volatile { return 2; }
KEEP int Tone::once() & { return 3; }
KEEP int Tone::once() && { return 4; }
KEEP Tone::operator int() const { return value; }
KEEP Tone::operator const char *() const { return ""; }
KEEP Tone::operator bool() const { return true; }
int Tone::count = 1;
} // namespace v2
KEEP void play(Tone, const Tone &, Tone *, Tone &&, int Tone::*, int (Tone::*)() const) {}
KEEP void play(int (Tone::*)() &&, Tone (*)(Tone), Tone (&)[2], const int Tone::*) {}
enum Kind { LOW, HIGH };
enum class Mode : unsigned char { SOFT, LOUD };
KEEP void set(Kind, Mode) {}
} // namespace sound

// operators
struct Number {
	int value;
};
#define BINARY(op) KEEP Number operator op(Number left, Number) { return left; }
BINARY(+) BINARY(-) BINARY(*) BINARY(/) BINARY(%) BINARY(^) BINARY(&) BINARY(|) BINARY(<<) BINARY(>>)
BINARY(==) BINARY(!=) BINARY(<) BINARY(>) BINARY(<=) BINARY(>=) BINARY(&&) BINARY(||) BINARY(->*)
BINARY(+=) BINARY(-=) BINARY(*=) BINARY(/=) BINARY(%=) BINARY(^=) BINARY(&=) BINARY(|=) BINARY(<<=)
BINARY(>>=)
KEEP Number operator,(Number left, Number) { return left; }
#define UNARY(op) KEEP Number operator op(Number left) { return left; }
UNARY(+) UNARY(-) UNARY(*) UNARY(&) UNARY(~) UNARY(!) UNARY(++) UNARY(--)
KEEP Number operator++(Number &left, int) { return left; }
KEEP unsigned long long operator""_hz(unsigned long long value) { return value; }
KEEP void *operator new(size_type) { return nullptr; }
KEEP void *operator new[](size_type) { return nullptr; }
KEEP void operator delete(void *) noexcept {}
KEEP void operator delete[](void *) noexcept {}
struct Caller {
	int operator()(int) const;
	int operator[](int);
	Caller *operator->();
	template <typename T> bool operator<(const T &) const;
	template <typename T> int operator()(T);
};
KEEP int Caller::operator()(int value) const { return value; }
KEEP int Caller::operator[](int value) { return value; }
KEEP Caller *Caller::operator->() { return this; }
template <typename T> bool Caller::operator<(const T &) const { return true; }
template <typename T> int Caller::operator()(T) { return 1; }
template bool Caller::operator< <int>(const int &) const;
template int Caller::operator()(const char *);

// templates: types, numbers, packs, templates, members
template <typename T> struct Box {
	T value;
	Box();
	template <typename U> Box(U, T);
	T get() const;
	template <typename U> U as(const T &, U *);
	struct Inner {
		T *deep(T &, Inner);
	};
	static T shared;
};
template <typename T> KEEP Box<T>::Box() : value() {}
template <typename T> template <typename U> Box<T>::Box(U, T start) : value(start) {}
template <typename T> T Box<T>::get() const { return value; }
template <typename T> template <typename U> U Box<T>::as(const T &, U *) { return U(); }
template <typename T> T *Box<T>::Inner::deep(T &found, Inner) { return &found; }
template <typename T> T Box<T>::shared;
template struct Box<int>;
template struct Box<const char *>;
template struct Box<Box<sound::Tone *>>;
template char Box<int>::as<char>(const int &, char *);
template Box<int>::Box(sound::Kind, int);
template <int N, unsigned U, bool B, char C, long L, short S> KEEP int numbers() { return N; }
template int numbers<-5, 7u, true, 'a', -1l, 3>();
template <sound::Mode M, unsigned long long X, decltype(nullptr) P> KEEP void kinds() {}
template void kinds<sound::Mode::LOUD, 1ull, nullptr>();
template <typename... T> KEEP void pack(T...) {}
template void pack<>();
template void pack(int);
template void pack(int, char, Box<int>);
template <typename... T> KEEP void forwarded(T &&...) {}
template void forwarded(int &, const char &&);
template <typename... T> KEEP void boxed(Box<T>..., const T *...) {}
template void boxed<int, char>(Box<int>, Box<char>, const int *, const char *);
template <typename... T> struct Tuple {
	template <typename... U> void both(U..., Box<T> &...);
};
template <typename... T> template <typename... U> void Tuple<T...>::both(U..., Box<T> &...) {}
template void Tuple<int, char>::both<long>(long, Box<int> &, Box<char> &);
template <template <typename> class C, typename T> KEEP C<T> *made(C<T> *found) { return found; }
template Box<int> *made(Box<int> *);
template <typename T> KEEP T &collapsed(T &&found) { return found; }
template int &collapsed<int &>(int &);
template const int &collapsed<const int &>(const int &);
template <typename T, size_type N> KEEP size_type length(T (&)[N]) { return N; }
template size_type length(int (&)[6]);
template <typename R, typename... A> KEEP void call(R (*)(A...), A...) {}
template void call(int (*)(char, long), char, long);
template void call(void (*)());
template <typename T, typename M> KEEP void field(M T::*) {}
template void field(int sound::Tone::*);
template void field(int (sound::Tone::*)() const);
template <typename T> KEEP void signature() {}
template void signature<int(char, ...)>();
template void signature<void()>();
template void signature<int[3]>();
template void signature<const int[]>();
template void signature<void (*)(int (&)[2])>();
template void signature<int() const>();

// virtual functions: tables, type information, thunks
struct Base {
	virtual ~Base();
	virtual Base *copy();
};
struct Other {
	virtual int other();
	int pad;
};
struct Derived : Base, Other {
	~Derived();
	Derived *copy() override;
	int other() override;
};
struct Shared : virtual Base, virtual Other {
	~Shared();
	Shared *copy() override;
	int other() override;
};
struct Last : Shared {
	~Last();
};
Base::~Base() {}
Base *Base::copy() { return this; }
int Other::other() { return 0; }
Derived::~Derived() {}
Derived *Derived::copy() { return this; }
int Derived::other() { return 1; }
Shared::~Shared() {}
Shared *Shared::copy() { return this; }
int Shared::other() { return 2; }
Last::~Last() {}

// local names: statics and their guards, lambdas, classes in functions, in templates, in each other
extern int seed();
KEEP int local(int start)
{
	static int once = seed();
	static Box<int> box;
	struct Local {
		KEEP int run(int value) { return value; }
		struct Deep {
			KEEP static int run(Local) { return 1; }
		};
	};
	{
		static int once = seed() + 1;
		start += once;
	}
	auto plain = [](int value) KEEP { return value; };
	auto second = [start](Local *, const Box<int> &) KEEP { return start; };
	Local it;
	return it.run(once) + Local::Deep::run(it) + plain(1) + second(&it, box) + box.get();
}
template <typename T> KEEP int within(T start)
{
	static T once = T(seed());
	struct Local {
		KEEP int run(T value) { return int(value); }
	};
	auto each = [](T value) KEEP { return int(value); };
	return Local().run(start) + each(start) + int(once);
}
template int within(int);
template int within(short);
template <typename F> KEEP int with(F function) { return function(1); }
KEEP int passed()
{
	return with([](int value) { return value; }) + with([](long value) { return int(value); });
}
thread_local int per_thread = seed();
KEEP int thread() { return per_thread; }
[[gnu::abi_tag("old", "new")]] KEEP Number tagged(Number value) { return value; }
typedef float Vector __attribute__((vector_size(16)));
KEEP Vector vectors(Vector value) { return value; }
