// See lexer.h. Garbage never stops the lexer: an unexpected byte becomes a token of kind `bad`, which no rule accepts.
#include "ptx/lexer.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace anywarp::ptx {
namespace {

enum : uint8_t { name_start = 1, name_part = 2, digit = 4, hex = 8, space = 16, brace_stop = 32 };

constexpr std::array<uint8_t, 256> classes = [] {
    std::array<uint8_t, 256> t{};
    for (int c = 'a'; c <= 'z'; c++) t[c] = t[c - 32] = name_start | name_part;
    for (int c = '0'; c <= '9'; c++) t[c] = name_part | digit | hex;
    for (int c = 'a'; c <= 'f'; c++) t[c] |= hex, t[c - 32] |= hex;
    t['_'] = t['$'] = name_start | name_part;
    t['%'] = name_start;
    t[' '] = t['\t'] = t['\r'] = t['\f'] = t['\v'] = space;
    for (char c : {'{', '}', '"', '/', '\n'}) t[uint8_t(c)] |= brace_stop;
    return t;
}();
bool is(char c, uint8_t mask) { return classes[uint8_t(c)] & mask; }

} // namespace

uint64_t widen_float_bits(uint32_t bits) {
    if ((bits & 0x7f800000) == 0x7f800000 && (bits & 0x7fffff))
        return uint64_t(bits >> 31) << 63 | 0x7ffull << 52 | uint64_t(bits & 0x7fffff) << 29;
    return std::bit_cast<uint64_t>(double(std::bit_cast<float>(bits)));
}

bool Lexer::skip_space() {
    while (position_ < end_) {
        char c = text_[position_];
        if (c == '\n') {
            position_++;
            line_++;
            line_begin_ = position_;
        } else if (is(c, space)) {
            position_++;
        } else if (c == '/' && position_ + 1 < end_ && text_[position_ + 1] == '/') {
            skip_line();
        } else if (c == '/' && position_ + 1 < end_ && text_[position_ + 1] == '*') {
            SourceLocation begin = where(position_);
            position_ += 2;
            while (position_ < end_ && !(text_[position_] == '*' && position_ + 1 < end_ && text_[position_ + 1] == '/')) {
                if (text_[position_] == '\n') line_++, line_begin_ = position_ + 1;
                position_++;
            }
            if (position_ >= end_) open_comment_ = begin;
            position_ = std::min(position_ + 2, end_);
        } else if (c == '\0' && position_ + 1 == end_) {
            position_++; // images handed over with their terminating zero
        } else {
            return true;
        }
    }
    return false;
}

void Lexer::skip_line() {
    const void* at = std::memchr(text_ + position_, '\n', end_ - position_);
    position_ = at ? static_cast<const char*>(at) - text_ : end_;
}

bool Lexer::skip_braces() {
    for (unsigned depth = 1; position_ < end_;) {
        char c = text_[position_];
        if (!is(c, brace_stop)) {
            position_++;
        } else if (c == '\n' || c == '/') {
            size_t before = position_;
            skip_space();
            if (position_ == before) position_++; // a lone slash
        } else if (c == '"') {
            Token string = next();
            (void)string;
        } else {
            position_++;
            if (c == '{') depth++;
            else if (--depth == 0) return true;
        }
    }
    return false;
}

void Lexer::number(Token& token) {
    token.kind = Token::Kind::integer;
    const char *begin = text_ + position_, *end = text_ + end_, *p = begin;
    auto run = [&](auto accept) {
        while (p < end && accept(*p)) p++;
    };
    auto hexadecimal = [](char c) { return is(c, hex); };
    char kind = p[0] == '0' && p + 1 < end ? char(p[1] | 0x20) : 0;
    unsigned base = 10;
    bool valid = true;
    if ((kind == 'f' || kind == 'd') && p + 2 < end && is(p[2], hex)) {
        p += 2;
        const char* digits = p;
        run(hexadecimal);
        uint64_t value = 0;
        valid = size_t(p - digits) == (kind == 'f' ? 8 : 16) && std::from_chars(digits, p, value, 16).ec == std::errc();
        token.kind = Token::Kind::real;
        token.single = kind == 'f';
        token.bits = token.single ? widen_float_bits(uint32_t(value)) : value;
    } else {
        const char* digits = p;
        if (kind == 'x' || kind == 'b') {
            base = kind == 'x' ? 16 : 2;
            digits = p += 2;
            run(hexadecimal);
        } else {
            run([](char c) { return is(c, digit); });
            bool real = p + 1 < end && *p == '.' && is(p[1], digit);
            if (p < end && *p == '.' && !(p + 1 < end && is(p[1], name_start))) real = true;
            if (real) p++, run([](char c) { return is(c, digit); });
            if (p < end && (*p | 0x20) == 'e') {
                const char* q = p + 1;
                if (q < end && (*q == '+' || *q == '-')) q++;
                if (q < end && is(*q, digit)) p = q, real = true, run([](char c) { return is(c, digit); });
            }
            if (real) {
                double value = 0;
                auto result = std::from_chars(begin, p, value);
                valid = result.ec == std::errc() || result.ec == std::errc::result_out_of_range;
                token.kind = Token::Kind::real;
                token.bits = std::bit_cast<uint64_t>(value);
            } else if (*digits == '0') {
                base = 8;
            }
        }
        if (token.kind == Token::Kind::integer) {
            auto result = std::from_chars(digits, p, token.bits, base);
            valid = p > digits && result.ec == std::errc() && result.ptr == p;
            token.is_unsigned = token.bits >> 63;
            if (p < end && *p == 'U') token.is_unsigned = true, p++;
        }
    }
    if (p < end && is(*p, name_part)) {
        valid = false;
        run([](char c) { return is(c, name_part); });
    }
    position_ = p - text_;
    if (!valid) token.kind = Token::Kind::bad;
}

Token Lexer::next() {
    Token token;
    bool more = skip_space();
    token.begin = uint32_t(position_);
    token.where = where(position_);
    if (!more) return token;
    size_t begin = position_;
    auto name = [&] {
        while (position_ < end_ && is(text_[position_], name_part)) position_++;
    };
    char c = text_[position_];
    if (is(c, digit)) {
        number(token);
    } else if (c == '%' && !(position_ + 1 < end_ && is(text_[position_ + 1], name_part))) {
        token.kind = Token::Kind::punctuation;
        token.punctuation = '%';
        position_++;
    } else if (is(c, name_start)) {
        token.kind = Token::Kind::identifier;
        position_++;
        name();
    } else if (c == '.' && position_ + 1 < end_ && is(text_[position_ + 1], name_part)) {
        token.kind = Token::Kind::word;
        position_++;
        name();
        while (position_ + 2 < end_ && text_[position_] == ':' && text_[position_ + 1] == ':' && is(text_[position_ + 2], name_part))
            position_ += 2, name();
    } else if (c == '"') {
        token.kind = Token::Kind::string;
        position_++;
        while (position_ < end_ && text_[position_] != '"' && text_[position_] != '\n')
            position_ += text_[position_] == '\\' && position_ + 1 < end_ && text_[position_ + 1] != '\n' ? 2 : 1;
        token.text = {text_ + begin + 1, std::min(position_, end_) - begin - 1};
        if (position_ < end_ && text_[position_] == '"') position_++;
        else token.kind = Token::Kind::bad;
        position_ = std::min(position_, end_);
        return token;
    } else {
        token.kind = uint8_t(c) > ' ' && uint8_t(c) < 127 ? Token::Kind::punctuation : Token::Kind::bad;
        token.punctuation = uint8_t(c);
        position_++;
        if (position_ < end_) {
            char d = text_[position_];
            bool doubled = c == d && (c == '<' || c == '>' || c == '&' || c == '|' || c == '=');
            bool compare = d == '=' && (c == '<' || c == '>' || c == '!');
            if (doubled || compare) token.punctuation = Token::pair(c, d), position_++;
        }
    }
    token.text = {text_ + begin, position_ - begin};
    return token;
}

} // namespace anywarp::ptx
