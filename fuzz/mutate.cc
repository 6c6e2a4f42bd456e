// Changes to inputs; see byte_fuzz.h. With libFuzzer, its own changes and these take turns.
#include "byte_fuzz.h"

#include <algorithm>

namespace anywarp::fuzz {

namespace {

bool is_word(char c) { return c == '_' || c == '%' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Start and end of a line, or of a word, near a random place.
std::pair<size_t, size_t> line_at(const std::string& t, size_t at) {
    size_t begin = at ? t.rfind('\n', at - 1) : std::string::npos, end = t.find('\n', at);
    return {begin == std::string::npos ? 0 : begin + 1, end == std::string::npos ? t.size() : end + 1};
}
std::pair<size_t, size_t> word_at(const std::string& t, size_t at) {
    while (at < t.size() && !is_word(t[at])) ++at;
    size_t begin = at, end = at;
    while (begin > 0 && is_word(t[begin - 1])) --begin;
    while (end < t.size() && is_word(t[end])) ++end;
    return {begin, end};
}

} // namespace

void mutate(std::string& t, Random& random) {
    static const char* numbers[] = {"0", "-1", "1", "4294967295", "4294967296", "18446744073709551615", "0x7fffffffffffffff", "65536", "0f7f800000",
                                    "1e999", "0d7ff0000000000000", "99999999999999999999", "1024", "3"};
    size_t at = random.below(t.size() + 1);
    switch (random.below(14)) {
    case 0: // a byte
        if (at < t.size()) t[at] = char(random.next());
        break;
    case 1: // a bit
        if (at < t.size()) t[at] = char(t[at] ^ (1 << random.below(8)));
        break;
    case 2: // left out
        t.erase(at, 1 + random.below(8));
        break;
    case 3: { // a piece repeated elsewhere
        std::string piece = t.substr(at, 1 + random.below(40));
        t.insert(random.below(t.size() + 1), piece);
        break;
    }
    case 4: // a word in
        if (!words().empty()) t.insert(at, words()[random.below(words().size())]);
        break;
    case 5:
    case 6: { // one word for another
        auto [begin, end] = word_at(t, at);
        if (!words().empty()) t.replace(begin, end - begin, words()[random.below(words().size())]);
        break;
    }
    case 7: { // one word for another of the same text
        auto [begin, end] = word_at(t, at);
        auto [from, to] = word_at(t, random.below(t.size() + 1));
        std::string word = t.substr(from, to - from);
        t.replace(begin, end - begin, word);
        break;
    }
    case 8: { // a number
        auto [begin, end] = word_at(t, at);
        t.replace(begin, end - begin, numbers[random.below(std::size(numbers))]);
        break;
    }
    case 9: { // a line left out
        auto [begin, end] = line_at(t, at);
        t.erase(begin, end - begin);
        break;
    }
    case 10: { // a line repeated or moved
        auto [begin, end] = line_at(t, at);
        std::string line = t.substr(begin, end - begin);
        if (random.below(2)) t.erase(begin, end - begin);
        t.insert(line_at(t, random.below(t.size() + 1)).first, line);
        break;
    }
    case 11: // cut off
        if (random.below(4) == 0) t.resize(at);
        break;
    case 12: { // eight bytes with a meaning in binary files
        static const uint64_t sizes[] = {0, 1, 0xff, 0xffff, 0x7fffffff, 0xffffffff, ~0ull, 64, 0x8000};
        uint64_t v = sizes[random.below(std::size(sizes))];
        size_t n = size_t(1) << random.below(4);
        for (size_t i = 0; i < n && at + i < t.size(); ++i) t[at + i] = char(v >> (8 * i));
        break;
    }
    default: { // two neighbouring words change places
        auto [begin, end] = word_at(t, at);
        auto [from, to] = word_at(t, end);
        if (from >= end && to > from) {
            std::string first = t.substr(begin, end - begin), between = t.substr(end, from - end), second = t.substr(from, to - from);
            t.replace(begin, to - begin, second + between + first);
        }
    }
    }
}

} // namespace anywarp::fuzz

#ifdef ANYWARP_LIBFUZZER
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
    anywarp::fuzz::Random random{seed};
    if (random.below(4) == 0) return LLVMFuzzerMutate(data, size, max_size);
    std::string text(reinterpret_cast<char*>(data), size);
    for (size_t n = 1 + random.below(4); n--;) anywarp::fuzz::mutate(text, random);
    if (text.size() > max_size) text.resize(max_size);
    std::copy(text.begin(), text.end(), data);
    return text.size();
}
#endif
