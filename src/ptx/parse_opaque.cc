// .texref, .samplerref and .surfref variables and their initialisers: { filter_mode = linear, addr_mode_0 = wrap }.
//
// Such a variable becomes an AnywarpReference in the module image (texture_descriptor.h): a tag that says what it is, the handle
// it is bound to, and the modes of the initialiser. A .samplerref is bound to its own modes from the start, so its initialiser
// holds an address. As a kernel's parameter a reference is just the handle, 8 bytes. The `.tex .u32 name` of PTX 1.x is a
// .global .texref.
//
// Source: PTX ISA 9.0, 5.3 (texture, sampler and surface types), 5.1.8 (.tex).
#include "ptx/parser.h"
#include "ptx/texture_descriptor.h"

#include <cstddef>
#include <cstring>

namespace anywarp::ptx {

static_assert(sizeof(AnywarpSampler) == 64 && sizeof(AnywarpTexture) == 512 && sizeof(AnywarpReference) == 128);
static_assert(offsetof(AnywarpTexture, sampler) == 64 && offsetof(AnywarpTexture, levels) == 128);
static_assert(offsetof(AnywarpReference, handle) == ANYWARP_REFERENCE_HANDLE_OFFSET &&
              offsetof(AnywarpReference, initial) == ANYWARP_REFERENCE_INITIAL_OFFSET);

namespace {

/// What PTX calls the address modes; clamp_ogl, the clamp of OpenGL, is treated as clamp_to_edge.
bool find_address_mode(std::string_view name, uint32_t& mode) {
    if (name == "wrap")
        mode = ANYWARP_ADDRESS_WRAP;
    else if (name == "mirror")
        mode = ANYWARP_ADDRESS_MIRROR;
    else if (name == "clamp_ogl" || name == "clamp_to_edge")
        mode = ANYWARP_ADDRESS_CLAMP;
    else if (name == "clamp_to_border")
        mode = ANYWARP_ADDRESS_BORDER;
    else
        return false;
    return true;
}

} // namespace

/// The value behind `member =`. False, without a message, when the member doesn't exist or doesn't take this value.
bool Parser::parse_sampler_member(std::string_view member, Type type, void* sampler) {
    auto& s = *static_cast<AnywarpSampler*>(sampler);
    bool is_name = token_.is_identifier();
    bool flag = token_.kind == Token::Kind::integer && token_.bits <= 1;
    if (type == Type::surfref) return false;
    if (member == "filter_mode") {
        if (token_.text != "nearest" && token_.text != "linear") return false;
        s.filter = token_.text == "linear" ? ANYWARP_FILTER_LINEAR : ANYWARP_FILTER_POINT;
    } else if (member.size() == 11 && member.starts_with("addr_mode_") && member[10] >= '0' && member[10] <= '2') {
        if (!is_name || !find_address_mode(token_.text, s.address_mode[member[10] - '0'])) return false;
    } else if (member == "normalized_coords" && type == Type::texref) {
        if (!flag) return false;
        s.normalized = uint32_t(token_.bits);
    } else if (member == "force_unnormalized_coords" && type == Type::samplerref) {
        if (!flag) return false;
        s.normalized = !token_.bits;
    } else {
        return false;
    }
    return true;
}

bool Parser::parse_opaque_initializer(Variable& v, std::string_view name, std::vector<PendingAddress>* pending) {
    if (v.elements * sizeof(AnywarpReference) > (1u << 24)) return fail(v.where, "'" + v.name + "' is too large");
    AnywarpReference reference{};
    reference.magic = ANYWARP_REFERENCE_MAGIC;
    reference.kind = v.type == Type::texref    ? ANYWARP_TEXTURE_MAGIC
                     : v.type == Type::surfref ? ANYWARP_SURFACE_MAGIC
                                               : ANYWARP_SAMPLER_MAGIC;
    AnywarpSampler& sampler = reference.initial;
    bool is_sampler = v.type == Type::samplerref;
    if (is_sampler) { // the defaults of a sampler object
        sampler.magic = ANYWARP_SAMPLER_MAGIC;
        for (uint32_t& mode : sampler.address_mode) mode = ANYWARP_ADDRESS_CLAMP;
        sampler.normalized = 1;
        sampler.max_level = ANYWARP_TEXTURE_LEVELS;
    }
    if (accept('=')) {
        if (!expect('{')) return false;
        while (!token_.is('}')) {
            Token member = token_;
            if (!token_.is_identifier()) return fail_here("a member");
            advance();
            if (!expect('=')) return false;
            if (!parse_sampler_member(member.text, v.type, &sampler))
                return fail(member.where, "." + std::string(spelling(v.type)) + " has no member '" + std::string(member.text) +
                                              "' with the value '" + std::string(token_.text) + "'");
            sampler.magic = ANYWARP_SAMPLER_MAGIC;
            advance();
            if (!accept(',') && !token_.is('}')) return fail_here("',' or '}'");
        }
        advance();
    }
    if (v.linkage == Linkage::extern_) return true;
    v.initializer.emplace();
    v.initializer->bytes.resize(v.elements * sizeof reference);
    for (uint64_t at = 0; at < v.initializer->bytes.size(); at += sizeof reference) {
        std::memcpy(v.initializer->bytes.data() + at, &reference, sizeof reference);
        if (!is_sampler) continue;
        Initializer::Address self;
        self.offset = at + ANYWARP_REFERENCE_HANDLE_OFFSET;
        self.addend = int64_t(at + ANYWARP_REFERENCE_INITIAL_OFFSET);
        self.generic = true;
        pending->push_back({v.initializer->addresses.size(), name, v.where});
        v.initializer->addresses.push_back(self);
    }
    return true;
}

} // namespace anywarp::ptx
