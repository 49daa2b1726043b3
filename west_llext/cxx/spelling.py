# SPDX-License-Identifier: Apache-2.0
"""How parts of C++ names are encoded: Itanium C++ ABI, 5.1; spelt as binutils' c++filt does.

Each table is keyed by the letters of its production.
"""

from __future__ import annotations

#: <builtin-type>
BUILTIN = {
    "v": "void",
    "w": "wchar_t",
    "b": "bool",
    "c": "char",
    "a": "signed char",
    "h": "unsigned char",
    "s": "short",
    "t": "unsigned short",
    "i": "int",
    "j": "unsigned int",
    "l": "long",
    "m": "unsigned long",
    "x": "long long",
    "y": "unsigned long long",
    "n": "__int128",
    "o": "unsigned __int128",
    "f": "float",
    "d": "double",
    "e": "long double",
    "g": "__float128",
    "z": "...",
    "Da": "auto",
    "Dc": "decltype(auto)",
    "Dn": "decltype(nullptr)",
    "Dd": "decimal64",
    "De": "decimal128",
    "Df": "decimal32",
    "Dh": "half",
    "Di": "char32_t",
    "Ds": "char16_t",
    "Du": "char8_t",
}

#: What follows a number of such a type, where it is no cast that tells the type.
LITERAL_SUFFIX = {"i": "", "j": "u", "l": "l", "m": "ul", "x": "ll", "y": "ull"}

#: <CV-qualifiers>, in the order in which they are encoded
QUALIFIER = {"r": " restrict", "V": " volatile", "K": " const"}

#: <type> and <ref-qualifier>
DECLARATOR = {"P": "*", "R": "&", "O": "&&"}

#: <operator-name>, but `cv` (a conversion), `li` (a literal) and those of expressions alone
OPERATOR = {
    "nw": " new",
    "na": " new[]",
    "dl": " delete",
    "da": " delete[]",
    "aw": " co_await",
    "ps": "+",
    "ng": "-",
    "ad": "&",
    "de": "*",
    "co": "~",
    "pl": "+",
    "mi": "-",
    "ml": "*",
    "dv": "/",
    "rm": "%",
    "an": "&",
    "or": "|",
    "eo": "^",
    "aS": "=",
    "pL": "+=",
    "mI": "-=",
    "mL": "*=",
    "dV": "/=",
    "rM": "%=",
    "aN": "&=",
    "oR": "|=",
    "eO": "^=",
    "ls": "<<",
    "rs": ">>",
    "lS": "<<=",
    "rS": ">>=",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
    "ss": "<=>",
    "nt": "!",
    "aa": "&&",
    "oo": "||",
    "pp": "++",
    "mm": "--",
    "cm": ",",
    "pm": "->*",
    "pt": "->",
    "cl": "()",
    "ix": "[]",
}

#: <substitution> without a number: the whole, and the name that constructors have
ABBREVIATION = {
    "Sa": ("std::allocator", "allocator"),
    "Sb": ("std::basic_string", "basic_string"),
    "Ss": ("std::string", "basic_string"),
    "Si": ("std::istream", "basic_istream"),
    "So": ("std::ostream", "basic_ostream"),
    "Sd": ("std::iostream", "basic_iostream"),
}
#: In front of a constructor or destructor they are written out.
WHOLE = {
    "Ss": "std::basic_string<char, std::char_traits<char>, std::allocator<char>>",
    "Si": "std::basic_istream<char, std::char_traits<char>>",
    "So": "std::basic_ostream<char, std::char_traits<char>>",
    "Sd": "std::basic_iostream<char, std::char_traits<char>>",
}

#: <special-name> of a type
OF_TYPE = {
    "TV": "vtable for ",
    "TT": "VTT for ",
    "TI": "typeinfo for ",
    "TS": "typeinfo name for ",
}
#: <special-name> of an object
OF_OBJECT = {
    "GV": "guard variable for ",
    "TH": "TLS init function for ",
    "TW": "TLS wrapper function for ",
}
