// Text to tokens. One token at a time, no copies: a token's text is a view into the module's text, so a module of many
// megabytes costs nothing but the passage over it. A lexer is a small value; copying it is how the parser looks ahead.
//
// A dot belongs to the word that follows it (".f32", ".shared::cta", ".2d"): an instruction is an identifier followed by
// such words. Numbers are evaluated here: decimal, hexadecimal, octal and binary integers with an optional U, decimal
// floats, and the exact forms 0f (8 hexadecimal digits) and 0d (16).
//
// Source: PTX ISA 9.0, 4.1 (source format), 4.4 (identifiers), 4.5 (constants).
#pragma once

#include "ptx/ast.h"

namespace anywarp::ptx {

struct Token {
    enum class Kind : uint8_t { end, identifier, word, integer, real, string, punctuation, bad } kind = Kind::end;
    bool single = false;      // real: written as 0f...
    bool is_unsigned = false; // integer: suffix U or above the signed range
    uint16_t punctuation = 0; // a character, or two packed by pair(): << >> <= >= == != && ||
    uint32_t begin = 0;       // offset in the text
    SourceLocation where;
    std::string_view text; // string: without the quotes, escapes as written
    uint64_t bits = 0;     // integer: value; real: IEEE double

    static constexpr uint16_t pair(char a, char b) { return uint16_t(uint8_t(a) | uint8_t(b) << 8); }
    bool is(char c) const { return kind == Kind::punctuation && punctuation == uint8_t(c); }
    bool is(char a, char b) const { return kind == Kind::punctuation && punctuation == pair(a, b); }
    bool is_word(std::string_view s) const { return kind == Kind::word && text == s; }
    bool is_identifier() const { return kind == Kind::identifier; }
};

class Lexer {
public:
    Lexer(std::string_view text, size_t begin, size_t end, SourceLocation at)
        : text_(text.data()), position_(begin), end_(end), line_begin_(begin + 1 - at.column), line_(at.line) {}

    Token next();
    /// Just behind an opening brace: moves behind its closing one without making tokens. False at the end of the text.
    bool skip_braces();
    void skip_line();
    size_t position() const { return position_; }
    SourceLocation open_comment() const { return open_comment_; } // the text ended within /* */; line 0: it didn't
    SourceLocation where(size_t position) const { return {line_, uint32_t(position - line_begin_ + 1)}; }

private:
    bool skip_space();
    void number(Token& token);

    const char* text_;
    size_t position_, end_;
    size_t line_begin_; // may wrap below zero when a lexer starts in the middle of a line; only differences are used
    uint32_t line_;
    SourceLocation open_comment_{0, 0};
};

/// A double with the value (and NaN payload) of a float given by its bits.
uint64_t widen_float_bits(uint32_t bits);

} // namespace anywarp::ptx
