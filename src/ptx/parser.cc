// What all rules share: tokens, errors and the way back to a known place after one.
#include "ptx/parser.h"

namespace anywarp::ptx {

bool Parser::fail(SourceLocation where, std::string message) {
    if (!too_many_errors()) diagnostics_.push_back({Diagnostic::Severity::error, where, std::move(message)});
    return false;
}

bool Parser::fail_here(std::string_view expected) {
    std::string message = "expected " + std::string(expected);
    if (token_.kind == Token::Kind::end) {
        message += " before the end";
    } else {
        message += " before '";
        for (char c : token_.text.substr(0, 40)) {
            if (uint8_t(c) >= ' ' && uint8_t(c) < 127) message += c;
            else message += "\\x", message += "0123456789abcdef"[uint8_t(c) >> 4], message += "0123456789abcdef"[c & 15];
        }
        message += "'";
    }
    return fail(token_.where, std::move(message));
}

bool Parser::expect(char c) {
    if (accept(c)) return true;
    return fail_here(std::string{'\'', c, '\''});
}

bool Parser::accept(char c) {
    if (!token_.is(c)) return false;
    advance();
    return true;
}

bool Parser::accept_word(std::string_view word) {
    if (!token_.is_word(word)) return false;
    advance();
    return true;
}

void Parser::recover(bool block_ends) {
    while (token_.kind != Token::Kind::end && !token_.is('}')) {
        if (accept(';')) return;
        if (token_.is('{')) { // an operand, an initialiser or a body
            bool closed = lexer_.skip_braces();
            if (!closed || block_ends) {
                advance();
                accept(';');
                return;
            }
        }
        advance();
    }
}

bool Parser::skip_location() {
    // .loc file line column [, function_name label [+ offset]] [, inlined_at file line column]; it has no semicolon.
    if (accept_word(".loc")) {
        auto numbers = [&](int count) {
            while (count-- > 0 && token_.kind == Token::Kind::integer) advance();
        };
        numbers(3);
        while (token_.is(',')) {
            advance();
            if (!token_.is_identifier()) return fail_here("function_name or inlined_at");
            bool inlined = token_.text == "inlined_at";
            advance();
            if (inlined) {
                numbers(3);
            } else {
                if (!token_.is_identifier()) return fail_here("a label");
                advance();
                if (accept('+')) numbers(1);
            }
        }
        accept(';');
        return true;
    }
    advance(); // .file number "name" [, timestamp, size]
    if (token_.kind != Token::Kind::integer) return fail_here("a file number");
    advance();
    if (token_.kind != Token::Kind::string) return fail_here("a file name");
    advance();
    while (accept(',')) {
        if (token_.kind != Token::Kind::integer) return fail_here("a number");
        advance();
    }
    accept(';');
    return true;
}

} // namespace anywarp::ptx
